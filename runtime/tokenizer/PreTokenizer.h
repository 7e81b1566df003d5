// Cutting text into pieces before merging: the "pre_tokenizer" of a tokenizer.json.
#pragma once

#include "Pieces.h"
#include "mlora/Runtime/Core/Json.h"

#include <memory>

namespace mlora::tokenization {

/// Where a segment (text between added tokens) lies in the text.
enum class Segment { First, Later };

class PreTokenizer {
public:
  virtual ~PreTokenizer() = default;
  virtual Pieces apply(Pieces pieces, Segment segment) const = 0;

  /// Split, ByteLevel, Digits, Metaspace, or a Sequence of them. Anything else is Error(BadInput).
  static std::unique_ptr<PreTokenizer> parse(const JsonFields &component);
};

} // namespace mlora::tokenization
