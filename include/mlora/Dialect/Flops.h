//===- Flops.h - what an op's matrix products cost -------------------------------===//

#pragma once

#include "mlir/IR/Operation.h"

namespace mlir::mlora {

/// Floating-point operations of an op's products with matrices of static size, for one of the rows that it
/// walks over; 0 where it has none. Attention's products grow with the rows that are attended to and do not
/// count here.
int64_t flopsPerRow(Operation *op);

} // namespace mlir::mlora
