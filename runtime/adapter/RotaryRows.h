// Rows of q and k in the two orders of rotary embeddings: Hugging Face turns halves of a head (j, j + size /
// 2), GGUF neighbours (2j, 2j + 1).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace mlora {

/// Where a row of the order of neighbours lies in that of halves.
inline int64_t halvesRow(int64_t row, int64_t size) {
  return row / size * size + row % 2 * (size / 2) + row % size / 2;
}

/// Where a row of the order of halves lies in that of neighbours.
inline int64_t neighboursRow(int64_t row, int64_t size) {
  return row / size * size + 2 * (row % (size / 2)) + row % size / (size / 2);
}

/// Rows of `columns` values, given as halves, as neighbours.
inline std::vector<float> rowsAsNeighbours(const std::vector<float> &rows, int64_t columns, int64_t size) {
  std::vector<float> turned(rows.size());
  for (int64_t row = 0; row < static_cast<int64_t>(rows.size()) / columns; ++row)
    std::copy_n(rows.data() + halvesRow(row, size) * columns, columns, turned.data() + row * columns);
  return turned;
}

} // namespace mlora
