// A tokenizer as the metadata of a GGUF file.
#pragma once

#include "mlora/Runtime/Model/GgufWriter.h"
#include "mlora/Runtime/Model/ModelConfig.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

namespace mlora {

/// The tokenizer.ggml.* pairs and the chat template, as llama.cpp's converter writes them: byte-level BPE as
/// `gpt2` with the name of its pre-tokenizer, SentencePiece-style BPE as `llama` with scores in the order of
/// the merges. Ids that the model has and the tokenizer lacks are unused tokens. Throws Error(BadInput) for a
/// tokenizer that has no such form: llama.cpp would make other ids.
GgufFields ggufTokenizer(const Tokenizer &tokenizer, const ModelConfig &config);

} // namespace mlora
