//===- WarpgroupRows.h - rows and skinny products beside them with wgmma --------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mlir::mlora {

/// The wgmma form of a kernel of rows with products beside them (RowProducts.h), in front of `kernels`'
/// insertion point; failure without a message where the chip is another, columns are no multiple of 64 or
/// ranks too many: the general schedules are for those.
FailureOr<gpu::GPUFuncOp> buildWarpgroupRows(KernelOp kernel, OpBuilder &kernels, StringRef chip);

} // namespace mlir::mlora
