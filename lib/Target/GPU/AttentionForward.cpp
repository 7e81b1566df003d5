//===- AttentionForward.cpp - online softmax over blocks of keys ----------------------===//
//
// A block is one head and some query rows, 16 or 32 of them a warp's. Scores stay in registers: as sums of
// q kᵀ they lie as the operand A of P v wants them. With c = scale · log2 e, after each block of keys
//   m' = max(m, max_j S_j),  P_j = 2^(c·S_j - c·m'),  l' = 2^(c·m - c·m') l + Σ_j P_j,  o' = 2^(c·m - c·m') o
//   + P v.

#include "Attention.h"

#include <cfloat>
#include <limits>

using namespace mlir;
using namespace mlir::mlora;

const AttentionKernel::Shape mlir::mlora::kForwardShape = {"forward", /*rowTiles=*/1, /*columnTiles=*/2,
                                                           /*columnBytes=*/0};

namespace {
/// What a warp carries from block to block.
struct State {
  AttentionKernel::Sums output; ///< not divided by `total` yet
  Values top, total;            ///< of each row; `total` is this lane's part

  Values flatten() const {
    Values list;
    for (const auto &row : output)
      append(list, row);
    llvm::append_range(list, top);
    llvm::append_range(list, total);
    return list;
  }
  State unflatten(ValueRange list) const {
    State state;
    for (const auto &row : output)
      state.output.push_back(takeQuads(list, row.size()));
    state.top = take(list, top.size());
    state.total = take(list, total.size());
    return state;
  }
};

struct Forward {
  explicit Forward(AttentionKernel &kernel) : k(kernel) {}

  AttentionKernel &k;
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  Value keyFirst, warpFirst; ///< first key that a row of the block sees; first row of the warp
  Value warpLast, warpEarliest,
      warpLatest;    ///< its last row that there is; first keys of its first and last row
  Values start, row; ///< of each row of this lane: its first key, its number
  AttentionKernel::RowOperand held;

  void mask(AttentionKernel::Sums &scores, Value first);
  using Weights = SmallVector<SmallVector<Quad>>; ///< operands A, [16 rows][16 columns]
  Weights softmax(State &state, const AttentionKernel::Sums &scores);
  State step(State state, Value first, Value stage);
};
} // namespace

/// Scores outside a row's interval are -∞.
void Forward::mask(AttentionKernel::Sums &scores, Value first) {
  Value lane = b.plus(first, k.quadColumn);
  Values all;
  for (auto &quads : scores)
    append(all, quads);
  Value last = b.plus(first, s.columns - 1);
  Value isCut = b.either(b.less(b.plus(k.past, warpFirst), last), b.less(first, warpLatest));
  all = b.when(isCut, all, [&] {
    Value none = b.real(-std::numeric_limits<float>::infinity());
    Values masked;
    for (auto [i, quads] : llvm::enumerate(scores))
      for (auto [n, quad] : llvm::enumerate(quads))
        for (auto [e, value] : llvm::enumerate(quad)) {
          int64_t r = 2 * i + e / 2, column = 8 * n + e % 2;
          Value end = b.minus(b.plus(k.past, row[r]), lane);
          Value isInside = b.atMost(b.number(column), end);
          if (k.hasDocuments())
            isInside = b.both(isInside, b.atMost(b.minus(start[r], lane), b.number(column)));
          masked.push_back(b.choose(isInside, value, none));
        }
    return masked;
  });
  ValueRange list = all;
  for (auto &quads : scores)
    quads = takeQuads(list, quads.size());
}

/// P of the scores, rounded as soon as it is known: half as many registers. What was summed before is scaled
/// to the new maximum.
Forward::Weights Forward::softmax(State &state, const AttentionKernel::Sums &scores) {
  Value c = b.real(k.log2Scale());
  Weights weights;
  for (auto [i, quads] : llvm::enumerate(scores)) {
    weights.emplace_back(s.columns / 16);
    for (int64_t half : {0, 1}) {
      int64_t r = 2 * i + half;
      Value top;
      for (const Quad &quad : quads) {
        Value pair = b.larger(quad[2 * half], quad[2 * half + 1]);
        top = top ? b.larger(top, pair) : pair;
      }
      top = b.overQuad(top, [&](Value x, Value y) { return b.larger(x, y); });
      top = b.larger(state.top[r], top);
      Value shift = b.negate(b.multiply(top, c)); // finite: the maximum begins there
      Value factor = b.exp2(b.fma(state.top[r], c, shift));
      Value total = b.multiply(state.total[r], factor);
      for (auto [n, quad] : llvm::enumerate(quads)) {
        Value p[2];
        for (int64_t e : {0, 1}) {
          p[e] = b.exp2(b.fma(quad[2 * half + e], c, shift));
          total = b.add(total, p[e]);
        }
        weights[i][n / 2][n % 2 * 2 + half] = b.pack(p[0], p[1]);
      }
      for (Quad &quad : state.output[i])
        for (int64_t e : {2 * half, 2 * half + 1})
          quad[e] = b.multiply(quad[e], factor);
      state.top[r] = top;
      state.total[r] = total;
    }
  }
  return weights;
}

