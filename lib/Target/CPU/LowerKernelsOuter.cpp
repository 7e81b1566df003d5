//===- LowerKernelsOuter.cpp - sums over tokens, cut into tiles ------------------===//

#include "BlockBuilder.h"
#include "Building.h"

using namespace mlir;
using namespace mlir::mlora;

using Values = SmallVector<Value>;

/// The columns that tiles cut: the left factor's, or the right one's where it is wider.
static int64_t getCutColumns(TokenOuterOp op) {
  return *llvm::max_element(op.getOutput().getType().getShape());
}

namespace {
/// A tile's part of some columns.
struct Part {
  Value from;
  OpFoldResult size;
  int64_t most;
};
} // namespace

/// Whole stripes; the last tile takes the rest.
static Part partOf(BlockBuilder &b, int64_t columns) {
  int64_t width = llvm::alignTo(llvm::divideCeil(columns, b.numTiles), b.shape.stripeColumns);
  Value from = b.times(b.tile, width), end = b.index(columns);
  return {from, getAsOpFoldResult(b.most(b.least(b.index(width), b.minus(end, from)), b.index(0))), width};
}

bool mlir::mlora::isTiled(Operation *op) {
  // A linear layer has blocks of its own where its kernel says so, otherwise it is one of a chain over rows.
  return isa<TokenOuterOp, RmsNormWeightGradOp>(op) ||
         (isa<LinearOp>(op) && op->getParentOp()->hasAttr("mlora.tiles"));
}

/// y += aᵀ b over all rows, for the tile's rows or columns of y
static void emitTokenOuter(BlockBuilder &b, TokenOuterOp op) {
  ArrayRef<int64_t> shape = op.getOutput().getType().getShape();
  OpFoldResult zero = b.getIndexAttr(0), rows = getAsOpFoldResult(b.rowsOf(op.getLhs(), kRows));
  auto [from, size, most] = partOf(b, getCutColumns(op));
  OpFoldResult left = b.getIndexAttr(shape[0]), right = b.getIndexAttr(shape[1]), leftFrom = zero,
               rightFrom = zero;
  Value rhsFrom = b.index(op.getFirst());
  if (shape[0] >= shape[1]) {
    left = size;
    leftFrom = from;
  } else {
    right = size;
    rightFrom = from;
    rhsFrom = b.plus(rhsFrom, from);
  }
  Value lhs = b.view(b.whole(op.getLhs()), {zero, leftFrom}, {rows, left});
  Value rhs = b.view(b.whole(op.getRhs()), {zero, getAsOpFoldResult(rhsFrom)}, {rows, right});
  Value y = b.view(b.wholeResult(op.getOutput()), {leftFrom, rightFrom}, {left, right});
  b.gemm(lhs, rhs, y, b.real(1), b.beta(), /*transposeA=*/true);
}

/// Rows whose products are summed side by side. A power of two.
static constexpr int64_t kSideBySide = 128;

/// dw += Σ_t dy[t] ∘ x[t] · ρ[t], for the tile's columns: sums of every 128th row, then these by halves
static void emitRmsNormWeightGrad(BlockBuilder &b, RmsNormWeightGradOp op) {
  int64_t columns = op.getOutput().getType().getDimSize(0);
  auto [from, size, most] = partOf(b, columns);
  Value rows = b.rowsOf(op.getInput(), kRows), result = b.wholeResult(op.getOutput());
  OpFoldResult zero = b.getIndexAttr(0);
  Value all = b.scratch({kSideBySide, most});
  auto sumsOf = [&, size = size](int64_t first, OpFoldResult count) {
    return b.view(all, {b.getIndexAttr(first), zero}, {count, size});
  };
  b.fill(sumsOf(0, b.getIndexAttr(kSideBySide)), 0);
  b.loop(b.index(0), rows, kSideBySide, [&, from = from, size = size](Value first) {
    OpFoldResult count = getAsOpFoldResult(b.least(b.index(kSideBySide), b.minus(rows, first)));
    auto part = [&](Value matrix) { return b.view(matrix, {first, getAsOpFoldResult(from)}, {count, size}); };
    Value scale = b.view(b.whole(op.getScale()), {first}, {count});
    b.each(2, {{part(b.whole(op.getCotangent())), {0, 1}}, {part(b.whole(op.getInput())), {0, 1}}, {scale, {0}}},
           {{sumsOf(0, count), {0, 1}}},
           [&](ValueRange v) { return Values{b.add(v[3], b.mul(v[0], b.mul(v[1], v[2])))}; });
  });
  for (int64_t half = kSideBySide / 2; half > 0; half /= 2)
    b.each(2, {{sumsOf(half, b.getIndexAttr(half)), {0, 1}}}, {{sumsOf(0, b.getIndexAttr(half)), {0, 1}}},
           [&](ValueRange v) { return Values{b.add(v[1], v[0])}; });
  SmallVector<ReassociationIndices> groups = {{0, 1}};
  Value asRow = memref::ExpandShapeOp::create(b, ArrayRef<int64_t>{1, columns}, result, groups,
                                              ArrayRef<OpFoldResult>{b.getIndexAttr(1), b.getIndexAttr(columns)});
  Value dw = b.view(asRow, {zero, getAsOpFoldResult(from)}, {b.getIndexAttr(1), size});
  b.clearUnlessAccumulating(dw);
  b.each(2, {{sumsOf(0, b.getIndexAttr(1)), {0, 1}}}, {{dw, {0, 1}}},
         [&](ValueRange v) { return Values{b.add(v[1], v[0])}; });
}

void mlir::mlora::addOuterEmitters(BlockEmitters &table) {
  addEmitter<emitTokenOuter, TokenOuterOp>(table);
  addEmitter<emitRmsNormWeightGrad, RmsNormWeightGradOp>(table);
}
