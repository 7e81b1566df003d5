// A tokenizer that is opened when the first text needs it: tokenised rows need none.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <memory>
#include <mutex>

namespace mlora {

class TokenizerSource {
public:
  /// Opens config.tokenizerPath() on first use.
  explicit TokenizerSource(const TrainConfig &config);
  /// One that is open already and outlives this object.
  explicit TokenizerSource(const Tokenizer &tokenizer) : tokenizer(&tokenizer) {}

  /// Throws Error(BadInput) when there is no tokenizer. Safe from several threads at once.
  const Tokenizer &get();
  /// The tokenizer when a text has needed it so far, else null.
  const Tokenizer *ifOpen() const;

private:
  mutable std::mutex mutex;
  std::string path;
  std::unique_ptr<Tokenizer> owned;
  const Tokenizer *tokenizer = nullptr;
};

} // namespace mlora
