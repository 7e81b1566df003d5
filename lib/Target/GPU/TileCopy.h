//===- TileCopy.h - rectangles of matrices to shared memory ---------------------------===//

#pragma once

#include "SharedTile.h"

namespace mlir::mlora {

/// Address of a memref's first element, for ThreadBuilder: a pointer of global memory, a number of shared.
Value addressOf(ThreadBuilder &b, Value memory);

/// A dimension of a memref.
Value extentOf(ThreadBuilder &b, Value memory, int64_t dim);

/// Copies rectangles of one matrix to tiles of shared memory, zeros outside the matrix: all threads of a
/// block share the work, 16 bytes of the tile at a time. What lies in global memory as the tile wants it
/// comes asynchronously; the rest (scratch in shared memory, f32 for a tile of bf16) passes through
/// registers.
class TileCopy {
public:
  TileCopy(ThreadBuilder &b, Value memory, Type element, int64_t tileRows, int64_t tileColumns, Value thread,
           int64_t threads);

  /// The rectangle whose corner is (row, column).
  void operator()(Value tile, Value row, Value column) const;

  /// Where chunk `chunk` of a row of the tile is.
  Value place(Value row, Value chunk) const;

  const TileLayout layout;

private:
  void copyAsync(Value to, int64_t offset, Value source, Value row, Value column) const;
  void copyThroughRegisters(Value to, Value source, Value row, Value column) const;

  ThreadBuilder &b;
  Type element, sourceElement;
  int64_t tileRows, tileColumns;
  Value thread;
  int64_t threads;

  Value origin; ///< of the matrix
  int64_t strideBytes, sourceBytes;
  Value rows, columns; ///< of the matrix
  int64_t rowsKnown;   ///< what divides them, 0: nothing is known of them
  int64_t columnsKnown;
  int64_t piece; ///< elements of a load
  bool isAsync;
};

} // namespace mlir::mlora
