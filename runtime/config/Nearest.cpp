// The word that a user probably meant.
#include "mlora/Runtime/Config/Keys.h"

#include <algorithm>

namespace mlora {
namespace {

/// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
size_t distance(std::string_view a, std::string_view b) {
  // d[i][j]: distance of the first i letters of a and the first j of b.
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

} // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  word = word.substr(0, 100); // the table above is quadratic
  std::string_view best;
  size_t least = std::string_view::npos;
  for (std::string_view candidate : candidates)
    if (size_t edits = distance(word, candidate); edits < least) {
      least = edits;
      best = candidate;
    }
  return best;
}

} // namespace mlora
