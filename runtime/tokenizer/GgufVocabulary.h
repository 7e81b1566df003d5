// The tokenizer.ggml.* keys of a GGUF file, checked against one another.
#pragma once

#include "mlora/Runtime/Model/Gguf.h"

#include <optional>
#include <string>
#include <vector>

namespace mlora::tokenization {

/// tokenizer.ggml.token_type
enum class GgufTokenType { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

struct GgufVocabulary {
  std::string where; ///< the file's path, for messages
  std::string model, pre;
  std::vector<std::string> tokens;
  std::vector<GgufTokenType> types; ///< as many as tokens
  std::vector<double> scores;       ///< as many as tokens, or none
  std::vector<std::string> merges;
  std::optional<int64_t> bos, eos, unknown, padding;
  std::optional<bool> addBos, addSpacePrefix;
  std::optional<int64_t> contextLength;
  std::string chatTemplate;

  /// Throws Error(BadInput) for a file without tokenizer, lists of different lengths, ids out of range,
  /// tokens that are there twice or are not UTF-8.
  static GgufVocabulary read(const GgufFile &file);
};

} // namespace mlora::tokenization
