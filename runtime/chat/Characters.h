// Texts as Python sees them: sequences of characters, not of bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlora::jinja {

/// The UTF-8 characters of a text; a byte that belongs to none stands alone.
std::vector<std::string_view> characters(std::string_view text);
int64_t length(std::string_view text);
/// False for what is no character (surrogates, beyond U+10FFFF).
bool appendCharacter(std::string &text, unsigned long code);

/// str.strip and its halves: without `what`, white space; else any of its characters.
std::string stripped(std::string_view text, bool left, bool right, std::string_view what = {});
/// str.split() without a separator.
std::vector<std::string> words(std::string_view text);
/// str.upper.
std::string upper(std::string_view text);
/// Character by character (Python's differs for the few that become several, like the first of "ßa").
std::string lower(std::string_view text);
std::string capitalised(std::string_view text);
std::string titled(std::string_view text);
/// The text with `from` replaced at most `most` times (< 0: everywhere).
std::string replaced(std::string_view text, std::string_view from, std::string_view to, int64_t most = -1);

} // namespace mlora::jinja
