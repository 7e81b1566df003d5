//===- Residuals.h - what forward keeps for backward -------------------------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::mlora {

/// A joint function, taken apart: ops that depend on a cotangent and those that do not.
struct Joint {
  explicit Joint(func::FuncOp function) : function(function) {
    for (BlockArgument argument : function.getArguments())
      if (function.getArgAttr(argument.getArgNumber(), kCotangentAttr))
        adjointValues.insert(argument);
    for (Operation &op : function.front().without_terminator())
      if (llvm::any_of(op.getOperands(), [&](Value v) { return adjointValues.contains(v); })) {
        adjointOps.push_back(&op);
        adjointValues.insert_range(op.getResults());
      } else {
        primalOps.push_back(&op);
      }
    auto isGradient = [&](unsigned i) {
      return function.getResultAttr(i, kGradientAttr) || function.getResultAttr(i, kCotangentAttr);
    };
    while (numPrimalResults < function.getNumResults() && !isGradient(numPrimalResults))
      ++numPrimalResults;
    for (Operation *op : adjointOps)
      for (Value operand : op->getOperands())
        if (!adjointValues.contains(operand))
          reads.insert(operand);
  }

  ValueRange returned() { return function.front().getTerminator()->getOperands(); }
  bool isPrimalArgument(unsigned i) { return !function.getArgAttr(i, kCotangentAttr); }

  func::FuncOp function;
  DenseSet<Value> adjointValues;
  SmallVector<Operation *> primalOps, adjointOps;
  unsigned numPrimalResults = 0;
  llvm::SetVector<Value> reads; ///< primal values that the adjoint reads, arguments included
};

/// What backward may compute again: nothing, what is cheap, anything.
enum class Recompute { None, Cheap, All };

/// The values to keep, in the order in which forward makes them. A budget (bytes a row; 0: none) that what is
/// allowed to be computed again cannot meet allows more, at the least cost.
SmallVector<Value> chooseResiduals(const Joint &joint, Recompute allowed, int64_t budget);

/// Names for residuals: what they are to the ops around them.
SmallVector<std::string> nameResiduals(func::FuncOp function, ArrayRef<Value> residuals);

} // namespace mlir::mlora
