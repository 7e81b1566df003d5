// The op table's kernels as a GPU has them: what is emulated and what is made PTX of.
#pragma once

#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace optable {

/// Blocks of rows as the GPU's general schedules want them.
inline mlir::mlora::MLoraFormKernelsOptions gpuBlocks() {
  return {.rowBlock = 32, .attentionBlock = 32, .parameterBlock = 16};
}

/// Kernels of a module to one gpu.module of the llvm and nvvm dialects; everything else is dropped, and so
/// are a library's products.
mlir::FailureOr<mlir::gpu::GPUModuleOp> lowerToGpu(mlir::ModuleOp module);

} // namespace optable
