#include "mlora/Runtime/Data/TokenizerSource.h"

#include "mlora/Runtime/Core/Error.h"

namespace mlora {

TokenizerSource::TokenizerSource(const TrainConfig &config) : path(config.tokenizerPath()) {}

const Tokenizer &TokenizerSource::get() {
  if (tokenizer)
    return *tokenizer;
  if (path.empty())
    badInput("text needs a tokenizer: give model_name_or_path, or tokenizer");
  owned = Tokenizer::open(path);
  tokenizer = owned.get();
  return *tokenizer;
}

} // namespace mlora
