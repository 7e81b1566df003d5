// GPT-2's alphabet: every byte as one printable character, so that BPE can work on any bytes as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mlora::tokenization {

/// 33–126, 161–172 and 174–255 stand for themselves, the n-th other byte for code point 256 + n.
char32_t characterOfByte(unsigned char byte);
std::optional<unsigned char> byteOfCharacter(char32_t character);

/// Appends the characters of all bytes of `text`.
void appendByteLevel(std::string &result, std::string_view text);

/// The bytes that a token's characters stand for; a token with any other character gives its own UTF-8 bytes.
std::string bytesOfToken(std::string_view token);

} // namespace mlora::tokenization
