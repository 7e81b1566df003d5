//===- LowerKernelsHead.cpp - cross-entropy and gradients by vocabulary ----------===//

#include "Losses.h"

#include <cfloat>

using namespace mlir;
using namespace mlir::mlora;

using Values = SmallVector<Value>;

static constexpr int64_t kRowChunk = 256;

static bool sharesLogits(CrossEntropyOp forward, CrossEntropyInputGradOp backward) {
  return forward.getInput() == backward.getInput() && forward.getWeight() == backward.getWeight() &&
         forward.getTargets() == backward.getTargets() && forward.getLse() == backward.getLse();
}

/// z = x Wᵀ, lse = log Σ_v exp(z_v), nll = lse - z_target; targets below 0 have nll 0
static void emitCrossEntropy(BlockBuilder &b, CrossEntropyOp op) {
  int64_t vocabulary = op.getWeight().getType().getShape()[0];
  bool keep = llvm::any_of(op->getUsers(), [&](Operation *user) {
    auto backward = dyn_cast<CrossEntropyInputGradOp>(user);
    return backward && sharesLogits(op, backward);
  });
  Value z = b.rowScratch({vocabulary}, keep), targets = b.in(op.getTargets());
  if (keep)
    b.logits[op.getLse()] = z;
  Value nll = b.out(op.getNll()), lse = b.out(op.getLse()), top = b.rowScratch(), total = b.rowScratch();
  b.gemmTransposed(b.in(op.getInput()), b.whole(op.getWeight()), z);
  b.fill(top, -FLT_MAX);
  b.reduce(2, {{z, {0, 1}}}, {{top, {0}}}, [&](ValueRange v) { return Values{b.maximum(v[1], v[0])}; });
  b.fill(total, 0);
  b.reduce(2, {{z, {0, 1}}, {top, {0}}}, {{total, {0}}},
           [&](ValueRange v) { return Values{b.add(v[2], b.exp(b.sub(v[0], v[1])))}; });
  storeLosses(b, z, top, total, targets, lse, nll);
}

/// z becomes dz = dnll · (exp(z - lse) - onehot(target)) for rows [rowFirst, rowFirst + rows) of the vectors;
/// z has the vocabulary rows [wordFirst, wordFirst + words) as columns.
static void buildLogitsGrad(BlockBuilder &b, Value z, Value weight, Value dnll, Value targets, Value lse,
                            Value rowFirst, Value rows, Value wordFirst, Value words) {
  storeRowWeights(b, dnll, targets, rowFirst, rows, weight);
  Value lseRows = b.view(lse, {getAsOpFoldResult(rowFirst)}, {getAsOpFoldResult(rows)});
  b.each(2, {{lseRows, {0}}, {weight, {0}}}, {{z, {0, 1}}},
         [&](ValueRange v) { return Values{b.mul(v[1], b.exp(b.sub(v[2], v[0])))}; });
  b.parallel(rows, [&](Value c) {
    // Unsigned: a negative target is outside as well.
    Value word = b.minus(b.loadIndex(targets, b.plus(rowFirst, c)), wordFirst);
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, word, words);
    b.when(inside, [&] { b.store(b.sub(b.load(z, {c, word}), b.load(weight, c)), z, {c, word}); });
  });
}

/// dx = dz W
static void emitInputGrad(BlockBuilder &b, CrossEntropyInputGradOp op) {
  int64_t vocabulary = op.getWeight().getType().getShape()[0];
  Value z = b.logits.lookup(op.getLse());
  if (z && !sharesLogits(op.getLse().getDefiningOp<CrossEntropyOp>(), op))
    z = nullptr;
  // A second reader of the same logits would find dz in their place.
  b.logits.erase(op.getLse());
  if (!z) {
    z = b.rowScratch({vocabulary});
    b.gemmTransposed(b.in(op.getInput()), b.whole(op.getWeight()), z);
  }
  Value zero = b.index(0);
  buildLogitsGrad(b, z, b.rowScratch(), b.in(op.getCotangent()), b.in(op.getTargets()), b.in(op.getLse()),
                  zero, b.count, zero, b.index(vocabulary));
  b.gemm(z, b.whole(op.getWeight()), b.out(op.getOutput()));
}

/// dW[v] += Σ_c dz[c, v] x[c] for the block's vocabulary rows, over chunks of token rows
static void emitWeightGrad(BlockBuilder &b, CrossEntropyWeightGradOp op) {
  int64_t width = op.getInput().getType().getShape()[1];
  Value x = b.whole(op.getInput()), dnll = b.whole(op.getCotangent()), targets = b.whole(op.getTargets());
  Value lse = b.whole(op.getLse()), words = b.in(op.getWeight()), dw = b.out(op.getOutput());
  Value rows = b.rowsOf(op.getInput(), kCountedRows);
  Value logits = b.scratch({kRowChunk, b.blockRows}), weights = b.scratch({kRowChunk});
  OpFoldResult zero = b.getIndexAttr(0);
  b.clearUnlessAccumulating(dw);
  b.loop(b.index(0), rows, kRowChunk, [&](Value first) {
    Value count = b.least(b.index(kRowChunk), b.minus(rows, first));
    Value chunk = b.view(x, {first, zero}, {getAsOpFoldResult(count), b.getIndexAttr(width)});
    Value z = b.view(logits, {zero, zero}, {getAsOpFoldResult(count), getAsOpFoldResult(b.count)});
    b.gemmTransposed(chunk, words, z);
    buildLogitsGrad(b, z, b.view(weights, {zero}, {getAsOpFoldResult(count)}), dnll, targets, lse, first,
                    count, b.first, b.count);
    b.gemm(z, chunk, dw, b.real(1), b.real(1), /*transposeA=*/true);
  });
}

/// dtable[v] += Σ_{t: ids[t] = v} dy[t] for the block's vocabulary rows, in token order
static void emitEmbeddingWeightGrad(BlockBuilder &b, EmbeddingWeightGradOp op) {
  Value dy = b.whole(op.getCotangent()), ids = b.whole(op.getIds()), table = b.out(op.getOutput());
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  OpFoldResult width = b.getIndexAttr(op.getOutput().getType().getShape()[1]);
  b.clearUnlessAccumulating(table);
  b.loop(b.index(0), b.rowsOf(op.getIds(), kRows), 1, [&](Value t) {
    Value word = b.minus(b.loadIndex(ids, t), b.first);
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, word, b.count);
    b.when(inside, [&] {
      b.each(2, {{b.view(dy, {t, zero}, {one, width}), {0, 1}}},
             {{b.view(table, {word, zero}, {one, width}), {0, 1}}},
             [&](ValueRange v) { return Values{b.add(v[1], v[0])}; });
    });
  });
}

void mlir::mlora::addHeadEmitters(BlockEmitters &table) {
  addEmitter<emitCrossEntropy, CrossEntropyOp>(table);
  addEmitter<emitInputGrad, CrossEntropyInputGradOp>(table);
  addEmitter<emitWeightGrad, CrossEntropyWeightGradOp>(table);
  addEmitter<emitEmbeddingWeightGrad, EmbeddingWeightGradOp>(table);
}
