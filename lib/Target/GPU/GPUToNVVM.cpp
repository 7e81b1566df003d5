//===- GPUToNVVM.cpp - kernels of a GPU to the llvm and nvvm dialects ----------------===//
//
// Upstream's convert-gpu-to-nvvm calls libdevice for square roots and exponentials; here roots are
// instructions and the others polynomials.

#include "../CPU/KernelMemRef.h"
#include "../CPU/MathApproximation.h"
#include "Distributor.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_GPUTONVVM
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

/// Lane by lane: these are a thread's instructions of one number.
static Value onLanes(ImplicitLocOpBuilder &b, Value value, function_ref<Value(Value)> function) {
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type)
    return function(value);
  SmallVector<Value> lanes;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    lanes.push_back(function(vector::ExtractOp::create(b, value, ArrayRef<int64_t>{i})));
  return vector::FromElementsOp::create(b, type, lanes);
}

static bool isApproximate(arith::FastMathFlags flags, Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return arith::bitEnumContainsAll(flags, arith::FastMathFlags::afn) && getElementTypeOrSelf(type).isF32() &&
         (!vector || vector.getRank() == 1);
}

namespace {

/// exp(x) of what may be approximate (`afn`): 2^(x·log2 e) by its instruction, off by 2^-22 of it and of x.
struct ApproximateExp : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ExpOp op, PatternRewriter &rewriter) const override {
    if (!isApproximate(op.getFastmath(), op.getType()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value scale = arith::ConstantOp::create(b, b.getF32FloatAttr(1.44269504088896341));
    rewriter.replaceOp(op, onLanes(b, op.getOperand(), [&](Value x) {
                         Value scaled = arith::MulFOp::create(b, x, scale);
                         return LLVM::CallIntrinsicOp::create(b, b.getF32Type(),
                                                              b.getStringAttr("llvm.nvvm.ex2.approx.ftz.f"),
                                                              ValueRange{scaled})
                             .getResult(0);
                       }));
    return success();
  }
};

/// x / y of what may be approximate: x times the reciprocal of y, an instruction.
struct ApproximateQuotient : OpRewritePattern<arith::DivFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::DivFOp op, PatternRewriter &rewriter) const override {
    if (!isApproximate(op.getFastmath(), op.getType()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value reciprocal = onLanes(b, op.getRhs(), [&](Value y) -> Value {
      return NVVM::RcpApproxFtzF32Op::create(b, b.getF32Type(), y);
    });
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, op.getLhs(), reciprocal);
    return success();
  }
};

} // namespace

/// Whether nothing but a pointer has to say where its elements are; the first extent is never asked for.
static bool isKnown(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!type || type.getMemorySpace() || failed(type.getStridesAndOffset(strides, offset)) || offset != 0)
    return false;
  for (int64_t i = 1; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      return false;
  return llvm::none_of(strides, ShapedType::isDynamic);
}

/// A pointer for each memref: its shape and strides are the kernel's own knowledge.
static LogicalResult passPointers(gpu::GPUFuncOp kernel, const LLVMTypeConverter &converter) {
  Block &entry = kernel.getBody().front();
  ImplicitLocOpBuilder b(kernel.getLoc(), &entry, entry.begin());
  auto pointer = LLVM::LLVMPointerType::get(kernel.getContext());
  for (BlockArgument argument : entry.getArguments()) {
    if (isa<LLVM::LLVMPointerType>(argument.getType()))
      continue; // what addresses bytes itself
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!isKnown(type))
      return kernel.emitOpError()
             << "argument " << argument.getArgNumber() << " has type " << argument.getType()
             << "; expected a memref of known strides, dynamic in its first dimension at most";
    argument.setType(pointer);
    if (argument.use_empty())
      continue;
    // All of scratch is addressed by views, whose verifier is gone by now.
    auto uses = llvm::map_to_vector(argument.getUses(), [](OpOperand &use) { return &use; });
    Value memory = makeMemRef(b, converter, type, argument, 0);
    for (OpOperand *use : uses)
      use->set(memory);
  }
  kernel.setFunctionType(FunctionType::get(kernel.getContext(), entry.getArgumentTypes(), {}));
  return success();
}

