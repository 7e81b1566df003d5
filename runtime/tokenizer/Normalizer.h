// Rewriting of text before it is split: the "normalizer" of a tokenizer.json.
#pragma once

#include "mlora/Runtime/Core/Json.h"

#include <memory>
#include <string>

namespace mlora::tokenization {

class Normalizer {
public:
  virtual ~Normalizer() = default;
  virtual std::string apply(std::string text) const = 0;

  /// Prepend, Replace, NFC, NFD, NFKC, NFKD, or a Sequence of them. Anything else is Error(BadInput).
  static std::unique_ptr<Normalizer> parse(const JsonFields &component);
};

} // namespace mlora::tokenization
