#include "mlora/Runtime/Core/Utf8.h"

#include "mlora/Runtime/Core/Error.h"

#include <utf8proc.h>

namespace mlora {

int32_t firstCharacter(std::string_view text, size_t &size) {
  utf8proc_int32_t character = -1;
  utf8proc_ssize_t bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
                                            utf8proc_ssize_t(text.size()), &character);
  size = bytes > 0 ? size_t(bytes) : 1;
  return bytes > 0 ? character : -1;
}

size_t firstCharacterSize(std::string_view text) {
  size_t size = 0;
  if (!text.empty())
    firstCharacter(text, size);
  return size;
}

std::string_view withoutByteOrderMark(std::string_view text) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

bool isSpaceCharacter(int32_t code) {
  if (code <= 0x20)
    return code == ' ' || (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x1f);
  return code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
         code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

std::optional<size_t> firstBadByte(std::string_view text) {
  for (size_t at = 0, size = 0; at < text.size(); at += size)
    if (firstCharacter(text.substr(at), size) < 0)
      return at;
  return std::nullopt;
}

bool isUtf8(std::string_view text) { return !firstBadByte(text); }

void checkUtf8(std::string_view text, const std::string &what) {
  if (std::optional<size_t> bad = firstBadByte(text))
    badInput(what + " is not UTF-8 at byte " + std::to_string(*bad) + ": convert it, with iconv for example");
}

} // namespace mlora
