//===- WarpgroupSums.h - sums over tokens with wgmma ----------------------------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mlir::mlora {

/// The wgmma form of a kernel of `token_outer`s on bf16, in front of `kernels`' insertion point; failure
/// without a message where the chip, an op, a type or a view of the kernel is another: the general schedules
/// are for those.
FailureOr<gpu::GPUFuncOp> buildWarpgroupSums(KernelOp kernel, OpBuilder &kernels, StringRef chip);

} // namespace mlir::mlora
