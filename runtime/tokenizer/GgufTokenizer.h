// The tokenizer of a GGUF file, written as Hugging Face's files: one way to read a tokenizer, and merged
// folders that hold the very one that was trained with.
#pragma once

#include "GgufVocabulary.h"
#include "mlora/Runtime/Core/Json.h"

namespace mlora::tokenization {

/// tokenizer.json. Models `gpt2` (byte-level BPE) and `llama` (SentencePiece by scores); others are
/// Error(BadInput).
nlohmann::json tokenizerJson(const GgufVocabulary &vocabulary);

/// tokenizer_config.json.
nlohmann::json tokenizerConfigJson(const GgufVocabulary &vocabulary);

} // namespace mlora::tokenization
