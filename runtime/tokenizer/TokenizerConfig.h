// What stands beside a tokenizer.json: special tokens by their names, and the chat template.
#pragma once

#include "mlora/Runtime/Core/Json.h"

#include <filesystem>
#include <optional>
#include <string>

namespace mlora::tokenization {

struct TokenizerConfig {
  std::optional<std::string> bos, eos; ///< the tokens' texts
  std::optional<bool> addBos;          ///< add_bos_token; unset: the post-processor decides
  std::string chatTemplate;            ///< Jinja; empty when there is none
  std::string chatTemplateFile;        ///< where it stands

  static TokenizerConfig parse(const JsonFields &config);
  /// tokenizer_config.json of a folder, then special_tokens_map.json and chat_template.jinja for what it
  /// lacks. All of them may be absent.
  static TokenizerConfig read(const std::filesystem::path &folder);
};

} // namespace mlora::tokenization
