//===- LowerToNVVM.cpp - upstream's passes from gpu and nvgpu to llvm and nvvm --------===//

#include "KernelRewriter.h"
#include "mlora/Target/EmulatedModule.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/NVGPUToNVVM/NVGPUToNVVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

/// convert-gpu-to-nvvm refuses some llvm ops that NVPTX has (exp2, sqrt): what is lowered already does not go
/// through it.
static bool isLowered(ModuleOp module) {
  return !module
              .walk([](Operation *op) {
                bool isCode = isa_and_nonnull<LLVM::LLVMDialect, NVVM::NVVMDialect>(op->getDialect());
                return isCode || isa<ModuleOp, gpu::GPUModuleOp>(op) ? WalkResult::advance()
                                                                     : WalkResult::interrupt();
              })
              .wasInterrupted();
}

/// A tensor map is a pointer; convert-gpu-to-nvvm does not know its type as an argument's.
static void passTensorMapsAsPointers(gpu::GPUFuncOp function) {
  auto pointer = LLVM::LLVMPointerType::get(function.getContext());
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  SmallVector<Type> types(function.getArgumentTypes());
  for (auto [i, type] : llvm::enumerate(types)) {
    if (!isa<nvgpu::TensorMapDescriptorType>(type))
      continue;
    BlockArgument argument = function.getArgument(i);
    argument.setType(pointer);
    auto cast = UnrealizedConversionCastOp::create(builder, function.getLoc(), type, argument);
    argument.replaceAllUsesExcept(cast.getResult(0), cast);
    type = pointer;
  }
  function.setFunctionType(FunctionType::get(function.getContext(), types, function.getResultTypes()));
}

/// nvgpu has no op for the fence that shows an mbarrier's initialisation to the async proxy, and upstream's
/// kernels none: nvgpu.mbarrier.init counts as one with it.
static void fenceMbarrierInit(nvgpu::MBarrierInitOp init) {
  OpBuilder builder(init.getContext());
  builder.setInsertionPointAfter(init);
  NVVM::FenceMbarrierInitOp::create(builder, init.getLoc());
}

/// Upstream's conversion to llvm without the steps before it that take vectors to one dimension, and tails
/// (masks) to comparisons.
static void populateVectorPatterns(RewritePatternSet &patterns) {
  vector::populateVectorBroadcastLoweringPatterns(patterns);
  vector::populateVectorContractLoweringPatterns(patterns, vector::VectorContractLowering::Dot);
  vector::populateVectorMultiReductionLoweringPatterns(patterns,
                                                       vector::VectorMultiReductionLowering::InnerParallel);
  vector::populateVectorMaskOpLoweringPatterns(patterns);
  vector::populateVectorShapeCastLoweringPatterns(patterns);
  vector::populateVectorInterleaveLoweringPatterns(patterns);
  vector::populateVectorTransposeLoweringPatterns(patterns, vector::VectorTransposeLowering::EltWise);
  vector::populateVectorGatherLoweringPatterns(patterns);
  vector::populateVectorStepLoweringPatterns(patterns);
  vector::populateVectorMaskMaterializationPatterns(patterns, /*force32BitVectorIndices=*/false);
  vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
  vector::populateVectorRankReducingFMAPattern(patterns);
  vector::populateVectorTransferLoweringPatterns(patterns, /*maxTransferRank=*/1);
}

/// Reductions become shuffles and transfers loads and stores, by upstream's patterns that no conversion to
/// nvvm has.
static LogicalResult expandWhatLacksPatterns(ModuleOp module) {
  constexpr unsigned warpSize = 32;
  bool any = module
                 .walk([](Operation *op) {
                   bool lacks = isa<gpu::SubgroupReduceOp, memref::AtomicRMWOp, arith::CeilDivSIOp,
                                    arith::CeilDivUIOp, arith::FloorDivSIOp>(op) ||
                                isa_and_nonnull<vector::VectorDialect>(op->getDialect());
                   return lacks ? WalkResult::interrupt() : WalkResult::advance();
                 })
                 .wasInterrupted();
  if (!any)
    return success();
  RewritePatternSet patterns(module.getContext());
  populateGpuBreakDownSubgroupReducePatterns(patterns);
  populateGpuLowerSubgroupReduceToShufflePatterns(patterns, warpSize);
  populateGpuLowerClusteredSubgroupReduceToShufflePatterns(patterns, warpSize);
  populateVectorPatterns(patterns);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  memref::populateExpandOpsPatterns(patterns); // atomics that llvm's have no kind for
  return applyPatternsGreedily(module, std::move(patterns));
}

LogicalResult mlir::mlora::lowerToNVVM(ModuleOp module) {
  if (isLowered(module))
    return success();
  module.walk(passTensorMapsAsPointers);
  module.walk(fenceMbarrierInit);
  keepSpinningLoops(module);
  expandAllReduces(module);
  PassManager passes(module.getContext(), ModuleOp::getOperationName());
  passes.addPass(createConvertNVGPUToNVVMPass());
  passes.addPass(createLowerAffinePass()); // its loops become scf's
  passes.addPass(createConvertVectorToSCFPass());
  if (failed(passes.run(module)) || failed(expandWhatLacksPatterns(module)))
    return failure();
  passes.clear();
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  ConvertGpuOpsToNVVMOpsOptions options;
  options.indexBitwidth = 64;
  passes.addNestedPass<gpu::GPUModuleOp>(createConvertGpuOpsToNVVMOps(options));
  passes.addPass(createReconcileUnrealizedCastsPass());
  return passes.run(module);
}
