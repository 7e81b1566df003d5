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

bool mlir::mlora::isTiled(Operation *op) {
  // A linear layer has blocks of its own where its kernel says so, otherwise it is one of a chain over rows.
  return isa<TokenOuterOp, RmsNormWeightGradOp>(op) ||
         (isa<LinearOp>(op) && op->getParentOp()->hasAttr("mlora.tiles"));
}

/// y += aᵀ b over all rows, for the tile's rows or columns of y
static void emitTokenOuter(BlockBuilder &b, TokenOuterOp op) {
  ArrayRef<int64_t> shape = op.getOutput().getType().getShape();
  OpFoldResult zero = b.getIndexAttr(0), rows = getAsOpFoldResult(b.rowsOf(op.getLhs(), kRows));
  // Whole stripes; the last tile takes the rest.
  int64_t width = llvm::alignTo(llvm::divideCeil(getCutColumns(op), b.numTiles), b.shape.stripeColumns);
  Value from = b.times(b.tile, width), end = b.index(getCutColumns(op));
  OpFoldResult size = getAsOpFoldResult(b.most(b.least(b.index(width), b.minus(end, from)), b.index(0)));
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

/// dw += Σ_t dy[t] ∘ x[t] · ρ[t], row after row
static void emitRmsNormWeightGrad(BlockBuilder &b, RmsNormWeightGradOp op) {
  Value dy = b.whole(op.getCotangent()), x = b.whole(op.getInput()), result = b.wholeResult(op.getOutput());
  int64_t width = op.getOutput().getType().getShape()[0];
  double inverse = 1.0 / width, eps = op.getEps().convertToDouble();
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1), columns = b.getIndexAttr(width);
  SmallVector<ReassociationIndices> groups = {{0, 1}};
  Value dw = memref::ExpandShapeOp::create(b, ArrayRef<int64_t>{1, width}, result, groups,
                                           ArrayRef<OpFoldResult>{one, columns});
  Value rho = b.scratch({1});
  b.clearUnlessAccumulating(result);
  b.loop(b.index(0), b.rowsOf(op.getInput(), kRows), 1, [&](Value t) {
    Value xRow = b.view(x, {t, zero}, {one, columns}), dyRow = b.view(dy, {t, zero}, {one, columns});
    b.fill(rho, 0);
    b.reduce(2, {{xRow, {0, 1}}}, {{rho, {0}}},
             [&](ValueRange v) { return Values{b.add(v[1], b.mul(v[0], v[0]))}; });
    b.each(1, {}, {{rho, {0}}}, [&](ValueRange v) {
      return Values{b.div(b.real(1), b.sqrt(b.add(b.mul(v[0], b.real(inverse)), b.real(eps))))};
    });
    b.each(2, {{dyRow, {0, 1}}, {xRow, {0, 1}}, {rho, {0}}}, {{dw, {0, 1}}},
           [&](ValueRange v) { return Values{b.add(v[3], b.mul(v[0], b.mul(v[1], v[2])))}; });
  });
}

void mlir::mlora::addOuterEmitters(BlockEmitters &table) {
  addEmitter<emitTokenOuter, TokenOuterOp>(table);
  addEmitter<emitRmsNormWeightGrad, RmsNormWeightGradOp>(table);
}
