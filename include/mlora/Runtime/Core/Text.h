// Texts put together.
#pragma once

#include <string>
#include <string_view>

namespace mlora {

/// Words with a separator between them.
template <typename Words> std::string joined(const Words &words, std::string_view separator) {
  std::string text;
  bool isFirst = true;
  for (const auto &word : words) {
    text.append(isFirst ? "" : separator).append(word);
    isFirst = false;
  }
  return text;
}

} // namespace mlora
