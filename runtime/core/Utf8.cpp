#include "mlora/Runtime/Core/Utf8.h"

#include <utf8proc.h>

namespace mlora {

bool isUtf8(std::string_view text) {
  auto at = reinterpret_cast<const utf8proc_uint8_t *>(text.data());
  auto left = utf8proc_ssize_t(text.size());
  while (left > 0) {
    utf8proc_int32_t character;
    utf8proc_ssize_t bytes = utf8proc_iterate(at, left, &character);
    if (bytes <= 0)
      return false;
    at += bytes;
    left -= bytes;
  }
  return true;
}

} // namespace mlora