State Forward::step(State state, Value first, Value stage) {
  Value keys = k.columnTile(stage, 0), values = k.columnTile(stage, 1);
  AttentionKernel::Sums scores = k.multiplyTransposed(held, k.warpRows(0), keys, 0, s.columns);
  mask(scores, first);
  Weights weights = softmax(state, scores);
  for (int64_t j = 0; j < s.columns / 16; ++j) {
    SmallVector<Quad> some;
    for (const auto &row : weights)
      some.push_back(row[j]);
    k.multiply(state.output, some, values, 16 * j);
  }
  return state;
}

void mlir::mlora::buildAttentionForward(AttentionKernel &k, AttentionOp op) {
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  Forward f(k);
  // The last rows have the most keys: their blocks begin first.
  auto [head, position] = k.decode(k.rows, /*lastFirst=*/true);
  Value keyHead = b.over(head, k.group);
  Value first = b.times(position, s.rows), end = b.least(b.plus(first, s.rows), k.rows);
  f.keyFirst = k.documentStart(first);
  Value keyEnd = b.plus(k.past, end);
  Value steps = b.over(b.plus(b.minus(keyEnd, f.keyFirst), s.columns - 1), s.columns);

  f.warpFirst = b.plus(first, b.times(k.rowGroup, s.rowsOfWarp()));
  f.warpLast = b.least(b.plus(f.warpFirst, s.rowsOfWarp() - 1), b.minus(k.rows, 1));
  f.warpEarliest = k.documentStart(f.warpFirst);
  f.warpLatest = k.documentStart(f.warpLast);
  for (int64_t r = 0; r < 2 * s.rowTiles(); ++r) {
    f.row.push_back(b.plus(f.warpFirst, b.plus(k.quadRow, 8 * r)));
    f.start.push_back(k.documentStart(f.row.back()));
  }

  Value query = k.headOf(k.buffer(op.getQuery()), head);
  Value key = k.headOf(k.buffer(op.getKey()), keyHead), value = k.headOf(k.buffer(op.getValue()), keyHead);
  k.tiles->copyAsync(k.rowTile(0), query, k.queryStride, first, k.rows, s.rows);
  b.commitCopies();

  State state;
  state.output = k.zeroSums(k.width);
  state.top = Values(2 * s.rowTiles(), b.real(-FLT_MAX));
  state.total = Values(2 * s.rowTiles(), b.real(0));
  Value lastSeen = b.choose(b.less(f.warpFirst, k.rows), b.plus(k.past, f.warpLast), b.number(-1));
  auto keyOf = [&](Value step) { return b.plus(f.keyFirst, b.times(step, s.columns)); };
  Values last = k.pipeline(
      steps, state.flatten(),
      [&](Value step, Value stage) {
        k.tiles->copyAsync(k.columnTile(stage, 0), key, k.keyStride, keyOf(step), k.kvRows, s.columns);
        k.tiles->copyAsync(k.columnTile(stage, 1), value, k.keyStride, keyOf(step), k.kvRows, s.columns);
      },
      [&] {
        if (!s.heldTiles)
          return;
        b.waitForCopies(s.stages - 1);
        b.barrier();
        f.held = k.holdRows(0);
      },
      [&](Value step, Value stage, ValueRange now) {
        Value from = keyOf(step);
        // Above the diagonal, before all documents of the warp's rows, or no rows at all: nothing to do.
        Value isSeen = b.both(b.atMost(from, lastSeen), b.less(f.warpEarliest, b.plus(from, s.columns)));
        return b.when(isSeen, now, [&] { return f.step(state.unflatten(now), from, stage).flatten(); });
      });
  state = state.unflatten(last);

  Value lse = op.getLse() ? k.buffer(op.getLse()) : Value();
  Value isFirst = b.compare(arith::CmpIPredicate::eq, k.quadColumn, b.number(0));
  for (int64_t r = 0; r < 2 * s.rowTiles(); ++r) {
    Value total = b.overQuad(state.total[r], [&](Value x, Value y) { return b.add(x, y); });
    Value inverse = b.reciprocal(total);
    for (Quad &quad : state.output[r / 2])
      for (int64_t e : {2 * (r % 2), 2 * (r % 2) + 1})
        quad[e] = b.multiply(quad[e], inverse);
    if (!lse)
      continue;
    b.when(b.both(isFirst, b.less(f.row[r], k.rows)), [&] {
      Value exponent = b.fma(state.top[r], b.real(k.log2Scale()), b.log2(total));
      Value to = b.at(b.atRow(lse, f.row[r], 4 * k.heads), b.left(head, 2));
      b.store(b.multiply(exponent, b.real(0.6931471805599453)), to);
    });
  }
  k.storeRows(state.output, /*staging=*/0, k.headOf(k.buffer(op.getOutput()), head), k.queryStride,
              f.warpFirst, k.rows);
}
