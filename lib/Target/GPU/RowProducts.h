//===- RowProducts.h - kernels of rows with products beside them ----------------------===//
//
// What such a kernel does, read from its tensor ops: values of a row that are computed column by column from
// columns of buffers, at most with sums along the row between, and skinny products of them.

#pragma once

#include "mlora/Dialect/MLora.h"

namespace mlir::mlora {

/// m = x·Ãᵀ (`linear`) or u = dy·B̃ (`linear.input_grad`).
struct RowProduct {
  Value operand; ///< of the segment
  Value output;
  Value weight; ///< a parameter or a window of one
  bool isDown;  ///< the weight's rows are ranks (Ã), otherwise its columns (B̃)
  int64_t ranks;
};

/// Values of as many columns that are computed from each other.
struct RowSegment {
  int64_t columns;
  SmallVector<Value> sources;   ///< columns of buffers: parameters or windows of them
  SmallVector<Operation *> ops; ///< elementwise, rms_norm and its gradient; in order
  SmallVector<RowProduct> products;

  /// Whether a value is an op's result or a source of this segment.
  bool has(Value value) const;
  /// The sources that these ops read.
  SmallVector<Value> readBy(ArrayRef<Operation *> some) const;
};

/// Where in a result a value's columns lie.
struct RowPlace {
  Value result; ///< that leaves the kernel
  int64_t of;   ///< columns that it has
  int64_t first;
};

struct RowKernel {
  SmallVector<RowSegment, 1> segments;
  DenseMap<Value, SmallVector<RowPlace>> places; ///< of ops' results, products and sources that are copied

  ArrayRef<RowPlace> placesOf(Value value) const {
    auto found = places.find(value);
    return found == places.end() ? ArrayRef<RowPlace>() : ArrayRef<RowPlace>(found->second);
  }
};

/// None where the kernel has no product, or anything that is not a row's: another op, another type than bf16,
/// buffers whose rows are no multiple of 16 bytes apart, rows of several extents, sums of what waits for
/// sums.
std::optional<RowKernel> findRowProducts(KernelOp kernel);

} // namespace mlir::mlora
