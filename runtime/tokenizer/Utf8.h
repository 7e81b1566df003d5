// UTF-8 as Rust's String has it: always valid, made so by U+FFFD for what is not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mlora::tokenization {

bool isValidUtf8(std::string_view text);

/// Each maximal invalid part becomes one U+FFFD, as `String::from_utf8_lossy` and Python's errors="replace"
/// do.
std::string replaceInvalidUtf8(std::string_view text);

/// The code point that begins at `at`, which moves past it. `text` must be valid.
char32_t nextCodepoint(std::string_view text, size_t &at);

void appendCodepoint(std::string &text, char32_t codepoint);

inline constexpr std::string_view replacementCharacter = "\xEF\xBF\xBD";

} // namespace mlora::tokenization
