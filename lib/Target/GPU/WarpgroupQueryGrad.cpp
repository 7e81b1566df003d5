//===- WarpgroupQueryGrad.cpp - cotangent of the queries with wgmma -------------------===//
//
// As AttentionQueryGrad.cpp, 64 queries a warpgroup. While the tensor cores add dS k of a step to dq, the
// warpgroup works on the scores of the next; keys are therefore held for two steps.

#include "AttentionQueryRows.h"
#include "WarpgroupAttention.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {
struct QueryGrad {
  WarpgroupAttention &k;
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  SwizzledMatrix query, cotangent, gradient; ///< the block's; gradient: dS
  WarpgroupAttention::Ring keys, values;
  Value keyFirst;

  Value keyOf(Value step) { return b.plus(keyFirst, b.times(step, s.columns)); }
  /// Asks for the scores and dP of a step.
  std::pair<Value, Value> start(Value step);
  /// dS of a step whose scores are done, and dP with all but `groups` groups of products.
  SmallVector<Quad> differentiate(QueryRows &rows, Value step, std::pair<Value, Value> products,
                                  int64_t groups);
  Value startSums(ArrayRef<Quad> sums, Value step);
  SmallVector<Quad> sum(QueryRows &rows, Value begin, Value end);
};
} // namespace

std::pair<Value, Value> QueryGrad::start(Value step) {
  WarpgroupAttention::Stage key = k.at(keys, step), value = k.at(values, step);
  k.waitUntilFull(key);
  k.engines.fence();
  Value scores = k.engines.multiplyTransposed(k.ofGroup(query), key.matrix, s.columns, k.width);
  k.engines.commit();
  k.waitUntilFull(value);
  k.engines.fence();
  Value products = k.engines.multiplyTransposed(k.ofGroup(cotangent), value.matrix, s.columns, k.width);
  k.engines.commit();
  return {scores, products};
}

SmallVector<Quad> QueryGrad::differentiate(QueryRows &rows, Value step, std::pair<Value, Value> products,
                                           int64_t groups) {
  Value first = keyOf(step);
  k.engines.waitForProducts(groups + 1);
  AttentionKernel::Sums p = {k.engines.read(products.first)};
  rows.weigh(p, first, 0, rows.isCut(first, s.columns));
  k.engines.waitForProducts(groups);
  AttentionKernel::Sums dS = {k.engines.read(products.second)};
  k.release(k.at(values, step));
  rows.differentiate(dS, p);
  return k.toOperands(dS[0]);
}

Value QueryGrad::startSums(ArrayRef<Quad> sums, Value step) {
  Value results = k.engines.multiply(sums, k.ofGroup(gradient), k.at(keys, step).matrix, k.width, s.columns);
  k.engines.commit();
  return results;
}

SmallVector<Quad> QueryGrad::sum(QueryRows &rows, Value begin, Value end) {
  k.put(differentiate(rows, begin, start(begin), 0), k.ofGroup(gradient));
  k.publish();
  Values zeros;
  append(zeros, SmallVector<Quad>(k.width / 8, b.zeros()));
  Values loop = b.loop(b.plus(begin, 1), end, 1, zeros, [&](Value step, ValueRange now) {
    Value before = b.minus(step, 1);
    std::pair<Value, Value> products = start(step);
    Value sums = startSums(takeQuads(now, k.width / 8), before);
    SmallVector<Quad> dS = differentiate(rows, step, products, 1);
    k.engines.waitForProducts(0);
    SmallVector<Quad> read = k.engines.read(sums);
    k.release(k.at(keys, before));
    k.put(dS, k.ofGroup(gradient));
    k.publish();
    Values results;
    append(results, read);
    return results;
  });
  ValueRange list = loop;
  Value last = b.minus(end, 1);
  k.engines.fence();
  Value sums = startSums(takeQuads(list, k.width / 8), last);
  k.engines.waitForProducts(0);
  SmallVector<Quad> read = k.engines.read(sums);
  k.release(k.at(keys, last));
  return read;
}

void mlir::mlora::buildWarpgroupQueryGrad(WarpgroupAttention &k, AttentionQueryGradOp op) {
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  auto [head, keyHead, first, keyFirst, steps] = k.decodeQueries();

  WarpgroupAttention::Map queryMap = k.tensorMap(op.getQuery(), s.rows, /*isKeys=*/false);
  WarpgroupAttention::Map cotangentMap = k.tensorMap(op.getCotangent(), s.rows, /*isKeys=*/false);
  WarpgroupAttention::Map keyMap = k.tensorMap(op.getKey(), s.columns, /*isKeys=*/true);
  WarpgroupAttention::Map valueMap = k.tensorMap(op.getValue(), s.columns, /*isKeys=*/true);
  WarpgroupAttention::Map resultMap = k.tensorMap(op.getQueryCotangent(), Warpgroup::kRows, /*isKeys=*/false);
  SwizzledMatrix query = k.matrix(s.rows, k.width), cotangent = k.matrix(s.rows, k.width);
  SwizzledMatrix gradient = k.matrix(s.rows, s.columns);
  QueryGrad g{.k = k,
              .query = query,
              .cotangent = cotangent,
              .gradient = gradient,
              .keys = k.ring(s.columns, s.stages),
              .values = k.ring(s.columns, s.stages - 1),
              .keyFirst = keyFirst};
  Value rowsFull = k.barrier(1);

  k.specialise(
      /*copyRegisters=*/40,
      [&] {
        k.whenCopying([&] {
          k.engines.arriveExpecting(rowsFull, 2 * k.matrixBytes(s.rows));
          k.load(query, queryMap, first, head, rowsFull);
          k.load(cotangent, cotangentMap, first, head, rowsFull);
          b.loop(b.number(0), steps, 1, {}, [&](Value step, ValueRange) {
            k.fill(g.keys, keyMap, step, g.keyOf(step), keyHead);
            k.fill(g.values, valueMap, step, g.keyOf(step), keyHead);
            return Values();
          });
        });
      },
      [&] {
        Value groupFirst = k.groupFirst(first);
        Value groupLast = b.least(b.plus(groupFirst, Warpgroup::kRows - 1), b.minus(k.rows, 1));
        QueryRows rows(k, k.warpFirst(groupFirst), /*rowTiles=*/1);
        // Steps that the warpgroup's rows see; none where there are no rows.
        Value hasRows = b.less(groupFirst, k.rows);
        auto stepOf = [&](Value key) { return b.over(b.minus(key, keyFirst), s.columns); };
        Value from = b.choose(hasRows, stepOf(k.documentStart(groupFirst)), steps);
        Value to = b.plus(stepOf(groupLast), 1);
        k.skip(b.number(0), from, {g.keys, g.values});
        b.when(hasRows, [&] {
          // While copies are under way: what is a row's.
          rows.load(k.columnsOf(op.getCotangent()), k.columnsOf(op.getOutput()), head,
                    b.at(k.buffer(op.getLse()), b.left(head, 2)));
          k.engines.wait(rowsFull, b.number(0));
          SmallVector<Quad> sums = g.sum(rows, from, to);
          k.skip(to, steps, {g.keys, g.values});
          k.scaleBy(sums, k.scale());
          k.storeRows(sums, op.getQueryCotangent(), k.ofGroup(query), resultMap, groupFirst, k.rows, head);
        });
      });
}
