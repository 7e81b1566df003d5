//===- Extents.cpp - where the rows of a token-sized tensor come from --------------===//

#include "mlora/Dialect/Extents.h"

using namespace mlir;
using namespace mlir::mlora;

Value mlir::mlora::rowsLeader(Operation *op) {
  if (auto gather = dyn_cast<GatherRowsOp>(op))
    return gather.getRows();
  if (auto scatter = dyn_cast<ScatterRowsOp>(op))
    return scatter.getLike();
  if (auto spread = dyn_cast<SpreadOp>(op))
    return spread.getLike();
  if (auto grad = dyn_cast<AttentionKeyValueGradOp>(op))
    return grad.getKey();
  // Of the losses' operands the targets are there first.
  if (auto loss = dyn_cast<CrossEntropyOp>(op))
    return loss.getTargets();
  if (auto call = dyn_cast<ChunkedCallOp>(op))
    return call.getCut();
  return op->getNumOperands() ? op->getOperand(0) : Value();
}

Value mlir::mlora::rowsSource(Value value, llvm::function_ref<bool(Value)> accept) {
  auto isTokenSized = [](Value v) {
    auto type = dyn_cast<RankedTensorType>(v.getType());
    return type && type.getRank() > 0 && type.isDynamicDim(0);
  };
  Value source = value;
  while (Operation *op = value.getDefiningOp()) {
    // Only an op of this dialect that computes is known to keep rows: not a launch, nor another dialect's.
    if (!isTokenSized(value) || !isa<MLoraDialect>(op->getDialect()) || !isMemoryEffectFree(op))
      break;
    value = rowsLeader(op);
    if (!value || !isTokenSized(value))
      break;
    if (accept(value))
      source = value;
  }
  return source;
}

StringAttr mlir::mlora::extentOf(FunctionOpInterface function, Value value) {
  auto type = dyn_cast<ShapedType>(value.getType());
  if (!type || type.hasStaticShape())
    return {};
  while (Operation *op = value.getDefiningOp()) {
    value = rowsLeader(op);
    if (!value)
      return {};
  }
  return function.getArgAttrOfType<StringAttr>(cast<BlockArgument>(value).getArgNumber(), kExtentAttr);
}
