//===- WarpgroupForward.cpp - online softmax with wgmma -------------------------------===//
//
// As AttentionForward.cpp, 64 queries a warpgroup. While the tensor cores multiply P by the values of a step,
// the warpgroup works on the scores of the next, whose product it has asked for before.

#include "AttentionSoftmax.h"
#include "WarpgroupAttention.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {
struct Forward {
  WarpgroupAttention &k;
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  SwizzledMatrix query, weights; ///< the block's
  WarpgroupAttention::Ring keys, values;
  Value keyFirst;

  Value keyOf(Value step) { return b.plus(keyFirst, b.times(step, s.columns)); }
  SwizzledMatrix mine(const SwizzledMatrix &matrix) { return k.ofGroup(matrix); }
  Value startScores(const WarpgroupAttention::Stage &stage) {
    Value scores = k.engines.multiplyTransposed(mine(query), stage.matrix, s.columns, k.width);
    k.engines.commit();
    return scores;
  }
  Value startOutput(ArrayRef<Quad> output, const WarpgroupAttention::Stage &stage) {
    Value sums = k.engines.multiply(output, mine(weights), stage.matrix, k.width, s.columns);
    k.engines.commit();
    return sums;
  }
  SoftmaxState attend(CausalRows &rows, OnlineSoftmax &softmax, Value begin, Value end);
};
} // namespace

SoftmaxState Forward::attend(CausalRows &rows, OnlineSoftmax &softmax, Value begin, Value end) {
  auto weigh = [&](SoftmaxState &state, SmallVector<Quad> scores, Value step) {
    AttentionKernel::Sums sums = {std::move(scores)};
    rows.mask(sums, keyOf(step), s.columns);
    return softmax.weigh(state, sums);
  };
  SoftmaxState start = softmax.begin();
  WarpgroupAttention::Stage first = k.at(keys, begin);
  k.waitUntilFull(first);
  k.engines.fence();
  Value scores = startScores(first);
  k.engines.waitForProducts(0);
  SmallVector<Quad> read = k.engines.read(scores);
  k.release(first);
  k.put(weigh(start, read, begin).weights[0], mine(weights));
  k.publish();

  Values loop = b.loop(b.plus(begin, 1), end, 1, start.flatten(), [&](Value step, ValueRange now) {
    SoftmaxState state = start.unflatten(now);
    WarpgroupAttention::Stage next = k.at(keys, step), before = k.at(values, b.minus(step, 1));
    k.waitUntilFull(next);
    k.engines.fence();
    Value scores = startScores(next);
    k.waitUntilFull(before);
    k.engines.fence();
    Value output = startOutput(state.output[0], before);
    k.engines.waitForProducts(1);
    SmallVector<Quad> read = k.engines.read(scores);
    k.release(next);
    OnlineSoftmax::Step weighed = weigh(state, read, step);
    k.engines.waitForProducts(0);
    state.output[0] = k.engines.read(output);
    k.release(before);
    softmax.rescale(state.output, weighed.factors);
    k.put(weighed.weights[0], mine(weights));
    k.publish();
    return state.flatten();
  });

  SoftmaxState state = start.unflatten(loop);
  WarpgroupAttention::Stage last = k.at(values, b.minus(end, 1));
  k.waitUntilFull(last);
  k.engines.fence();
  Value output = startOutput(state.output[0], last);
  k.engines.waitForProducts(0);
  state.output[0] = k.engines.read(output);
  k.release(last);
  return state;
}

void mlir::mlora::buildWarpgroupForward(WarpgroupAttention &k, AttentionOp op) {
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  auto [head, keyHead, first, keyFirst, steps] = k.decodeQueries();

  WarpgroupAttention::Map queryMap = k.tensorMap(op.getQuery(), s.rows, /*isKeys=*/false);
  WarpgroupAttention::Map keyMap = k.tensorMap(op.getKey(), s.columns, /*isKeys=*/true);
  WarpgroupAttention::Map valueMap = k.tensorMap(op.getValue(), s.columns, /*isKeys=*/true);
  WarpgroupAttention::Map outputMap = k.tensorMap(op.getOutput(), Warpgroup::kRows, /*isKeys=*/false);
  Forward f{.k = k, .query = {}, .weights = {}, .keys = {}, .values = {}, .keyFirst = {}};
  f.query = k.matrix(s.rows, k.width);
  f.weights = k.matrix(s.rows, s.columns);
  f.keys = k.ring(s.columns, s.stages);
  f.values = k.ring(s.columns, s.stages);
  f.keyFirst = keyFirst;
  Value queryFull = k.barrier(1);

  k.specialise(
      /*copyRegisters=*/40,
      [&] {
        k.whenCopying([&] {
          k.engines.arriveExpecting(queryFull, k.matrixBytes(s.rows));
          k.load(f.query, queryMap, first, head, queryFull);
          b.loop(b.number(0), steps, 1, {}, [&](Value step, ValueRange) {
            k.fill(f.keys, keyMap, step, f.keyOf(step), keyHead);
            k.fill(f.values, valueMap, step, f.keyOf(step), keyHead);
            return Values();
          });
        });
      },
      [&] {
        Value groupFirst = k.groupFirst(first);
        Value groupLast = b.least(b.plus(groupFirst, Warpgroup::kRows - 1), b.minus(k.rows, 1));
        CausalRows rows(k, k.warpFirst(groupFirst), /*rowTiles=*/1);
        OnlineSoftmax softmax(k, /*rowTiles=*/1, s.columns);
        // Steps that the warpgroup's rows see; none where there are no rows.
        Value hasRows = b.less(groupFirst, k.rows);
        auto stepOf = [&](Value key) { return b.over(b.minus(key, keyFirst), s.columns); };
        Value from = b.choose(hasRows, stepOf(k.documentStart(groupFirst)), steps);
        Value to = b.plus(stepOf(groupLast), 1);
        k.skip(b.number(0), from, {f.keys, f.values});
        b.when(hasRows, [&] {
          k.engines.wait(queryFull, b.number(0));
          SoftmaxState state = f.attend(rows, softmax, from, to);
          k.skip(to, steps, {f.keys, f.values});
          rows.finish(softmax, state, op.getLse() ? k.buffer(op.getLse()) : Value(), head);
          k.storeRows(state.output[0], op.getOutput(), k.ofGroup(f.query), outputMap, groupFirst, k.rows,
                      head);
        });
      });
}