/// Upstream's conversions carry what scf.for says about its loop to the branch back, but not to where it
/// counts.
static void annotateLoops(gpu::GPUModuleOp kernels) {
  kernels.walk([](Operation *op) {
    auto annotation = dyn_cast_or_null<LLVM::LoopAnnotationAttr>(op->removeDiscardableAttr(kLoopAnnotation));
    if (auto branch = dyn_cast<LLVM::BrOp>(op); branch && annotation)
      branch.setLoopAnnotationAttr(annotation);
    if (auto branch = dyn_cast<LLVM::CondBrOp>(op); branch && annotation)
      branch.setLoopAnnotationAttr(annotation);
  });
}

/// Upstream promises 16 bytes, but tiles turn addresses as a whole: dynamic shared memory begins where a tile
/// may.
static void alignDynamicShared(gpu::GPUModuleOp kernels) {
  for (auto global : kernels.getOps<LLVM::GlobalOp>()) {
    auto type = dyn_cast<LLVM::LLVMArrayType>(global.getGlobalType());
    bool isShared = global.getAddrSpace() == unsigned(NVVM::NVVMMemorySpace::Shared);
    if (isShared && type && type.getNumElements() == 0)
      global.setAlignment(std::max<uint64_t>(global.getAlignment().value_or(0), 512)); // a tile's longest row
  }
}

namespace {
struct GPUToNVVM : mlir::mlora::impl::GPUToNVVMBase<GPUToNVVM> {
  void runOnOperation() override {
    for (auto kernels : getOperation().getOps<gpu::GPUModuleOp>())
      if (failed(lower(kernels)))
        return signalPassFailure();
  }
  LogicalResult lower(gpu::GPUModuleOp kernels);
};
} // namespace

LogicalResult GPUToNVVM::lower(gpu::GPUModuleOp kernels) {
  MLIRContext *context = &getContext();
  LLVMTypeConverter converter(context);
  configureGpuToNVVMTypeConverter(converter);

  RewritePatternSet before(context);
  populateMathApproximationPatterns(before);
  before.add<ApproximateExp, ApproximateQuotient>(context, /*benefit=*/2);
  memref::populateExpandStridedMetadataPatterns(before);
  if (failed(applyPatternsGreedily(kernels, std::move(before))))
    return failure();
  for (auto kernel : kernels.getOps<gpu::GPUFuncOp>())
    if (failed(passPointers(kernel, converter)))
      return failure();

  RewritePatternSet patterns(context);
  populateAffineToStdConversionPatterns(patterns);
  populateSCFToControlFlowConversionPatterns(patterns);
  populateVectorToLLVMConversionPatterns(converter, patterns, /*reassociateFPReductions=*/false,
                                         /*force32BitVectorIndices=*/true);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  // Upstream's patterns of gpu to nvvm call libdevice for the same ops.
  populateMathToLLVMConversionPatterns(converter, patterns, /*approximateLog1p=*/true, /*benefit=*/2);
  populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);
  populateGpuToNVVMConversionPatterns(converter, patterns);

  LLVMConversionTarget target(*context);
  target.addLegalDialect<NVVM::NVVMDialect>();
  target.addLegalOp<gpu::GPUModuleOp, UnrealizedConversionCastOp>();
  target.addIllegalDialect<gpu::GPUDialect>();
  target.addLegalOp<gpu::GPUModuleOp>();
  if (failed(applyFullConversion(kernels, target, std::move(patterns))))
    return failure();
  annotateLoops(kernels);
  alignDynamicShared(kernels);
  SmallVector<UnrealizedConversionCastOp> casts, left;
  kernels.walk([&](UnrealizedConversionCastOp op) { casts.push_back(op); });
  reconcileUnrealizedCasts(casts, &left);
  for (UnrealizedConversionCastOp op : left)
    return op.emitOpError("is left over: an operand has no form in LLVM");
  return success();
}
