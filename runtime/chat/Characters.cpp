#include "Characters.h"

#include "mlora/Runtime/Core/Utf8.h"

#include <algorithm>
#include <utf8proc.h>
#include <utility>

namespace mlora::jinja {
namespace {

bool isSpaceText(std::string_view character) {
  size_t size = 0;
  return isSpaceCharacter(firstCharacter(character, size));
}

template <typename Each> std::string mapped(std::string_view text, Each each) {
  std::string result;
  for (size_t at = 0, size = 0; at < text.size(); at += size) {
    utf8proc_int32_t code = firstCharacter(text.substr(at), size);
    if (code < 0)
      result += text[at];
    else
      appendCharacter(result, static_cast<unsigned long>(each(code)));
  }
  return result;
}

} // namespace

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> result;
  for (size_t at = 0, size = 0; at < text.size(); at += size) {
    firstCharacter(text.substr(at), size);
    result.push_back(text.substr(at, size));
  }
  return result;
}

int64_t length(std::string_view text) { return int64_t(characters(text).size()); }

bool appendCharacter(std::string &text, unsigned long code) {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return false;
  utf8proc_uint8_t bytes[4];
  utf8proc_ssize_t size = utf8proc_encode_char(utf8proc_int32_t(code), bytes);
  text.append(reinterpret_cast<const char *>(bytes), size_t(size));
  return true;
}

std::string stripped(std::string_view text, bool left, bool right, std::string_view what) {
  std::vector<std::string_view> list = characters(text), set = characters(what);
  auto goes = [&](std::string_view character) {
    return what.empty() ? isSpaceText(character) : std::ranges::find(set, character) != set.end();
  };
  size_t begin = 0, end = list.size();
  while (left && begin < end && goes(list[begin]))
    ++begin;
  while (right && end > begin && goes(list[end - 1]))
    --end;
  std::string result;
  for (size_t i = begin; i < end; ++i)
    result += list[i];
  return result;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> result;
  bool inside = false;
  for (std::string_view character : characters(text)) {
    if (isSpaceText(character)) {
      inside = false;
      continue;
    }
    if (!inside)
      result.emplace_back();
    result.back() += character;
    inside = true;
  }
  return result;
}

std::string upper(std::string_view text) { return upperCase(text); }
std::string lower(std::string_view text) { return mapped(text, utf8proc_tolower); }

std::string capitalised(std::string_view text) {
  bool first = true;
  return mapped(text, [&](utf8proc_int32_t code) {
    return std::exchange(first, false) ? utf8proc_toupper(code) : utf8proc_tolower(code);
  });
}

std::string titled(std::string_view text) {
  bool inWord = false;
  return mapped(text, [&](utf8proc_int32_t code) {
    bool isLetter = utf8proc_toupper(code) != code || utf8proc_tolower(code) != code;
    utf8proc_int32_t result =
        std::exchange(inWord, isLetter) ? utf8proc_tolower(code) : utf8proc_toupper(code);
    return isLetter ? result : code;
  });
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to, int64_t most) {
  std::string result;
  size_t at = 0;
  while (most != 0 && at <= text.size()) {
    size_t found = from.empty() ? at : text.find(from, at);
    if (found == std::string_view::npos)
      break;
    result.append(text.substr(at, found - at)).append(to);
    at = found + from.size();
    if (from.empty()) { // between all characters
      if (at >= text.size())
        return result;
      size_t size = 0;
      firstCharacter(text.substr(at), size);
      result.append(text.substr(at, size));
      at += size;
    }
    --most;
  }
  return at < text.size() ? result.append(text.substr(at)) : result;
}

} // namespace mlora::jinja
