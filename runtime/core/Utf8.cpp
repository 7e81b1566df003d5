#include "mlora/Runtime/Core/Utf8.h"

#include "mlora/Runtime/Core/Error.h"

#include <utf8proc.h>

namespace mlora {

std::optional<size_t> firstBadByte(std::string_view text) {
  auto begin = reinterpret_cast<const utf8proc_uint8_t *>(text.data());
  for (size_t at = 0; at < text.size();) {
    utf8proc_int32_t character;
    utf8proc_ssize_t bytes = utf8proc_iterate(begin + at, utf8proc_ssize_t(text.size() - at), &character);
    if (bytes <= 0)
      return at;
    at += size_t(bytes);
  }
  return std::nullopt;
}

bool isUtf8(std::string_view text) { return !firstBadByte(text); }

void checkUtf8(std::string_view text, const std::string &what) {
  if (std::optional<size_t> bad = firstBadByte(text))
    badInput(what + " is not UTF-8 at byte " + std::to_string(*bad) + ": convert it, with iconv for example");
}

} // namespace mlora
