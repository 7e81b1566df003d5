// What Split and Replace look for: {"String": …} or {"Regex": …}.
#pragma once

#include "Regex.h"
#include "mlora/Runtime/Core/Json.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlora::tokenization {

class Pattern {
public:
  /// The pattern under `key` of a component.
  Pattern(const JsonFields &component, const char *key);

  std::vector<Range> matches(std::string_view text) const;
  /// `text` with `content` in place of every match.
  std::string replaced(std::string_view text, std::string_view content) const;

private:
  std::string literal; ///< used where there is no regex; empty matches nothing
  std::optional<Regex> regex;
};

} // namespace mlora::tokenization
