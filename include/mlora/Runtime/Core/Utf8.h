// Whether bytes are text.
#pragma once

#include <string_view>

namespace mlora {

/// Whether all of it is well-formed UTF-8 (no overlong forms, no surrogates).
bool isUtf8(std::string_view text);

} // namespace mlora
