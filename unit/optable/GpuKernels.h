// The op table's kernels as a GPU has them: what is emulated and what is made PTX of.
#pragma once

#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace optable {

/// Blocks of rows as the GPU's general schedules want them, and what attention on tensor cores takes with it.
inline mlir::mlora::MLoraFormKernelsOptions gpuBlocks() {
  mlir::mlora::MLoraFormKernelsOptions options;
  options.rowBlock = 32;
  options.attentionBlock = 32;
  options.parameterBlock = 16;
  options.tensorCores = true;
  return options;
}

/// Kernels of a module to one gpu.module of the llvm and nvvm dialects; everything else is dropped, and so
/// are a library's products. `chip`
/// decides between schedules; none: sm_80.
mlir::FailureOr<mlir::gpu::GPUModuleOp> lowerToGpu(mlir::ModuleOp module, llvm::StringRef chip = {});

} // namespace optable
