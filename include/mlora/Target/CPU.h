//===- CPU.h - kernels for the CPU at hand ------------------------------------------===//

#pragma once

#include "mlir/Pass/PassManager.h"

namespace mlir::mlora {

/// Kernels to the LLVM dialect.
void buildToCPUPipeline(OpPassManager &passes);

/// `--mlora-to-cpu`.
void registerCPUPipelines();

} // namespace mlir::mlora
