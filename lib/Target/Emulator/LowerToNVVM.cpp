//===- LowerToNVVM.cpp - upstream's passes from gpu and nvgpu to llvm and nvvm --------===//

#include "EmulatedModule.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/NVGPUToNVVM/NVGPUToNVVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

LogicalResult mlir::mlora::lowerToNVVM(ModuleOp module) {
  PassManager passes(module.getContext(), ModuleOp::getOperationName());
  passes.addPass(createConvertNVGPUToNVVMPass());
  passes.addPass(createConvertVectorToSCFPass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  ConvertGpuOpsToNVVMOpsOptions options;
  options.indexBitwidth = 64;
  passes.addNestedPass<gpu::GPUModuleOp>(createConvertGpuOpsToNVVMOps(options));
  passes.addPass(createReconcileUnrealizedCastsPass());
  return passes.run(module);
}
