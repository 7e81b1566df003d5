//===- GPU.h - kernels for NVIDIA's GPUs ------------------------------------------===//

#pragma once

#include "mlir/Pass/PassManager.h"

namespace mlir::mlora {

/// Kernels to a gpu.module of the llvm and nvvm dialects: what PTX is made of and what the emulator runs.
void buildToGPUPipeline(OpPassManager &passes);

/// `--mlora-to-gpu`.
void registerGPUPipelines();

} // namespace mlir::mlora
