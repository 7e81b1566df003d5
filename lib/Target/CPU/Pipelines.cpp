//===- Pipelines.cpp - named pipelines of the CPU target -----------------------------===//

#include "mlora/Target/CPU.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

void mlir::mlora::buildToCPUPipeline(OpPassManager &passes) {
  passes.addPass(createMLoraLowerKernels());
  passes.addNestedPass<func::FuncOp>(createVectorize());
  passes.addPass(createLowerGemm());
  passes.addPass(createLowerToLLVM());
}

void mlir::mlora::registerCPUPipelines() {
  PassPipelineRegistration<>("mlora-to-cpu", "Kernels to functions with the kernel ABI, in the LLVM dialect",
                             buildToCPUPipeline);
}
