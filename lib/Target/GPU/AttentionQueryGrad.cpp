//===- AttentionQueryGrad.cpp - cotangent of the queries ------------------------------===//
//
// A block is one head and some query rows. Over blocks of keys, 16 keys at a time: P = 2^(c·q kᵀ - log2 e ·
// lse), dP = do vᵀ, dS = P ∘ (dP - δ), dq += dS k; nothing but dq is carried on.

#include "Attention.h"

using namespace mlir;
using namespace mlir::mlora;

const AttentionKernel::Shape mlir::mlora::kQueryGradShape = {"query_grad", /*rowTiles=*/2, /*columnTiles=*/2,
                                                             /*columnBytes=*/0};

namespace {
struct QueryGrad {
  explicit QueryGrad(AttentionKernel &kernel) : k(kernel) {}

  AttentionKernel &k;
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  Value warpFirst, warpLast, warpEarliest, warpLatest;
  Values start, row, lse, delta; ///< of each row of this lane; lse in powers of two, negated
  AttentionKernel::RowOperand heldQuery, heldCotangent;

  Value buildDelta(Value cotangent, Value output, Value row);
  void step(AttentionKernel::Sums &sums, Value first, Value stage);
};
} // namespace

/// δ = Σ_c do_c·o_c of a row: the four lanes that have the row in sums take every fourth chunk.
Value QueryGrad::buildDelta(Value cotangent, Value output, Value row) {
  Value inside = b.least(row, b.minus(k.rows, 1)), lane = b.bitAnd(k.lane, b.number(3));
  Value left = b.atRow(cotangent, inside, k.queryStride), right = b.atRow(output, inside, k.queryStride);
  auto type = VectorType::get({4}, b.getI32Type());
  Values sum = {b.real(0)};
  for (int64_t i = 0; i < k.layout.chunks; i += 4) {
    Value chunk = b.plus(lane, i);
    auto more = [&] {
      Value x = b.load(type, b.at(left, b.left(chunk, 4))), y = b.load(type, b.at(right, b.left(chunk, 4)));
      return Values{b.dot(x, y, sum[0])};
    };
    sum = i + 4 <= k.layout.chunks ? more() : b.when(b.less(chunk, b.number(k.layout.chunks)), sum, more);
  }
  return b.overQuad(sum[0], [&](Value x, Value y) { return b.add(x, y); });
}

void QueryGrad::step(AttentionKernel::Sums &sums, Value first, Value stage) {
  Value keys = k.columnTile(stage, 0), values = k.columnTile(stage, 1), c = b.real(k.log2Scale());
  Value last = b.plus(first, s.columns - 1), lane = b.plus(first, k.quadColumn);
  Value isCut = b.either(b.less(warpFirst, last), b.less(first, warpLatest));
  for (int64_t j = 0; j < s.columns; j += 16) {
    AttentionKernel::Sums p = k.multiplyTransposed(heldQuery, k.warpRows(0), keys, j, 16);
    AttentionKernel::Sums dP = k.multiplyTransposed(heldCotangent, k.warpRows(1), values, j, 16);
    Values flat;
    for (auto [i, quads] : llvm::enumerate(p))
      for (Quad &quad : quads)
        for (auto [e, value] : llvm::enumerate(quad))
          flat.push_back(b.exp2(b.fma(value, c, lse[2 * i + e / 2])));
    flat = b.when(isCut, flat, [&] {
      Values masked;
      for (auto [at, value] : llvm::enumerate(flat)) {
        int64_t r = at / 8 * 2 + at % 4 / 2, column = j + at / 4 % 2 * 8 + at % 2;
        Value isInside = b.atMost(b.number(column), b.minus(row[r], lane));
        if (k.hasDocuments())
          isInside = b.both(isInside, b.atMost(b.minus(start[r], lane), b.number(column)));
        masked.push_back(b.choose(isInside, value, b.real(0)));
      }
      return masked;
    });
    SmallVector<Quad> weights;
    for (auto [i, quads] : llvm::enumerate(dP)) {
      for (auto [n, quad] : llvm::enumerate(quads))
        for (auto [e, value] : llvm::enumerate(quad))
          value = b.multiply(flat[8 * i + 4 * n + e], b.subtract(value, delta[2 * i + e / 2]));
      weights.push_back(k.toOperand(quads[0], quads[1]));
    }
    k.multiply(sums, weights, keys, j);
  }
}

