//===- Reduction.h - how a linalg op accumulates, for every target -------------------===//

#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::mlora {

/// The op by which an output accumulates: its only use of what was there before, fit for any order. Null when
/// there is none.
inline Operation *getCombiner(linalg::GenericOp op, unsigned output) {
  Operation *combiner = op.getBody()->getTerminator()->getOperand(output).getDefiningOp();
  Value before = op.getRegionOutputArgs()[output];
  if (!combiner || combiner->getBlock() != op.getBody() || combiner->getNumOperands() != 2 ||
      !before.hasOneUse() || *before.getUsers().begin() != combiner || !combiner->getResult(0).hasOneUse())
    return nullptr;
  return combiner->hasTrait<OpTrait::IsCommutative>() && arith::getNeutralElement(combiner) ? combiner
                                                                                            : nullptr;
}

/// What a combiner changes nothing by; of extrema an infinity, not NaN as upstream has it.
inline TypedAttr getNeutral(Operation *combiner) {
  TypedAttr neutral = *arith::getNeutralElement(combiner);
  if (!isa<arith::MaximumFOp, arith::MaxNumFOp, arith::MinimumFOp, arith::MinNumFOp>(combiner))
    return neutral;
  auto type = cast<FloatType>(neutral.getType());
  bool isMost = isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner);
  return FloatAttr::get(type, APFloat::getInf(type.getFloatSemantics(), isMost));
}

/// The combiner's op on values of any type that it has: numbers or vectors.
inline Value combine(OpBuilder &b, Operation *combiner, Value a, Value c) {
  OperationState state(combiner->getLoc(), combiner->getName(), {a, c}, {a.getType()}, combiner->getAttrs());
  return b.create(state)->getResult(0);
}

} // namespace mlir::mlora
