//===- AttentionQueryGrad.cpp - cotangent of the queries ------------------------------===//
//
// A block is one head and some query rows. Over blocks of keys, 16 keys at a time: P of q kᵀ, dP = do vᵀ, dS,
// dq += dS k; nothing but dq is carried on.

#include "AttentionQueryRows.h"

using namespace mlir;
using namespace mlir::mlora;

const AttentionKernel::Shape mlir::mlora::kQueryGradShape = {"query_grad", /*rowTiles=*/2, /*columnTiles=*/2,
                                                             /*columnBytes=*/0};

static void step(AttentionKernel &k, QueryRows &rows, const AttentionKernel::RowOperand &heldQuery,
                 const AttentionKernel::RowOperand &heldCotangent, AttentionKernel::Sums &sums, Value first,
                 Value stage) {
  Value keys = k.columnTile(stage, 0), values = k.columnTile(stage, 1);
  int64_t columns = k.schedule.columns;
  Value isCut = rows.isCut(first, columns);
  for (int64_t j = 0; j < columns; j += 16) {
    AttentionKernel::Sums p = k.multiplyTransposed(heldQuery, k.warpRows(0), keys, j, 16);
    AttentionKernel::Sums dP = k.multiplyTransposed(heldCotangent, k.warpRows(1), values, j, 16);
    rows.weigh(p, first, j, isCut);
    rows.differentiate(dP, p);
    SmallVector<Quad> gradients;
    for (auto &quads : dP)
      gradients.push_back(k.toOperand(quads[0], quads[1]));
    k.multiply(sums, gradients, keys, j);
  }
}

void mlir::mlora::buildAttentionQueryGrad(AttentionKernel &k, AttentionQueryGradOp op) {
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  auto [head, keyHead, first, keyFirst, steps] = k.decodeQueries();

  Columns query = k.columnsOf(op.getQuery()), cotangent = k.columnsOf(op.getCotangent());
  Columns key = k.columnsOf(op.getKey()), value = k.columnsOf(op.getValue());
  k.tiles->copyAsync(k.rowTile(0), k.headOf(query, head), query.stride(), first, k.rows, s.rows);
  k.tiles->copyAsync(k.rowTile(1), k.headOf(cotangent, head), cotangent.stride(), first, k.rows, s.rows);
  b.commitCopies();
  Value keys = k.headOf(key, keyHead), values = k.headOf(value, keyHead);

  QueryRows rows(k, b.plus(first, b.times(k.rowGroup, s.rowsOfWarp())), s.rowTiles());
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
  AttentionKernel::RowOperand heldQuery, heldCotangent;
  Value lastSeen = b.choose(b.less(rows.warpFirst, k.rows), rows.warpLast, b.number(-1));
  auto keyOf = [&](Value step) { return b.plus(keyFirst, b.times(step, s.columns)); };
  Values last = k.pipeline(
      steps, flatten(sums),
      [&](Value step, Value stage) {
        for (auto [i, memory, heads] : {std::tuple(0, keys, key), std::tuple(1, values, value)})
          k.tiles->copyAsync(k.columnTile(stage, i), memory, heads.stride(), keyOf(step), k.kvRows,
                             s.columns);
      },
      [&] {
        // While copies are under way: what is a row's.
        rows.load(cotangent, k.columnsOf(op.getOutput()), head, lse);
        if (!s.heldTiles)
          return;
        b.waitForCopies(s.stages - 1);
        b.barrier();
        heldQuery = k.holdRows(0);
        heldCotangent = k.holdRows(1);
      },
      [&](Value number, Value stage, ValueRange now) {
        Value from = keyOf(number);
        Value isSeen = b.both(b.atMost(from, lastSeen), b.less(rows.warpEarliest, b.plus(from, s.columns)));
        return b.when(isSeen, now, [&] {
          AttentionKernel::Sums sums = unflatten(now);
          step(k, rows, heldQuery, heldCotangent, sums, from, stage);
          return flatten(sums);
        });
      });
  sums = unflatten(last);
  for (auto &row : sums)
    for (Quad &quad : row)
      for (Value &value : quad)
        value = b.multiply(value, b.real(k.scale()));
  k.storeRows(sums, /*staging=*/0, op.getQueryCotangent(), head, rows.warpFirst, k.rows);
}
