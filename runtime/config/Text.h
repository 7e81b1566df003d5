// Values as text.
#pragma once

#include "mlora/Runtime/Config/Keys.h"

#include <string>

namespace mlora {

/// The shortest text that reads back as the same number.
std::string numberText(double value);

/// Words with a separator between them.
template <typename Words> std::string joined(const Words &words, std::string_view separator) {
  std::string result;
  for (const auto &word : words)
    result.append(result.empty() ? "" : separator).append(word);
  return result;
}

/// The keys of an entry of `datasets` or `validation`, which are trained on, or of `eval_tasks`, which are
/// scored.
std::span<const std::string_view> entryKeys(const Key &key);

} // namespace mlora