void mlir::mlora::buildAttentionQueryGrad(AttentionKernel &k, AttentionQueryGradOp op) {
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  QueryGrad g(k);
  auto [head, position] = k.decode(k.rows, /*lastFirst=*/true);
  Value keyHead = b.over(head, k.group);
  Value first = b.times(position, s.rows), end = b.least(b.plus(first, s.rows), k.rows);
  Value keyFirst = k.documentStart(first);
  Value steps = b.over(b.plus(b.minus(end, keyFirst), s.columns - 1), s.columns);

  Value query = k.headOf(k.buffer(op.getQuery()), head);
  Value cotangent = k.headOf(k.buffer(op.getCotangent()), head);
  Value output = k.headOf(k.buffer(op.getOutput()), head);
  Value key = k.headOf(k.buffer(op.getKey()), keyHead), value = k.headOf(k.buffer(op.getValue()), keyHead);
  k.tiles->copyAsync(k.rowTile(0), query, k.queryStride, first, k.rows, s.rows);
  k.tiles->copyAsync(k.rowTile(1), cotangent, k.queryStride, first, k.rows, s.rows);
  b.commitCopies();

  g.warpFirst = b.plus(first, b.times(k.rowGroup, s.rowsOfWarp()));
  g.warpLast = b.least(b.plus(g.warpFirst, s.rowsOfWarp() - 1), b.minus(k.rows, 1));
  g.warpEarliest = k.documentStart(g.warpFirst);
  g.warpLatest = k.documentStart(g.warpLast);
  Value lse = b.at(k.buffer(op.getLse()), b.left(head, 2));

  AttentionKernel::Sums sums = k.zeroSums(k.resultColumns());
  auto flatten = [](const AttentionKernel::Sums &sums) {
    Values list;
    for (const auto &row : sums)
      append(list, row);
    return list;
  };
  auto unflatten = [&](ValueRange list) {
    AttentionKernel::Sums result;
    for (const auto &row : sums)
      result.push_back(takeQuads(list, row.size()));
    return result;
  };
  Value lastSeen = b.choose(b.less(g.warpFirst, k.rows), g.warpLast, b.number(-1));
  auto keyOf = [&](Value step) { return b.plus(keyFirst, b.times(step, s.columns)); };
  Values last = k.pipeline(
      steps, flatten(sums),
      [&](Value step, Value stage) {
        k.tiles->copyAsync(k.columnTile(stage, 0), key, k.keyStride, keyOf(step), k.kvRows, s.columns);
        k.tiles->copyAsync(k.columnTile(stage, 1), value, k.keyStride, keyOf(step), k.kvRows, s.columns);
      },
      [&] {
        // While copies are under way: what is a row's.
        for (int64_t r = 0; r < 2 * s.rowTiles(); ++r) {
          Value row = b.plus(g.warpFirst, b.plus(k.quadRow, 8 * r));
          g.row.push_back(row);
          g.start.push_back(k.documentStart(row));
          g.delta.push_back(g.buildDelta(cotangent, output, row));
          Value exponent =
              b.load(b.getF32Type(), b.atRow(lse, b.least(row, b.minus(k.rows, 1)), 4 * k.heads));
          g.lse.push_back(b.multiply(exponent, b.real(-1.4426950408889634)));
        }
        if (!s.heldTiles)
          return;
        b.waitForCopies(s.stages - 1);
        b.barrier();
        g.heldQuery = k.holdRows(0);
        g.heldCotangent = k.holdRows(1);
      },
      [&](Value step, Value stage, ValueRange now) {
        Value from = keyOf(step);
        Value isSeen = b.both(b.atMost(from, lastSeen), b.less(g.warpEarliest, b.plus(from, s.columns)));
        return b.when(isSeen, now, [&] {
          AttentionKernel::Sums sums = unflatten(now);
          g.step(sums, from, stage);
          return flatten(sums);
        });
      });
  sums = unflatten(last);
  for (auto &row : sums)
    for (Quad &quad : row)
      for (Value &value : quad)
        value = b.multiply(value, b.real(k.scale()));
  k.storeRows(sums, /*staging=*/0, k.headOf(k.buffer(op.getQueryCotangent()), head), k.queryStride,
              g.warpFirst, k.rows);
}
