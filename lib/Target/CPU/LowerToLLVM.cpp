//===- LowerToLLVM.cpp - functions of a block to the LLVM dialect -----------------===//

#include "KernelMemRef.h"
#include "MathApproximation.h"
#include "mlora/Dialect/MLora.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_LOWERTOLLVM
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

struct LowerToLLVM : mlora::impl::LowerToLLVMBase<LowerToLLVM> {
  void runOnOperation() override;

private:
  LogicalResult buildEntry(func::FuncOp function, const LLVMTypeConverter &converter);
};

} // namespace

Value mlir::mlora::makeMemRef(ImplicitLocOpBuilder &b, const LLVMTypeConverter &converter, MemRefType type,
                              Value pointer, int64_t dynamicSize) {
  auto descriptor = MemRefDescriptor::poison(b, b.getLoc(), converter.convertType(type));
  descriptor.setAllocatedPtr(b, b.getLoc(), pointer);
  descriptor.setAlignedPtr(b, b.getLoc(), pointer);
  descriptor.setConstantOffset(b, b.getLoc(), 0);
  auto [strides, offset] = type.getStridesAndOffset();
  for (auto [i, stride] : llvm::enumerate(strides)) {
    descriptor.setConstantSize(b, b.getLoc(), i, type.isDynamicDim(i) ? dynamicSize : type.getDimSize(i));
    descriptor.setConstantStride(b, b.getLoc(), i, stride);
  }
  Value value = descriptor;
  return UnrealizedConversionCastOp::create(b, type, value).getResult(0);
}

/// Replaces the function's signature by the kernel ABI (docs/architecture.md).
LogicalResult LowerToLLVM::buildEntry(func::FuncOp function, const LLVMTypeConverter &converter) {
  Block &entry = function.getBody().front();
  auto pointer = LLVM::LLVMPointerType::get(&getContext());
  unsigned count = entry.getNumArguments();
  if (count < 3 || !entry.getArgument(count - 1).getType().isIndex() || function.getNumResults() != 0)
    return function.emitOpError(
        "must be (memrefs…, scalars, scratch, block) -> (), as mlora-lower-kernels makes");
  for (BlockArgument argument : entry.getArguments().drop_back()) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type || !type.getLayout().isIdentity() ||
        llvm::any_of(llvm::seq<int64_t>(1, std::max<int64_t>(1, type.getRank())),
                     [&](int64_t i) { return type.isDynamicDim(i); }))
      return function.emitOpError()
             << "argument " << argument.getArgNumber() << " has type " << argument.getType()
             << "; expected a contiguous memref, dynamic in its first dimension at most";
  }

  Type i64 = IntegerType::get(&getContext(), 64);
  Location loc = function.getLoc();
  Value block = entry.addArgument(i64, loc), buffers = entry.addArgument(pointer, loc),
        scalars = entry.addArgument(pointer, loc), scratch = entry.addArgument(pointer, loc);
  ImplicitLocOpBuilder b(loc, &entry, entry.begin());
  for (unsigned i = 0; i + 3 < count; ++i) {
    Value at = LLVM::GEPOp::create(b, pointer, pointer, buffers, ArrayRef<LLVM::GEPArg>{int32_t(i)});
    auto load =
        LLVM::LoadOp::create(b, pointer, at, /*alignment=*/8, /*isVolatile=*/false, /*isNonTemporal=*/false,
                             /*isInvariant=*/true);
    // Extents come from the scalars, never from a memref: a dynamic size is not read.
    entry.getArgument(i).replaceAllUsesWith(
        makeMemRef(b, converter, cast<MemRefType>(entry.getArgument(i).getType()), load, 0));
  }
  auto bytes = function->getAttrOfType<IntegerAttr>("mlora.scratch_bytes");
  entry.getArgument(count - 3).replaceAllUsesWith(
      makeMemRef(b, converter, cast<MemRefType>(entry.getArgument(count - 3).getType()), scalars, 0));
  entry.getArgument(count - 2).replaceAllUsesWith(
      makeMemRef(b, converter, cast<MemRefType>(entry.getArgument(count - 2).getType()), scratch,
                 bytes ? bytes.getInt() : 0));
  entry.getArgument(count - 1).replaceAllUsesWith(arith::IndexCastOp::create(b, b.getIndexType(), block));
  entry.eraseArguments(0, count);
  // The entry's own pointers are noalias: nobody else writes the tables, and scratch belongs to the thread.
  // Buffers may be each other.
  function.setType(FunctionType::get(&getContext(), entry.getArgumentTypes(), {}));
  function.removeArgAttrsAttr();
  for (unsigned i : {1, 2, 3})
    function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
  for (unsigned i : {1, 2})
    function.setArgAttr(i, LLVM::LLVMDialect::getReadonlyAttrName(), b.getUnitAttr());
  function.setArgAttr(3, LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(64));
  function->setAttr("passthrough", b.getStrArrayAttr({"nounwind"}));
  return success();
}

void LowerToLLVM::runOnOperation() {
  ModuleOp module = getOperation();
  MLIRContext *context = &getContext();
  LLVMTypeConverter converter(context);

  RewritePatternSet before(context);
  populateMathApproximationPatterns(before);
  populateMathPolynomialApproximationPatterns(before, [](StringRef name) {
    return name == math::TanhOp::getOperationName() || name == math::ErfOp::getOperationName() ||
           name == math::Log1pOp::getOperationName();
  });
  memref::populateExpandStridedMetadataPatterns(before);
  vector::populateVectorMaskOpLoweringPatterns(before); // constant masks, which folding makes
  vector::populateVectorTransposeLoweringPatterns(before, vector::VectorTransposeLowering::Shuffle16x16);
  vector::populateVectorShapeCastLoweringPatterns(before);
  if (failed(applyPatternsGreedily(module, std::move(before))))
    return signalPassFailure();

  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isPrivate() && failed(buildEntry(function, converter)))
      return signalPassFailure();

  RewritePatternSet patterns(context);
  populateAffineToStdConversionPatterns(patterns);
  populateSCFToControlFlowConversionPatterns(patterns);
  vector::populateVectorMaskMaterializationPatterns(patterns, /*force32BitVectorIndices=*/true);
  vector::populateVectorStepLoweringPatterns(patterns);
  populateVectorToLLVMConversionPatterns(converter, patterns, /*reassociateFPReductions=*/false,
                                         /*force32BitVectorIndices=*/true);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns);
  populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);
  populateFuncToLLVMConversionPatterns(converter, patterns);

  LLVMConversionTarget target(*context);
  target.addLegalOp<ModuleOp, UnrealizedConversionCastOp, ProgramOp>();
  target.markOpRecursivelyLegal<ProgramOp>(); // what is planned is not code
  if (failed(applyFullConversion(module, target, std::move(patterns))))
    return signalPassFailure();
  SmallVector<UnrealizedConversionCastOp> casts, left;
  module.walk([&](UnrealizedConversionCastOp op) { casts.push_back(op); });
  reconcileUnrealizedCasts(casts, &left);
  for (UnrealizedConversionCastOp op : left) {
    op.emitOpError("is left over: an operand has no form in LLVM");
    return signalPassFailure();
  }
}
