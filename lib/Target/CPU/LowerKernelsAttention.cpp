//===- LowerKernelsAttention.cpp - causal attention inside documents -------------===//
//
// One block is one head and some query rows (forward, query_grad), or one key head and some key rows
// (key_value_grad). Scores of the block lie in scratch; entries outside a row's interval are zero after
// `exp`, so products may run over all.

#include "BlockBuilder.h"

#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace mlir::mlora;

using Values = SmallVector<Value>;

namespace {
struct Attention {
  BlockBuilder &b;
  Operation *op;
  Value documents; ///< null: one document
  int64_t heads, kvHeads, width;
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);

  template <typename OpTy>
  Attention(BlockBuilder &b, OpTy op)
      : b(b), op(op), heads(op.getHeads()), kvHeads(op.getKvHeads()),
        width(op.getQuery().getType().getShape()[1] / heads) {
    if (op.getDocumentStart())
      documents = b.whole(op.getDocumentStart());
    if (b.position.size() != 2)
      b.fail(op, "needs a grid of heads and rows");
  }

  Value scale() { return b.real(1 / std::sqrt(double(width))); }
  Value keyHead(Value head) { return b.over(head, heads / kvHeads); }
  Value documentStart(Value row) { return documents ? b.loadIndex(documents, row) : b.index(0); }

  /// Rows [first, first + count) of a head's columns.
  Value head(Value memory, Value head, Value first, Value count) {
    return b.view(memory, {getAsOpFoldResult(first), getAsOpFoldResult(b.times(head, width))},
                  {getAsOpFoldResult(count), b.getIndexAttr(width)});
  }
  /// The used part of a scratch matrix.
  Value part(Value memory, Value rows, Value columns) {
    return b.view(memory, {zero, zero}, {getAsOpFoldResult(rows), getAsOpFoldResult(columns)});
  }
  Value part(Value memory, Value rows) { return b.view(memory, {zero}, {getAsOpFoldResult(rows)}); }
  /// Columns [from, to) of row i, as a matrix of one row.
  Value row(Value memory, Value i, Value from, Value to) {
    return b.view(memory, {i, getAsOpFoldResult(from)}, {one, getAsOpFoldResult(b.minus(to, from))});
  }
  Value element(Value memory, Value i) { return b.view(memory, {i}, {one}); }
  /// Column `head` of rows [first, first + count) of lse, made contiguous.
  void loadLse(Value lse, Value head, Value first, Value count, Value into) {
    b.parallel(count, [&](Value i) { b.store(b.load(lse, {b.plus(first, i), head}), into, i); });
  }
  /// δ[i] = Σ_c do[i, c]·o[i, c]
  void buildDelta(Value dOutput, Value output, Value delta) {
    b.fill(delta, 0);
    b.reduce(2, {{dOutput, {0, 1}}, {output, {0, 1}}}, {{delta, {0}}},
             [&](ValueRange v) { return Values{b.add(v[2], b.mul(v[0], v[1]))}; });
  }
  /// P[i, from..to) = exp(S - lse[i]), zero elsewhere
  void rebuildRow(Value scores, Value lse, Value i, Value from, Value to, Value columns) {
    Value inside = row(scores, i, from, to);
    b.each(2, {{element(lse, i), {0}}}, {{inside, {0, 1}}},
           [&](ValueRange v) { return Values{b.exp(b.sub(v[1], v[0]))}; });
    clearOutside(scores, i, from, to, columns);
  }
  void clearOutside(Value scores, Value i, Value from, Value to, Value columns) {
    b.fill(row(scores, i, b.index(0), from), 0);
    b.fill(row(scores, i, to, columns), 0);
  }
  /// dS = P ∘ (dP - δ), into dP
  void buildScoreGrad(Value p, Value delta, Value dP) {
    b.each(2, {{p, {0, 1}}, {delta, {0}}}, {{dP, {0, 1}}},
           [&](ValueRange v) { return Values{b.mul(v[0], b.sub(v[2], v[1]))}; });
  }
};
} // namespace

