//===- TensorCores.cpp - which attention has kernels on tensor cores --------------===//

#include "mlora/Dialect/TensorCores.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;

static int64_t widthOf(Operation *attention) {
  auto width = [](auto op) { return op.getQuery().getType().getDimSize(1) / int64_t(op.getHeads()); };
  return llvm::TypeSwitch<Operation *, int64_t>(attention)
      .Case<AttentionOp, AttentionQueryGradOp, AttentionKeyValueGradOp>(width)
      .Default(int64_t(0));
}

bool mlir::mlora::fitsTensorCores(Operation *attention) {
  Value lse = llvm::TypeSwitch<Operation *, Value>(attention)
                  .Case<AttentionOp, AttentionQueryGradOp, AttentionKeyValueGradOp>(
                      [](auto op) { return op.getLse(); })
                  .Default(Value());
  int64_t width = widthOf(attention);
  if (!lse || width % 16 != 0 || width < 16 || width > 256)
    return false;
  auto hasType = [&](Value value) {
    Type element = getElementTypeOrSelf(value);
    return value == lse ? element.isF32() : element.isInteger(32) || element.isBF16();
  };
  return llvm::all_of(attention->getOperands(), hasType) && llvm::all_of(attention->getResults(), hasType);
}

bool mlir::mlora::turnsResultsBack(Operation *gradient) {
  return isa_and_nonnull<AttentionQueryGradOp, AttentionKeyValueGradOp>(gradient) &&
         fitsTensorCores(gradient) && widthOf(gradient) <= 128;
}

bool mlir::mlora::movesInChunks(int64_t columns, int64_t first) {
  constexpr int64_t elements = 8; // of 16 bytes
  return columns % elements == 0 && first % elements == 0;
}

Operation *mlir::mlora::gradientBehind(Value cotangent) {
  if (auto rope = cotangent.getDefiningOp<RopeOp>()) {
    Operation *gradient = rope.getInput().getDefiningOp();
    // Values are not turned: dv is the second result.
    bool isTurned = turnsResultsBack(gradient) && rope.getInput() == gradient->getResult(0);
    return isTurned && rope.getInverse() && rope.getInput().hasOneUse() &&
                   isa<BlockArgument>(rope.getTable()) && getElementTypeOrSelf(rope.getTable()).isF32() &&
                   rope.getTable().getType().getDimSize(1) == widthOf(gradient) &&
                   getElementTypeOrSelf(rope.getOutput()).isBF16()
               ? gradient
               : nullptr;
  }
  Operation *gradient = cotangent.getDefiningOp();
  return turnsResultsBack(gradient) ? gradient : nullptr;
}
