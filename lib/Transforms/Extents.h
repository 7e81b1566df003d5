//===- Extents.h - which run-time scalar is behind a `?` --------------------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

namespace mlir::mlora {

/// The operand whose rows an op's result has.
inline Value rowsLeader(Operation *op) {
  if (auto gather = dyn_cast<GatherRowsOp>(op))
    return gather.getRows();
  if (auto scatter = dyn_cast<ScatterRowsOp>(op))
    return scatter.getLike();
  if (auto spread = dyn_cast<SpreadOp>(op))
    return spread.getLike();
  if (auto grad = dyn_cast<AttentionKeyValueGradOp>(op))
    return grad.getKey();
  return op->getNumOperands() ? op->getOperand(0) : Value();
}

/// The name of the scalar behind a value's `?`: that of the function argument its rows come from. Null if
/// there is none.
inline StringAttr extentOf(FunctionOpInterface function, Value value) {
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

} // namespace mlir::mlora
