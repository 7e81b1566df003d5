// Tokens back to text: the "decoder" of a tokenizer.json.
#pragma once

#include "mlora/Runtime/Core/Json.h"

#include <memory>
#include <string>
#include <vector>

namespace mlora::tokenization {

class Decoder {
public:
  virtual ~Decoder() = default;
  /// Rewrites the tokens of a whole sequence; the text is all of them joined.
  virtual std::vector<std::string> apply(std::vector<std::string> tokens) const = 0;
  /// The text of one token wherever it stands: nothing is stripped, and bytes that are no text by themselves
  /// are written <0xE2>.
  virtual std::string piece(std::string token) const { return token; }

  /// ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip, or a Sequence of them. Anything else is
  /// Error(BadInput).
  static std::unique_ptr<Decoder> parse(const JsonFields &component);
};

} // namespace mlora::tokenization
