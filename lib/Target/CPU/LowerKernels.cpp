//===- LowerKernels.cpp - kernels to functions of one block ----------------------===//

#include "BlockBuilder.h"

#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_MLORALOWERKERNELS
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

static BlockEmitters makeEmitters() {
  BlockEmitters table;
  addRowEmitters(table);
  addRopeEmitters(table);
  addParameterEmitters(table);
  addAttentionEmitters(table);
  addOuterEmitters(table);
  addHeadEmitters(table);
  addLossEmitters(table);
  addTotalEmitters(table);
  return table;
}

/// Kernels hold f32, bf16 and i32; anything else has no block form.
static LogicalResult checkTypes(KernelOp kernel) {
  for (Type type : llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    Type element = tensor ? tensor.getElementType() : Type();
    if (!tensor || !(element.isF32() || element.isBF16() || element.isInteger(32)))
      return kernel.emitOpError() << "operand or result of type " << type
                                  << " (f32, bf16 and i32 tensors are supported)";
    for (int64_t i = 1; i < tensor.getRank(); ++i)
      if (tensor.isDynamicDim(i))
        return kernel.emitOpError() << "type " << type << ": only the first dimension may be dynamic";
  }
  return success();
}

/// Whether a value is needed after an op, maybe through a view.
static bool isReadAfter(Value value, Operation *op) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    return op->isBeforeInBlock(user) || (isa<WindowOp>(user) && isReadAfter(user->getResult(0), op));
  });
}

static LogicalResult lowerKernel(KernelOp kernel, const BlockEmitters &table, int64_t keyChunk) {
  if (failed(checkTypes(kernel)))
    return failure();
  SmallVector<Operation *> body;
  Operation *yield = kernel.getBody().front().getTerminator();
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (!isa<WindowOp>(op) || llvm::is_contained(op.getUsers(), yield)) // others are views
      body.push_back(&op);
  auto tiles = kernel->getAttrOfType<DenseI64ArrayAttr>("mlora.tiles");
  unsigned numTiled = llvm::count_if(body, isTiled);
  if (numTiled > 0 && numTiled < body.size())
    return kernel.emitOpError() << "mixes sums over tokens with other ops";
  if (numTiled > 0 && !tiles)
    return kernel.emitOpError() << "sums over tokens but has no 'mlora.tiles': the blocks of each sum, as "
                                << "mlora-form-kernels writes them";
  if (numTiled > 0 && tiles.size() != numTiled)
    return kernel.emitOpError() << "has " << numTiled << " ops and " << tiles.size()
                                << " entries in 'mlora.tiles'";

  BlockBuilder b(kernel, keyChunk);
  int64_t firstTile = 0;
  for (auto [i, op] : llvm::enumerate(body)) {
    BlockEmitter emit = table.lookup(op->getName().getStringRef());
    if (!emit) {
      b.fail(op, "has no form on blocks");
      break;
    }
    b.setLoc(op->getLoc());
    if (numTiled == 0) {
      emit(b, op);
    } else {
      // Blocks [firstTile, firstTile + count) belong to this op.
      b.numTiles = tiles[i];
      b.tile = b.minus(b.block, b.index(firstTile));
      Value inside = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, b.tile, b.index(b.numTiles));
      b.when(inside, [&] { emit(b, op); });
      firstTile += b.numTiles;
    }
    b.release();
    for (Value value :
         llvm::concat<Value>(llvm::to_vector(op->getOperands()), llvm::to_vector(op->getResults())))
      if (!isReadAfter(value, op))
        b.release(value);
  }
  b.finish();
  bool hasFailed = b.hasFailed;
  hasFailed ? b.function.erase() : kernel.erase();
  return failure(hasFailed);
}

namespace {
struct LowerKernels : mlir::mlora::impl::MLoraLowerKernelsBase<LowerKernels> {
  using MLoraLowerKernelsBase::MLoraLowerKernelsBase;
  void runOnOperation() override {
    if (keyChunk < 1) {
      getOperation().emitError() << "key-chunk is " << int64_t(keyChunk) << "; expected at least 1";
      return signalPassFailure();
    }
    BlockEmitters table = makeEmitters();
    for (KernelOp kernel : llvm::make_early_inc_range(getOperation().getOps<KernelOp>()))
      if (!kernel->hasAttr("library") && failed(lowerKernel(kernel, table, keyChunk)))
        return signalPassFailure();
  }
};
} // namespace
