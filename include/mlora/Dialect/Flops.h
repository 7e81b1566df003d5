//===- Flops.h - what an op's matrix products cost -------------------------------===//

#pragma once

#include "mlir/IR/Operation.h"

namespace mlir::mlora {

/// Floating-point operations of an op's products with matrices of static size, for one of the rows that it
/// walks over; 0 where it has none.
int64_t flopsPerRow(Operation *op);

/// The same of attention and its gradients, for a pair of a query row and a key row that it attends to, over
/// all heads.
int64_t flopsPerPair(Operation *op);

} // namespace mlir::mlora
