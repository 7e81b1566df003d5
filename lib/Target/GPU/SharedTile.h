//===- SharedTile.h - rows of bf16 in shared memory -----------------------------------===//

#pragma once

#include "ThreadBuilder.h"

namespace mlir::mlora {

/// Where the 16-byte chunks of a row lie. Shared memory has 32 banks of 4 bytes, so eight chunks at a time
/// are moved without conflict when they lie in eight different groups of four banks. ldmatrix reads one chunk
/// of eight rows; hence either chunks change places by the row's low bits (rows of 32, 64 or a multiple of
/// 128 bytes), or rows are an odd number of chunks apart.
struct TileLayout {
  explicit TileLayout(int64_t width);

  int64_t chunks;              ///< of a row
  int64_t stride;              ///< bytes from row to row
  int64_t mask = 0, shift = 0; ///< chunk c of row r lies at place c ^ (r >> shift & mask)

  int64_t bytes(int64_t rows) const { return rows * stride; }
};

/// Bytes of a tile of `rows` rows of `rowBytes` (a multiple of 16), such that the next begins where a tile
/// may.
int64_t tileBytes(int64_t rows, int64_t rowBytes);

/// A thread's view of tiles of one layout: the parts of addresses that do not change are computed once.
class TileAccess {
public:
  TileAccess(ThreadBuilder &b, TileLayout layout, Value thread, Value lane, int64_t threads);

  /// Rows [first, last) of global memory to rows [0, rows) of the tile, zeros behind them: a part of it by
  /// each thread of the block. `from` is the tile's first column in row 0.
  void copyAsync(Value tile, Value from, int64_t stride, Value first, Value last, int64_t rows) const;

  /// The 16x16 elements from row `row` (a multiple of 16; part of `tile` where it is not known) and column
  /// 16 · `column` on. Registers: rows 0-7 and 8-15 of the left half, then of the right half. Transposed,
  /// each 8x8 matrix is.
  Quad load(Value tile, int64_t row, int64_t column, bool isTransposed = false) const;
  Quad load(Value tile, int64_t row, Value column, bool isTransposed = false) const;

  /// An operand A of 16 rows and columns to rows [0, 16) and columns from 16 · `column` on, as `load` reads
  /// it (sm_90).
  void store(Value tile, int64_t column, const Quad &operand) const;

  /// 16x(8n) sums, rounded, to rows [0, 16) and columns from 8 · `column` on, by one warp.
  void store(Value tile, ArrayRef<Quad> sums, Value column = {}) const;

  /// By one warp: rows [0, rows) of the tile to rows [first, …) of global memory, none from `last` on.
  void copyOut(Value tile, Value to, int64_t stride, Value first, Value last, int64_t rows) const;

  /// Offset of a chunk of a row.
  Value place(Value row, Value chunk) const;

  const TileLayout layout;

private:
  /// Where this lane's row of a matrix operation begins its 16 columns.
  Value matrixAddress(Value tile, Value column) const;

  ThreadBuilder &b;
  Value thread, lane;
  int64_t threads;
  Value matrixRow,
      matrixTurn;        ///< this lane's row for ldmatrix: its offset, and what turns its chunks, in bytes
  Value sumRow, sumTurn; ///< this lane's row of sums: offset with its column, and what turns its chunks
};

} // namespace mlir::mlora
