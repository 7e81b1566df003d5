#include "ByteLevel.h"

#include "Utf8.h"

#include <array>

namespace mlora::tokenization {

namespace {

struct Alphabet {
  Alphabet() {
    char32_t next = 256;
    bytes.fill(-1);
    for (int byte = 0; byte < 256; ++byte) {
      bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      characters[byte] = itself ? static_cast<char32_t>(byte) : next++;
      bytes[characters[byte]] = byte;
      appendCodepoint(texts[byte], characters[byte]);
    }
  }
  std::array<char32_t, 256> characters;
  std::array<std::string, 256> texts;
  std::array<int, 256 + 68> bytes; // 68 bytes do not stand for themselves
};

const Alphabet &alphabet() {
  static const Alphabet instance;
  return instance;
}

} // namespace

char32_t characterOfByte(unsigned char byte) { return alphabet().characters[byte]; }

std::optional<unsigned char> byteOfCharacter(char32_t character) {
  const auto &bytes = alphabet().bytes;
  if (character >= bytes.size() || bytes[character] < 0)
    return std::nullopt;
  return static_cast<unsigned char>(bytes[character]);
}

void appendByteLevel(std::string &result, std::string_view text) {
  for (char byte : text)
    result += alphabet().texts[static_cast<unsigned char>(byte)];
}

std::string bytesOfToken(std::string_view token) {
  std::string bytes;
  for (size_t at = 0; at < token.size();) {
    auto byte = byteOfCharacter(nextCodepoint(token, at));
    if (!byte)
      return std::string(token);
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

} // namespace mlora::tokenization
