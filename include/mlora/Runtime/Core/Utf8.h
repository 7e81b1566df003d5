// Whether bytes are text.
#pragma once

#include <optional>
#include <string_view>

namespace mlora {

/// Whether all of it is well-formed UTF-8 (no overlong forms, no surrogates).
bool isUtf8(std::string_view text);
/// The first byte that is not part of any; nothing where all is well.
std::optional<size_t> firstBadByte(std::string_view text);

} // namespace mlora
