// Whether bytes are text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mlora {

/// Whether all of it is well-formed UTF-8 (no overlong forms, no surrogates).
bool isUtf8(std::string_view text);
/// The first byte that is not part of any; nothing where all is well.
std::optional<size_t> firstBadByte(std::string_view text);
/// Throws Error(BadInput) that begins with `what` and says at which byte, unless all is well.
void checkUtf8(std::string_view text, const std::string &what);

} // namespace mlora
