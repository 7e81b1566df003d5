//===- LowerKernelsParameters.cpp - parameter-sized ops on blocks of rows --------===//

#include "BlockBuilder.h"

using namespace mlir;
using namespace mlir::mlora;

using Values = SmallVector<Value>;

/// Columns of branches as [branch, column of it]; padding behind them is left out.
template <typename Op> static Value splitBranches(BlockBuilder &b, Op op, Value memory) {
  return b.split(b.columns(memory, 0, op.getStackedColumns()), op.getBranches(), op.getBranchRank());
}

/// Zeros in the padding behind branches.
template <typename Op> static void clearPadding(BlockBuilder &b, Op op, Value memory) {
  int64_t from = op.getStackedColumns(), columns = cast<MemRefType>(memory.getType()).getDimSize(1);
  if (from < columns)
    b.fill(b.columns(memory, from, columns - from), 0);
}

/// B̃[o, i·r + k] = c · s[o, i] · b[o, i·r + k]
static void emitStackUp(BlockBuilder &b, StackUpOp op) {
  Value output = b.out(op.getOutput());
  Value factor = splitBranches(b, op, b.in(op.getB())), up = splitBranches(b, op, output);
  double scale = op.getScale();
  clearPadding(b, op, output);
  if (!op.getS())
    return b.each(3, {{factor, {0, 1, 2}}}, {{up, {0, 1, 2}}},
                  [&](ValueRange v) { return Values{b.mul(v[0], b.real(scale))}; });
  b.each(3, {{factor, {0, 1, 2}}, {b.in(op.getS()), {0, 1}}}, {{up, {0, 1, 2}}},
         [&](ValueRange v) { return Values{b.mul(b.mul(v[0], v[1]), b.real(scale))}; });
}

/// db[o, i·r + k] = c · s[o, i] · G[o, i·r + k], ds[o, i] = c · Σ_k b[o, i·r + k] · G[o, i·r + k]
static void emitStackUpGrad(BlockBuilder &b, StackUpGradOp op) {
  double scale = op.getScale();
  Value output = b.out(op.getDb());
  Value g = splitBranches(b, op, b.in(op.getCotangent())), db = splitBranches(b, op, output);
  clearPadding(b, op, output);
  if (!op.getS())
    return b.each(3, {{g, {0, 1, 2}}}, {{db, {0, 1, 2}}},
                  [&](ValueRange v) { return Values{b.mul(v[0], b.real(scale))}; });
  b.each(3, {{g, {0, 1, 2}}, {b.in(op.getS()), {0, 1}}}, {{db, {0, 1, 2}}},
         [&](ValueRange v) { return Values{b.mul(b.mul(v[0], v[1]), b.real(scale))}; });
  if (!op.getDs())
    return;
  Value ds = b.out(op.getDs());
  b.fill(ds, 0);
  b.reduce(3, {{g, {0, 1, 2}}, {splitBranches(b, op, b.in(op.getB())), {0, 1, 2}}}, {{ds, {0, 1}}},
           [&](ValueRange v) { return Values{b.add(v[2], b.mul(b.mul(v[0], v[1]), b.real(scale)))}; });
}

/// W' = W + B̃ Ã
static void emitMerge(BlockBuilder &b, MergeOp op) {
  Value merged = b.out(op.getOutput()), sums = b.sumsFor(merged);
  b.copy(b.in(op.getWeight()), sums);
  b.gemm(b.in(op.getUp()), b.whole(op.getDown()), sums, 1);
  b.storeSums(sums, merged);
}

/// y[o] = Σ_i x[o, i]²; of a vector x[o]²
static void emitSquareSum(BlockBuilder &b, SquareSumOp op) {
  Value x = b.in(op.getInput()), y = b.out(op.getOutput());
  int64_t rank = cast<RankedTensorType>(op.getInput().getType()).getRank();
  if (rank == 1)
    return b.each(1, {{x, {0}}}, {{y, {0}}}, [&](ValueRange v) { return Values{b.mul(v[0], v[0])}; });
  if (rank != 2)
    return b.fail(op, "of a tensor that is neither vector nor matrix");
  b.fill(y, 0);
  b.reduce(2, {{x, {0, 1}}}, {{y, {0}}},
           [&](ValueRange v) { return Values{b.add(v[1], b.mul(v[0], v[0]))}; });
}

/// g = κ·gradient, m' = β1·m + (1-β1)·g, v' = β2·v + (1-β2)·g²,
/// p' = p·(1 - lr·λ) - lr·(m'/c1) / (sqrt(v'/c2) + ε); [lr, β1, β2, ε, λ, c1, c2, κ] = hyper
static void emitAdamW(BlockBuilder &b, AdamWOp op) {
  auto dims = llvm::to_vector<3>(
      llvm::seq<unsigned>(0, cast<RankedTensorType>(op.getParameter().getType()).getRank()));
  SmallVector<BlockBuilder::Operand> ins;
  for (Value operand : {op.getParameter(), op.getGradient(), op.getMoment1(), op.getMoment2()})
    ins.push_back({b.in(operand), dims});
  Value hyper = b.whole(op.getHyper());
  for (int64_t i = 0; i < 8; ++i)
    ins.push_back({b.scalarView(hyper, i), {}});
  SmallVector<BlockBuilder::Operand> outs;
  for (Value result : op->getResults())
    outs.push_back({b.out(result), dims});
  b.each(dims.size(), ins, outs, [&](ValueRange v) {
    Value p = v[0], lr = v[4], beta1 = v[5], beta2 = v[6], epsilon = v[7], decay = v[8], c1 = v[9],
          c2 = v[10];
    Value g = b.mul(v[1], v[11]), one = b.real(1);
    Value m = b.add(b.mul(beta1, v[2]), b.mul(b.sub(one, beta1), g));
    Value s = b.add(b.mul(beta2, v[3]), b.mul(b.sub(one, beta2), b.mul(g, g)));
    Value step = b.div(b.div(m, c1), b.add(b.sqrt(b.div(s, c2)), epsilon));
    return Values{b.sub(b.mul(p, b.sub(one, b.mul(lr, decay))), b.mul(lr, step)), m, s};
  });
}

void mlir::mlora::addParameterEmitters(BlockEmitters &table) {
  addEmitter<emitStackUp, StackUpOp>(table);
  addEmitter<emitStackUpGrad, StackUpGradOp>(table);
  addEmitter<emitMerge, MergeOp>(table);
  addEmitter<emitSquareSum, SquareSumOp>(table);
  addEmitter<emitAdamW, AdamWOp>(table);
}
