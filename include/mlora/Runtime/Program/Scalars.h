// The run-time scalars of a program: what a dimension `?` may be (docs/architecture.md, "Token extents").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mlora {

/// In the order in which kernels index them; the layout is ABI.
struct Scalars {
  int64_t rows = 0;        ///< token rows of the micro-batch
  int64_t countedRows = 0; ///< rows whose label counts
  int64_t kvRows = 0;      ///< rows of keys and values: of the cache in generation, otherwise rows
  int64_t accumulate = 0;  ///< 0: gradients are overwritten, 1: added to

  static constexpr int count = 4;
  const int64_t *data() const { return &rows; }
  int64_t operator[](int index) const { return data()[index]; }
};
static_assert(sizeof(Scalars) == Scalars::count * sizeof(int64_t));

inline constexpr int countedRowsScalar = 1; ///< its index

inline constexpr std::array<std::string_view, Scalars::count> scalarNames = {"rows", "counted_rows",
                                                                             "kv_rows", "accumulate"};

/// A capacity is rounded up to a multiple of it, so that what counts bytes a row is aligned as the arena is.
inline constexpr int64_t capacityStep = 16;

inline int64_t roundedCapacity(int64_t rows) {
  return (rows + capacityStep - 1) / capacityStep * capacityStep;
}

/// Bytes that grow with extents: fixed ones, and so many a row of each.
struct LinearBytes {
  static constexpr int extents = 3; ///< rows, counted_rows, kv_rows: the first scalars
  int64_t fixed = 0;
  std::array<int64_t, extents> perRow = {};

  double at(const Scalars &scalars) const {
    double bytes = double(fixed);
    for (int i = 0; i < extents; ++i)
      bytes += double(perRow[size_t(i)]) * double(scalars[i]);
    return bytes;
  }
};

/// A size that is known when the program is compiled, or one of the scalars.
struct Extent {
  int64_t size = 0;
  int scalar = -1; ///< index into Scalars, -1: `size`

  bool isStatic() const { return scalar < 0; }
  int64_t at(const Scalars &scalars) const { return isStatic() ? size : scalars[scalar]; }
};

} // namespace mlora
