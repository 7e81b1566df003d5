// Text to token ids and back, as Hugging Face's tokenizers does it (FORMATS section 3).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlora {

class Tokenizer {
public:
  /// A folder with tokenizer.json, a tokenizer.json, or a .gguf file with tokenizer.ggml.* keys.
  static std::unique_ptr<Tokenizer> open(const std::filesystem::path &path);
  virtual ~Tokenizer() = default;

  /// Ids of UTF-8 text, without BOS or EOS. Text of special added tokens is recognised, as HF does. What is
  /// not UTF-8 counts as U+FFFD. Safe from several threads at once.
  virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  /// Text of ids; special tokens are left out when `skipSpecial`, ids that no token has always.
  virtual std::string decode(std::span<const int32_t> ids, bool skipSpecial = true) const = 0;
  /// The text of one token, as `data preview` shows it.
  virtual std::string piece(int32_t id) const = 0;

  virtual int64_t vocabSize() const = 0;          ///< one more than the largest id
  virtual std::optional<int32_t> bos() const = 0; ///< id of the BOS token, where the tokenizer has one
  virtual std::optional<int32_t> eos() const = 0;
  /// Whether a sequence begins with BOS by the tokenizer's own configuration (add_bos_token,
  /// TemplateProcessing).
  virtual bool addsBos() const = 0;
  /// Jinja source of the chat template, empty when there is none.
  virtual std::string chatTemplate() const = 0;
  /// The file that it stands in, for messages; empty where that is not known.
  virtual std::string chatTemplateFile() const { return ""; }
  /// Contents of the files that make up the tokenizer, so that merge can carry them along (name, bytes).
  virtual std::vector<std::pair<std::string, std::string>> files() const = 0;
};

} // namespace mlora
