//===- LowerKernelsAttention.cpp - causal attention inside documents -------------===//
//
// One block is one head and some query rows (forward, query_grad), or one key head and some key rows
// (key_value_grad). Query rows take their keys a chunk at a time, so that scores fit the scratch whatever
// the number of keys; entries outside a row's interval are zero after `exp`, so products may run over all.

#include "BlockBuilder.h"

#include <cfloat>
#include <cmath>
#include <limits>
#include <tuple>

using namespace mlir;
using namespace mlir::mlora;

using Values = SmallVector<Value>;

namespace {
struct Attention {
  BlockBuilder &b;
  Operation *op;
  Value keys, values; ///< all rows
  Value documents;    ///< null: one document
  Value at;           ///< rows of the keys that query rows stand at; null: their own numbers
  Value prefixStart, prefixEnd; ///< null: no prefix
  int64_t heads, kvHeads, width;
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);

  template <typename OpTy>
  Attention(BlockBuilder &b, OpTy op)
      : b(b), op(op), keys(b.whole(op.getKey())), values(b.whole(op.getValue())), heads(op.getHeads()),
        kvHeads(op.getKvHeads()), width(op.getQuery().getType().getShape()[1] / heads) {
    if (op.getDocumentStart())
      documents = b.whole(op.getDocumentStart());
    if constexpr (std::is_same_v<OpTy, AttentionOp>) {
      if (op.getAt())
        at = b.whole(op.getAt());
      if (op.getPrefixStart())
        prefixStart = b.whole(op.getPrefixStart()), prefixEnd = b.whole(op.getPrefixEnd());
    }
    if (b.position.size() != 2)
      b.fail(op, "needs a grid of heads and rows");
  }

  Value scale() { return b.real(1 / std::sqrt(double(width))); }
  Value keyHead(Value head) { return b.over(head, heads / kvHeads); }
  Value documentStart(Value row) { return documents ? b.loadIndex(documents, row) : b.index(0); }
  Value placeOf(Value row) { return at ? b.loadIndex(at, row) : row; }

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

  /// Some of the keys that a block of query rows sees.
  struct Chunk {
    Value first, count; ///< its keys
    Value isLater;      ///< than the first of the block
    Value key, value;   ///< their rows, of one key head

