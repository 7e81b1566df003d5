//===- AttentionForward.cpp - online softmax over blocks of keys ----------------------===//
//
// A block is one head and some query rows, 16 or 32 of them a warp's. Scores stay in registers: as sums of
// q kᵀ they lie as the operand A of P v wants them.

#include "AttentionSoftmax.h"

using namespace mlir;
using namespace mlir::mlora;

const AttentionKernel::Shape mlir::mlora::kForwardShape = {"forward", /*rowTiles=*/1, /*columnTiles=*/2,
                                                           /*columnBytes=*/0};

static SoftmaxState step(AttentionKernel &k, CausalRows &rows, OnlineSoftmax &softmax,
                         const AttentionKernel::RowOperand &held, SoftmaxState state, Value first,
                         Value stage) {
  Value keys = k.columnTile(stage, 0), values = k.columnTile(stage, 1);
  int64_t columns = k.schedule.columns;
  AttentionKernel::Sums scores = k.multiplyTransposed(held, k.warpRows(0), keys, 0, columns);
  rows.mask(scores, first, columns);
  OnlineSoftmax::Step now = softmax.weigh(state, scores);
  softmax.rescale(state.output, now.factors);
  for (int64_t j = 0; j < columns / 16; ++j) {
    SmallVector<Quad> some;
    for (const auto &row : now.weights)
      some.push_back(row[j]);
    k.multiply(state.output, some, values, 16 * j);
  }
  return state;
}

void mlir::mlora::buildAttentionForward(AttentionKernel &k, AttentionOp op) {
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  auto [head, keyHead, first, keyFirst, steps] = k.decodeQueries();
  CausalRows rows(k, b.plus(first, b.times(k.rowGroup, s.rowsOfWarp())), s.rowTiles());
  OnlineSoftmax softmax(k, s.rowTiles(), s.columns);

  Columns query = k.columnsOf(op.getQuery()), key = k.columnsOf(op.getKey()),
          value = k.columnsOf(op.getValue());
  k.tiles->copyAsync(k.rowTile(0), k.headOf(query, head), query.stride(), first, k.rows, s.rows);
  b.commitCopies();
  Value keys = k.headOf(key, keyHead), values = k.headOf(value, keyHead);

  SoftmaxState state = softmax.begin();
  AttentionKernel::RowOperand held;
  Value lastSeen = b.choose(b.less(rows.warpFirst, k.rows), rows.warpLast, b.number(-1));
  auto keyOf = [&](Value step) { return b.plus(keyFirst, b.times(step, s.columns)); };
  Values last = k.pipeline(
      steps, state.flatten(),
      [&](Value step, Value stage) {
        for (auto [i, memory, heads] : {std::tuple(0, keys, key), std::tuple(1, values, value)})
          k.tiles->copyAsync(k.columnTile(stage, i), memory, heads.stride(), keyOf(step), k.kvRows,
                             s.columns);
      },
      [&] {
        if (!s.heldTiles)
          return;
        b.waitForCopies(s.stages - 1);
        b.barrier();
        held = k.holdRows(0);
      },
      [&](Value number, Value stage, ValueRange now) {
        Value from = keyOf(number);
        // Above the diagonal, before all documents of the warp's rows, or no rows at all: nothing to do.
        Value isSeen = b.both(b.atMost(from, lastSeen), b.less(rows.warpEarliest, b.plus(from, s.columns)));
        return b.when(isSeen, now, [&] {
          return step(k, rows, softmax, held, state.unflatten(now), from, stage).flatten();
        });
      });
  state = state.unflatten(last);
  rows.finish(softmax, state, op.getLse() ? k.buffer(op.getLse()) : Value(), head);
  k.storeRows(state.output, /*staging=*/0, op.getOutput(), head, rows.warpFirst, k.rows);
}
