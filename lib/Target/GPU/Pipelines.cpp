//===- Pipelines.cpp - named pipelines of the GPU target -----------------------------===//

#include "mlora/Target/GPU.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Transforms/Passes.h"

using namespace mlir;

void mlir::mlora::buildToGPUPipeline(OpPassManager &passes) {
  passes.addPass(createAttentionToGPU());
  passes.addPass(createSumsToGPU());
  passes.addPass(createRowsToGPU());
  MLoraLowerKernelsOptions blocks;
  blocks.keyChunk = 64;      // scores of a block fit into shared memory
  blocks.stripeColumns = 16; // what tensor cores take
  passes.addPass(createMLoraLowerKernels(blocks));
  passes.addPass(createBlocksToThreads());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createGPUToNVVM());
}

void mlir::mlora::registerGPUPipelines() {
  PassPipelineRegistration<>("mlora-to-gpu", "Kernels to a gpu.module of the llvm and nvvm dialects",
                             buildToGPUPipeline);
}
