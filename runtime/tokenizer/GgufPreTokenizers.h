// What `tokenizer.ggml.pre` names, in the terms of a tokenizer.json.
#pragma once

#include "mlora/Runtime/Core/Json.h"

#include <string>

namespace mlora::tokenization {

struct GgufPreTokenizer {
  nlohmann::json normalizer, preTokenizer; ///< as in a tokenizer.json
  bool ignoreMerges = false;               ///< a whole piece in the vocabulary wins
  bool addsBos = false;                    ///< where the file does not say
};

/// Byte-level BPE's by name. An unknown one is Error(BadInput): guessing would change ids silently.
GgufPreTokenizer ggufPreTokenizer(const std::string &name, const std::string &where);

} // namespace mlora::tokenization
