//===- ProductSchedules.h - which product of blocks has which schedule ----------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

#include <string>

namespace mlir::mlora {

/// How a block's threads compute op(A) op(B): tiles of C, K in steps through stages of shared memory.
struct ProductSchedule {
  enum Kind { General, Mma, Ffma } kind = General;
  int64_t rows = 0, columns = 0, depth = 0; ///< of a tile: M, N, K
  int64_t stages = 0;
  int64_t threadRows = 0, threadColumns = 0; ///< mma: warps, ffma: threads that share a tile
  std::string reason = {};                   ///< General: why no other fits

  /// As in `mlora.schedule`: "mma 32x96x64x3".
  std::string name() const;
  int64_t elementBytes() const { return kind == Mma ? 2 : 4; }
  /// Of a thread or warp.
  int64_t patchRows() const { return rows / threadRows; }
  int64_t patchColumns() const { return columns / threadColumns; }
};

/// The tile of an operand as it lies in memory, which is how it lies in shared memory too.
struct OperandShape {
  int64_t rows, columns;
};
OperandShape tileOfA(const ProductSchedule &schedule, GemmOp op);
OperandShape tileOfB(const ProductSchedule &schedule, GemmOp op);

/// Bytes of shared memory: all stages.
int64_t sharedBytesOf(const ProductSchedule &schedule, GemmOp op);

/// The schedule that copies least, of those that fit `sharedLimit` bytes; the general one where operands or
/// result have rows that none of them can read.
ProductSchedule chooseProduct(GemmOp op, int64_t sharedLimit);

} // namespace mlir::mlora