/// S = scale·q kᵀ, lse[i] = log Σ_j exp(S_ij), out[i] = Σ_j exp(S_ij - lse[i]) v_j over j in
/// [document_start[i], past + i]
static void emitAttention(BlockBuilder &b, AttentionOp op) {
  Attention a(b, op);
  if (b.hasFailed)
    return;
  Value head = b.position[0], first = b.first, count = b.count;
  Value past = op.getPast() ? b.scalar(kPast) : b.index(0);
  Value keyFirst = a.documentStart(first);
  Value keys = b.minus(b.plus(past, b.plus(first, count)), keyFirst);
  Value query = a.head(b.whole(op.getQuery()), head, first, count);
  Value key = a.head(b.whole(op.getKey()), a.keyHead(head), keyFirst, keys);
  Value value = a.head(b.whole(op.getValue()), a.keyHead(head), keyFirst, keys);
  Value output = a.head(b.wholeResult(op.getOutput()), head, first, count);
  Value scores = a.part(b.scratch({b.blockRows, b.capacity(kKvRows)}), count, keys);
  Value top = b.rowScratch(), total = b.rowScratch(), lse = b.rowScratch();

  b.gemm(query, key, scores, a.scale(), b.real(0), false, true);
  b.fill(top, -FLT_MAX);
  b.fill(total, 0);
  b.parallel(count, [&](Value i) {
    Value from = b.minus(a.documentStart(b.plus(first, i)), keyFirst);
    Value to = b.minus(b.plus(past, b.plus(first, b.plus(i, b.index(1)))), keyFirst);
    Value inside = a.row(scores, i, from, to), rowTop = a.element(top, i), rowTotal = a.element(total, i);
    b.reduce(2, {{inside, {0, 1}}}, {{rowTop, {0}}},
             [&](ValueRange v) { return Values{b.maximum(v[1], v[0])}; });
    b.each(2, {{rowTop, {0}}}, {{inside, {0, 1}}},
           [&](ValueRange v) { return Values{b.exp(b.sub(v[1], v[0]))}; });
    b.reduce(2, {{inside, {0, 1}}}, {{rowTotal, {0}}},
             [&](ValueRange v) { return Values{b.add(v[1], v[0])}; });
    a.clearOutside(scores, i, from, to, keys);
  });
  b.gemm(scores, value, output);
  b.each(2, {{total, {0}}}, {{output, {0, 1}}}, [&](ValueRange v) { return Values{b.div(v[1], v[0])}; });
  b.each(1, {{top, {0}}, {total, {0}}}, {{lse, {0}}},
         [&](ValueRange v) { return Values{b.add(v[0], b.log(v[1]))}; });
  Value lseResult = b.wholeResult(op.getLse());
  b.parallel(count, [&](Value i) { b.store(b.load(lse, i), lseResult, {b.plus(first, i), head}); });
}

/// dq = scale · dS k with P = exp(S - lse), dS = P ∘ (do vᵀ - δ)
static void emitQueryGrad(BlockBuilder &b, AttentionQueryGradOp op) {
  Attention a(b, op);
  if (b.hasFailed)
    return;
  Value head = b.position[0], first = b.first, count = b.count;
  Value keyFirst = a.documentStart(first), keys = b.minus(b.plus(first, count), keyFirst);
  Value query = a.head(b.whole(op.getQuery()), head, first, count);
  Value key = a.head(b.whole(op.getKey()), a.keyHead(head), keyFirst, keys);
  Value value = a.head(b.whole(op.getValue()), a.keyHead(head), keyFirst, keys);
  Value dOutput = a.head(b.whole(op.getCotangent()), head, first, count);
  Value output = a.head(b.whole(op.getOutput()), head, first, count);
  Value dQuery = a.head(b.wholeResult(op.getQueryCotangent()), head, first, count);
  int64_t capacity = b.capacity(kKvRows);
  Value p = a.part(b.scratch({b.blockRows, capacity}), count, keys);
  Value dP = a.part(b.scratch({b.blockRows, capacity}), count, keys);
  Value lse = b.rowScratch(), delta = b.rowScratch();

  b.gemm(query, key, p, a.scale(), b.real(0), false, true);
  a.loadLse(b.whole(op.getLse()), head, first, count, lse);
  b.parallel(count, [&](Value i) {
    Value from = b.minus(a.documentStart(b.plus(first, i)), keyFirst);
    Value to = b.minus(b.plus(first, b.plus(i, b.index(1))), keyFirst);
    a.rebuildRow(p, lse, i, from, to, keys);
  });
  a.buildDelta(dOutput, output, delta);
  b.gemmTransposed(dOutput, value, dP);
  a.buildScoreGrad(p, delta, dP);
  b.gemm(dP, key, dQuery, a.scale(), b.real(0));
}

