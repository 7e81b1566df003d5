// Whether bytes are text, and what its upper case is.
#pragma once

#include <cstdint>
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

/// What is behind a byte-order mark, where a text begins with one.
std::string_view withoutByteOrderMark(std::string_view text);

/// As Python's str.upper: ß becomes SS. Bytes that are no UTF-8 stay.
std::string upperCase(std::string_view text);
/// The first character of a text that is not empty, and its bytes in `size`; -1 and 1 where none begins.
int32_t firstCharacter(std::string_view text, size_t &size);
/// As Python's str.isspace, and `\s` of its regular expressions.
bool isSpaceCharacter(int32_t code);
/// Bytes of the first character; 1 where none begins, 0 of an empty text.
size_t firstCharacterSize(std::string_view text);

} // namespace mlora
