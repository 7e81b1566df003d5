#include "Utf8.h"

namespace mlora::tokenization {

namespace {

struct Part {
  size_t length;
  bool valid;
};

/// The sequence at `at`, or the longest prefix of one that is invalid (Unicode 3.9, table 3-7).
Part partAt(std::string_view text, size_t at) {
  auto byte = [&](size_t index) { return static_cast<unsigned char>(text[index]); };
  unsigned lead = byte(at);
  if (lead < 0x80)
    return {1, true};
  if (lead < 0xC2 || lead > 0xF4)
    return {1, false};
  size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // Overlong forms, surrogates and values above 10FFFF show in the second byte.
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < length; ++i, low = 0x80, high = 0xBF)
    if (at + i >= text.size() || byte(at + i) < low || byte(at + i) > high)
      return {i, false};
  return {length, true};
}

} // namespace

bool isValidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    Part part = partAt(text, at);
    if (!part.valid)
      return false;
    at += part.length;
  }
  return true;
}

std::string replaceInvalidUtf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    Part part = partAt(text, at);
    result += part.valid ? text.substr(at, part.length) : replacementCharacter;
    at += part.length;
  }
  return result;
}

char32_t nextCodepoint(std::string_view text, size_t &at) {
  auto byte = [&](size_t index) { return static_cast<char32_t>(static_cast<unsigned char>(text[index])); };
  char32_t lead = byte(at);
  size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t result = length == 1 ? lead : lead & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i)
    result = result << 6 | (byte(at + i) & 0x3F);
  at += length;
  return result;
}

void appendCodepoint(std::string &text, char32_t codepoint) {
  auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  auto tail = [&](int shift) { put(0x80 | (codepoint >> shift & 0x3F)); };
  if (codepoint < 0x80) {
    put(codepoint);
  } else if (codepoint < 0x800) {
    put(0xC0 | codepoint >> 6), tail(0);
  } else if (codepoint < 0x10000) {
    put(0xE0 | codepoint >> 12), tail(6), tail(0);
  } else {
    put(0xF0 | codepoint >> 18), tail(12), tail(6), tail(0);
  }
}

} // namespace mlora::tokenization
