// Where the tokenizers and reference values of these tests are.
#pragma once

#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>

namespace mlora::test {

inline std::filesystem::path shared(const std::string &name) {
  return std::filesystem::path(MLORA_SHARED) / "data" / name;
}

/// The GGUF file that quickstart fetches.
inline std::filesystem::path smollm2() {
  const char *given = std::getenv("MLORA_SMOLLM2");
  return given ? std::filesystem::path(given)
               : std::filesystem::path(MLORA_SOURCE) / "build/models/SmolLM2-135M-Instruct.Q4_1.gguf";
}

/// A small tokenizer.json without added tokens or parts; `parts` replaces and adds keys.
inline nlohmann::json smallTokenizer(nlohmann::json model, const nlohmann::json &parts = {}) {
  nlohmann::json result = {
      {"version", "1.0"}, {"added_tokens", nlohmann::json::array()}, {"model", std::move(model)}};
  if (parts.is_object())
    result.update(parts);
  return result;
}

/// A model of a few letters.
inline nlohmann::json letters() {
  return {{"type", "BPE"},
          {"vocab", {{"a", 0}, {"b", 1}, {"c", 2}, {"ab", 3}, {"abc", 4}}},
          {"merges", {"a b", "ab c"}}};
}

using Ids = std::vector<int32_t>;

/// Skips the test, visibly, where a file is absent.
#define NEED_FILE(path)                                                                                      \
  if (!std::filesystem::exists(path))                                                                        \
  GTEST_SKIP() << (path).string() << " is absent"

} // namespace mlora::test