/// dk = scale · Σ dSᵀ q, dv = Σ Pᵀ do over the query heads of a group and all query rows that see the block
/// of keys
static void emitKeyValueGrad(BlockBuilder &b, AttentionKeyValueGradOp op) {
  Attention a(b, op);
  if (b.hasFailed)
    return;
  Value keyHead = b.position[0], keyFirst = b.first, keys = b.count, keyEnd = b.plus(keyFirst, keys);
  Value rows = b.rowsOf(op.getQuery(), kRows);
  Value key = a.head(b.whole(op.getKey()), keyHead, keyFirst, keys);
  Value value = a.head(b.whole(op.getValue()), keyHead, keyFirst, keys);
  Value dKey = a.head(b.wholeResult(op.getKeyCotangent()), keyHead, keyFirst, keys);
  Value dValue = a.head(b.wholeResult(op.getValueCotangent()), keyHead, keyFirst, keys);
  int64_t step = b.blockRows, group = a.heads / a.kvHeads;
  Value scratchP = b.scratch({step, step}), scratchDP = b.scratch({step, step});
  Value scratchLse = b.scratch({step}), scratchDelta = b.scratch({step});

  b.fill(dKey, 0);
  b.fill(dValue, 0);
  Value firstHead = b.times(keyHead, group);
  b.loop(firstHead, b.plus(firstHead, b.index(group)), 1, [&](Value head) {
    b.loop(keyFirst, rows, step, [&](Value first) {
      // Documents are contiguous: where the first row starts behind the keys, so do the others.
      b.when(b.less(a.documentStart(first), keyEnd), [&] {
        Value count = b.least(b.index(step), b.minus(rows, first));
        Value query = a.head(b.whole(op.getQuery()), head, first, count);
        Value dOutput = a.head(b.whole(op.getCotangent()), head, first, count);
        Value output = a.head(b.whole(op.getOutput()), head, first, count);
        Value p = a.part(scratchP, count, keys), dP = a.part(scratchDP, count, keys);
        Value lse = a.part(scratchLse, count), delta = a.part(scratchDelta, count);

        b.gemm(query, key, p, a.scale(), b.real(0), false, true);
        a.loadLse(b.whole(op.getLse()), head, first, count, lse);
        b.parallel(count, [&](Value i) {
          Value row = b.plus(first, i), zero = b.index(0);
          Value from = b.least(b.most(b.minus(a.documentStart(row), keyFirst), zero), keys);
          Value to = b.most(b.least(b.plus(b.minus(row, keyFirst), b.index(1)), keys), from);
          a.rebuildRow(p, lse, i, from, to, keys);
        });
        b.gemm(p, dOutput, dValue, b.real(1), b.real(1), true);
        a.buildDelta(dOutput, output, delta);
        b.gemmTransposed(dOutput, value, dP);
        a.buildScoreGrad(p, delta, dP);
        b.gemm(dP, query, dKey, a.scale(), b.real(1), true);
      });
    });
  });
}

void mlir::mlora::addAttentionEmitters(BlockEmitters &table) {
  addEmitter<emitAttention, AttentionOp>(table);
  addEmitter<emitQueryGrad, AttentionQueryGradOp>(table);
  addEmitter<emitKeyValueGrad, AttentionKeyValueGradOp>(table);
}
