//===- Folds.cpp - what is the same said shorter -----------------------------------===//
//
// Only what is exact, bit by bit, or says so. docs/rationale.md tells why the other ops have nothing to fold.

#include "mlora/Dialect/Extents.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::mlora;

/// A rotation and its inverse by the same angles: exact but for the rounding of c² + s².
OpFoldResult RopeOp::fold(FoldAdaptor) {
  auto first = getInput().getDefiningOp<RopeOp>();
  bool undone = first && first.getTable() == getTable() && first.getHeads() == getHeads() &&
                first.getInverse() != getInverse() && first.getInput().getType() == getType();
  return undone ? OpFoldResult(first.getInput()) : OpFoldResult();
}

/// The rows that were scattered, gathered again: rows are distinct.
OpFoldResult GatherRowsOp::fold(FoldAdaptor) {
  auto scatter = getInput().getDefiningOp<ScatterRowsOp>();
  bool undone = scatter && scatter.getRows() == getRows() && scatter.getInput().getType() == getType();
  return undone ? OpFoldResult(scatter.getInput()) : OpFoldResult();
}

/// `like` gives a number of rows only. Taken from where it comes from, nothing has to be computed or kept for
/// it.
template <typename Op> static OpFoldResult takeRowsFrom(Op op, Value source) {
  if (source == op.getLike())
    return {};
  op.getLikeMutable().assign(source);
  return op.getOutput();
}

OpFoldResult ScatterRowsOp::fold(FoldAdaptor) {
  // An operand that holds indices would not be a matrix.
  auto isMatrix = [&](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return type.getRank() == 2 && isa<FloatType>(type.getElementType());
  };
  return takeRowsFrom(*this, rowsSource(getLike(), isMatrix));
}

OpFoldResult SpreadOp::fold(FoldAdaptor) { return takeRowsFrom(*this, rowsSource(getLike())); }

/// All of a tensor.
OpFoldResult WindowOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? OpFoldResult(getInput()) : OpFoldResult();
}

/// One tensor beside nothing.
OpFoldResult JoinOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 ? OpFoldResult(getInputs().front()) : OpFoldResult();
}

/// Plain LoRA with alpha = r: B̃ is B and G its gradient.
LogicalResult StackUpGradOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  if (getS() || getScale() != 1)
    return failure();
  results.push_back(getCotangent());
  return success();
}

/// A dx that nobody reads is not computed: u alone does not read the weights.
LogicalResult AdaptedLinearInputGradOp::canonicalize(AdaptedLinearInputGradOp op, PatternRewriter &rewriter) {
  if (!op.getInputCotangent() || !op.getInputCotangent().use_empty())
    return failure();
  auto withoutDx =
      AdaptedLinearInputGradOp::create(rewriter, op.getLoc(), Type(), op.getMidCotangent().getType(),
                                       op.getCotangents(), op.getWeights(), op.getUps(), op.getDown());
  rewriter.replaceAllUsesWith(op.getMidCotangent(), withoutDx.getMidCotangent());
  rewriter.eraseOp(op);
  return success();
}
