#include "mlora/Runtime/Data/TokenizerSource.h"

#include "mlora/Runtime/Core/Error.h"

namespace mlora {

TokenizerSource::TokenizerSource(const TrainConfig &config) : path(config.tokenizerPath()) {}

const Tokenizer *TokenizerSource::ifOpen() const {
  std::lock_guard lock(mutex);
  return tokenizer;
}

const Tokenizer &TokenizerSource::get() {
  std::lock_guard lock(mutex);
  if (tokenizer)
    return *tokenizer;
  if (path.empty())
    badInput("text needs a tokenizer: give model_name_or_path, or tokenizer");
  owned = Tokenizer::open(path);
  tokenizer = owned.get();
  return *tokenizer;
}

} // namespace mlora
