// A data file cut into its rows, each with its line; no row is parsed yet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlora {

struct RowText {
  std::string_view text; ///< one JSON value
  int64_t line;          ///< of the file, from 1
};

/// Rows of JSON lines (blank lines are none) or, when the text begins with `[`, the elements of a JSON array.
/// The views point into `content`. `where` names the file in messages.
std::vector<RowText> splitRows(std::string_view content, const std::string &where);

} // namespace mlora