    /// 0 where a sum over keys begins, 1 where it goes on.
    Value beta(BlockBuilder &b) const { return arith::SelectOp::create(b, isLater, b.real(1), b.real(0)); }
  };
  /// Where the sums over chunks of a block's rows of a result are built. A product whose beta is only known
  /// at run time may read what it does not add.
  Value sumsOverChunks(Value result) {
    Value sums = b.sumsFor(result);
    if (sums != result)
      b.fill(sums, 0);
    return sums;
  }
  /// Calls `body` for the chunks of the keys that a block of query rows sees, in order; of rows that say where they
  /// stand, for those of them that a row sees.
  void eachChunk(function_ref<void(const Chunk &)> body) {
    Value from = documentStart(b.first), to = b.plus(b.first, b.count), kvHead = keyHead(b.position[0]);
    if (at)
      std::tie(from, to) = bounds();
    b.loop(from, to, b.shape.keyChunk, [&](Value first) {
      Value count = b.least(b.index(b.shape.keyChunk), b.minus(to, first));
      auto visit = [&] {
        body({first, count, b.less(from, first), head(keys, kvHead, first, count),
              head(values, kvHead, first, count)});
      };
      // The first chunk begins with a key that a row sees, so that sums begin there.
      at ? b.when(isSeen(first, count), visit) : visit();
    });
  }
  /// The first key that a row of the block sees, and the one behind the last.
  std::pair<Value, Value> bounds() {
    return reduceRows({b.index(std::numeric_limits<int32_t>::max()), b.index(0)}, [&](Value row, ValueRange sofar) {
      Value from = documentStart(row);
      if (prefixStart) {
        Value prefix = b.loadIndex(prefixStart, row);
        from = b.choose(b.less(prefix, b.loadIndex(prefixEnd, row)), b.least(prefix, from), from);
      }
      return Values{b.least(sofar[0], from), b.most(sofar[1], b.plus(placeOf(row), b.index(1)))};
    });
  }
  /// Whether a row of the block sees one of `count` keys from `first` on.
  Value isSeen(Value first, Value count) {
    auto seen = reduceRows({b.index(0), b.index(0)}, [&](Value row, ValueRange sofar) {
      auto [from, to] = inside(first, count, documentStart(row), b.plus(placeOf(row), b.index(1)));
      Value sum = b.plus(sofar[0], b.minus(to, from));
      if (prefixStart) {
        auto [begin, end] = inside(first, count, b.loadIndex(prefixStart, row), b.loadIndex(prefixEnd, row));
        sum = b.plus(sum, b.minus(end, begin));
      }
      return Values{sum, sofar[1]};
    });
    return b.less(b.index(0), seen.first);
  }
  /// Two numbers, worked out row by row of the block.
  std::pair<Value, Value> reduceRows(ArrayRef<Value> begin, function_ref<Values(Value, ValueRange)> next) {
    auto loop = scf::ForOp::create(b, b.index(0), b.count, b.index(1), begin);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(b, next(b.plus(b.first, loop.getInductionVar()), loop.getRegionIterArgs()));
    return {loop.getResult(0), loop.getResult(1)};
  }
  /// What of a chunk the query of `row` attends to, whose last key is `last`.
  std::pair<Value, Value> interval(const Chunk &chunk, Value row, Value last) {
    return inside(chunk.first, chunk.count, documentStart(row), b.plus(last, b.index(1)));
  }
  /// What of keys [from, to) is among the `count` from `first` on, counted from there; to >= from.
  std::pair<Value, Value> inside(Value first, Value count, Value from, Value to) {
    Value begin = b.least(b.most(b.minus(from, first), b.index(0)), count);
    return {begin, b.most(b.least(b.minus(to, first), count), begin)};
  }
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
/// [document_start[i], at[i]] and [prefix_start[i], prefix_end[i]). Over chunks of keys `top` is the greatest S so far, `total` the sum of
/// exp(S - top) and `output` that of exp(S - top) v: a chunk with a greater S first shrinks what there is.
static void emitAttention(BlockBuilder &b, AttentionOp op) {
  Attention a(b, op);
  if (b.hasFailed)
    return;
  Value head = b.position[0], first = b.first, count = b.count;
  Value query = a.head(b.whole(op.getQuery()), head, first, count);
  Value result = a.head(b.wholeResult(op.getOutput()), head, first, count);
  Value output = a.sumsOverChunks(result);
  Value scratchScores = b.scratch({b.blockRows, b.shape.keyChunk});
  Value top = b.rowScratch(), total = b.rowScratch(), shrink = b.rowScratch(), added = b.rowScratch();

  b.fill(top, -FLT_MAX);
  b.fill(total, 0);
  a.eachChunk([&](const Attention::Chunk &chunk) {
    Value scores = a.part(scratchScores, count, chunk.count);
    b.gemm(query, chunk.key, scores, a.scale(), b.real(0), false, true);
    b.copy(top, shrink);
    b.fill(added, 0);
    b.parallel(count, [&](Value i) {
      Value row = b.plus(first, i), rowTop = a.element(top, i), rowAdded = a.element(added, i);
      auto [from, to] = a.interval(chunk, row, a.placeOf(row));
      SmallVector<Value, 2> insides = {a.row(scores, i, from, to)};
      Value begin, end;
      if (a.prefixStart) {
        std::tie(begin, end) = a.inside(chunk.first, chunk.count, b.loadIndex(a.prefixStart, row),
                                        b.loadIndex(a.prefixEnd, row));
        insides.push_back(a.row(scores, i, begin, end));
      }
      for (Value inside : insides)
        b.reduce(2, {{inside, {0, 1}}}, {{rowTop, {0}}},
                 [&](ValueRange v) { return Values{b.maximum(v[1], v[0])}; });
      for (Value inside : insides)
        b.each(2, {{rowTop, {0}}}, {{inside, {0, 1}}},
               [&](ValueRange v) { return Values{b.exp(b.sub(v[1], v[0]))}; });
      for (Value inside : insides)
        b.reduce(2, {{inside, {0, 1}}}, {{rowAdded, {0}}},
                 [&](ValueRange v) { return Values{b.add(v[1], v[0])}; });
      if (a.prefixStart) { // it lies before the document
        b.fill(a.row(scores, i, b.index(0), begin), 0);
        b.fill(a.row(scores, i, end, from), 0);
        b.fill(a.row(scores, i, to, chunk.count), 0);
      } else {
        a.clearOutside(scores, i, from, to, chunk.count);
      }
    });
    b.each(1, {{top, {0}}}, {{shrink, {0}}}, [&](ValueRange v) { return Values{b.exp(b.sub(v[1], v[0]))}; });
    b.each(1, {{shrink, {0}}, {added, {0}}}, {{total, {0}}},
           [&](ValueRange v) { return Values{b.add(b.mul(v[2], v[0]), v[1])}; });
    b.when(chunk.isLater, [&] { // before the first, memory may hold anything
      b.each(2, {{shrink, {0}}}, {{output, {0, 1}}}, [&](ValueRange v) { return Values{b.mul(v[1], v[0])}; });
    });
    b.gemm(scores, chunk.value, output, b.real(1), chunk.beta(b));
  });
  b.each(2, {{total, {0}}}, {{output, {0, 1}}}, [&](ValueRange v) { return Values{b.div(v[1], v[0])}; });
  b.storeSums(output, result);
  Value lse = added;
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
  Value query = a.head(b.whole(op.getQuery()), head, first, count);
  Value dOutput = a.head(b.whole(op.getCotangent()), head, first, count);
  Value output = a.head(b.whole(op.getOutput()), head, first, count);
  Value result = a.head(b.wholeResult(op.getQueryCotangent()), head, first, count);
  Value dQuery = a.sumsOverChunks(result);
  Value scratchP = b.scratch({b.blockRows, b.shape.keyChunk}), scratchDP = b.scratch({b.blockRows, b.shape.keyChunk});
  Value lse = b.rowScratch(), delta = b.rowScratch();

  a.loadLse(b.whole(op.getLse()), head, first, count, lse);
  a.buildDelta(dOutput, output, delta);
  a.eachChunk([&](const Attention::Chunk &chunk) {
    Value p = a.part(scratchP, count, chunk.count), dP = a.part(scratchDP, count, chunk.count);
    b.gemm(query, chunk.key, p, a.scale(), b.real(0), false, true);
    b.parallel(count, [&](Value i) {
      Value row = b.plus(first, i);
      auto [from, to] = a.interval(chunk, row, row);
      a.rebuildRow(p, lse, i, from, to, chunk.count);
    });
    b.gemmTransposed(dOutput, chunk.value, dP);
    a.buildScoreGrad(p, delta, dP);
    b.gemm(dP, chunk.key, dQuery, a.scale(), chunk.beta(b));
  });
  b.storeSums(dQuery, result);
}

/// dk = scale · Σ dSᵀ q, dv = Σ Pᵀ do over the query heads of a group and all query rows that see the block
/// of keys
static void emitKeyValueGrad(BlockBuilder &b, AttentionKeyValueGradOp op) {
  Attention a(b, op);
  if (b.hasFailed)
    return;
  Value keyHead = b.position[0], keyFirst = b.first, keys = b.count, keyEnd = b.plus(keyFirst, keys);
  Value rows = b.rowsOf(op.getQuery(), kRows);
  Value key = a.head(a.keys, keyHead, keyFirst, keys);
  Value value = a.head(a.values, keyHead, keyFirst, keys);
  Value keyResult = a.head(b.wholeResult(op.getKeyCotangent()), keyHead, keyFirst, keys);
  Value valueResult = a.head(b.wholeResult(op.getValueCotangent()), keyHead, keyFirst, keys);
  Value dKey = b.sumsFor(keyResult), dValue = b.sumsFor(valueResult);
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
          Value row = b.plus(first, i);
          auto [from, to] = a.inside(keyFirst, keys, a.documentStart(row), b.plus(row, b.index(1)));
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
  b.storeSums(dKey, keyResult);
  b.storeSums(dValue, valueResult);
}

void mlir::mlora::addAttentionEmitters(BlockEmitters &table) {
  addEmitter<emitAttention, AttentionOp>(table);
  addEmitter<emitQueryGrad, AttentionQueryGradOp>(table);
  addEmitter<emitKeyValueGrad, AttentionKeyValueGradOp>(table);
}
