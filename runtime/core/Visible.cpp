#include "mlora/Runtime/Core/Visible.h"

namespace mlora {

std::string visible(std::string_view text, std::string_view kept) {
  static const char *hex = "0123456789abcdef";
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are controls too: C2 80 to C2 9F in UTF-8.
    bool control =
        c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < text.size() && (text[i + 1] & 0xe0) == 0x80);
    if (!control || kept.find(text[i]) != kept.npos)
      result += text[i];
    else if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else
      result += std::string("\\x") + hex[c >> 4] + hex[c & 15];
  }
  return result;
}

} // namespace mlora
