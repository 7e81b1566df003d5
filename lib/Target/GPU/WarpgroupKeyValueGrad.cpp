//===- WarpgroupKeyValueGrad.cpp - cotangents of keys and values with wgmma -----------===//
//
// As AttentionKeyValueGrad.cpp, 64 keys a warpgroup. While the tensor cores add Pᵀ do and dSᵀ q of a step to
// dv and dk, the warpgroup works on the scores of the next; queries and cotangents are therefore held for two
// steps. Three warps of the warpgroup that copies have the columns' numbers.

#include "AttentionKeyRows.h"
#include "AttentionQueryRows.h"
#include "WarpgroupAttention.h"

using namespace mlir;
using namespace mlir::mlora;

/// Warps that make the columns' numbers, beside the one that copies.
static constexpr int64_t kNumberWarps = 3;

namespace {
struct KeyValueGrad {
  WarpgroupAttention &k;
  AttentionKeyValueGradOp op;
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  SwizzledMatrix key, value, weights, gradient; ///< the block's; weights: Pᵀ, gradient: dSᵀ
  WarpgroupAttention::Ring queries, cotangents;
  Value numbers;                      ///< of the first stage of `cotangents`
  Value keyFirst, firstHead, perHead; ///< perHead: steps of a head

  using Sums = std::pair<SmallVector<Quad>, SmallVector<Quad>>; ///< of dv and dk, or of the scores and dPᵀ
  using Products = std::pair<Value, Value>;                     ///< the same, in flight

  Value queryOf(Value step) { return b.plus(keyFirst, b.times(b.rest(step, perHead), s.columns)); }
  Value headOf(Value step) { return b.plus(firstHead, b.over(step, perHead)); }
  int64_t numberBytes() const { return KeyRows::kNumberBytes * s.columns; }
  Value numbersOf(const WarpgroupAttention::Stage &stage) {
    return b.plus(numbers, b.times(stage.number, numberBytes()));
  }
  void fillNumbers(KeyRows &rows, Value step);
  Products start(Value step);
  KeyRows::Step differentiate(KeyRows &rows, Value step, Products products, int64_t groups);
  Products startSums(const Sums &sums, Value step);
  Sums finishSums(Products sums, Value step);
  Sums sum(KeyRows &rows, Value steps);
};
} // namespace

/// δ, lse and the first key of the document of a step's queries: four lanes a query. Zeros behind the last,
/// whose q and do are zeros too.
void KeyValueGrad::fillNumbers(KeyRows &rows, Value step) {
  WarpgroupAttention::Stage stage = k.at(cotangents, step);
  k.waitUntilEmpty(stage);
  Value head = headOf(step), first = queryOf(step), to = numbersOf(stage);
  Columns cotangent = k.columnsOf(op.getCotangent()), output = k.columnsOf(op.getOutput());
  Value lse = b.at(k.buffer(op.getLse()), b.left(head, 2));
  Value isFirst = b.compare(arith::CmpIPredicate::eq, k.quadColumn, b.number(0));
  Value eight = b.left(b.minus(k.rowGroup, 1), 3); // this warp's first eight queries
  b.loop(eight, b.number(s.columns), 8 * kNumberWarps, {}, [&](Value from, ValueRange) {
    Value column = b.plus(from, k.quadRow), row = b.plus(first, column);
    Value isThere = b.less(row, k.rows), inside = b.least(row, b.minus(k.rows, 1));
    Value delta = buildDelta(k, cotangent, output, head, row);
    Value exponent = b.load(b.getF32Type(), b.atRow(lse, inside, 4 * k.heads));
    Value start = k.documentStart(row);
    b.when(isFirst, [&] {
      b.store(b.choose(isThere, exponent, b.real(0)), rows.numberOf(to, KeyRows::Lse, column));
      b.store(b.choose(isThere, delta, b.real(0)), rows.numberOf(to, KeyRows::Delta, column));
      b.store(start, rows.numberOf(to, KeyRows::Start, column));
    });
    return Values();
  });
  b.synchroniseWarp();
  b.when(b.compare(arith::CmpIPredicate::eq, k.lane, b.number(0)), [&] { k.engines.arrive(stage.full); });
}

KeyValueGrad::Products KeyValueGrad::start(Value step) {
  WarpgroupAttention::Stage query = k.at(queries, step), cotangent = k.at(cotangents, step);
  k.waitUntilFull(query);
  k.engines.fence();
  Value scores = k.engines.multiplyTransposed(k.ofGroup(key), query.matrix, s.columns, k.width);
  k.waitUntilFull(cotangent);
  k.engines.fence();
  Value products = k.engines.multiplyTransposed(k.ofGroup(value), cotangent.matrix, s.columns, k.width);
  k.engines.commit();
  return {scores, products};
}

/// Pᵀ and dSᵀ of a step, when all but `groups` groups of products are done.
KeyRows::Step KeyValueGrad::differentiate(KeyRows &rows, Value number, Products products, int64_t groups) {
  k.engines.waitForProducts(groups);
  SmallVector<Quad> scores = k.engines.read(products.first), dP = k.engines.read(products.second);
  Value first = queryOf(number), to = numbersOf(k.at(cotangents, number));
  Value isCut = b.less(first, rows.warpLast);
  if (k.hasDocuments()) {
    Value last = b.minus(b.least(b.plus(first, s.columns), k.rows), 1);
    Value latest = b.load(b.getI32Type(), rows.numberOf(to, KeyRows::Start, b.minus(last, first)));
    isCut = b.either(isCut, b.less(rows.warpFirst, latest));
  }
  // 16 queries at a time, after which a lane holds half as many registers of them.
  KeyRows::Step step;
  step.weights.resize(1), step.gradients.resize(1);
  for (int64_t j = 0; j < s.columns; j += 16) {
    auto some = [&](ArrayRef<Quad> quads) {
      return AttentionKernel::Sums(1, {quads[j / 8], quads[j / 8 + 1]});
    };
    KeyRows::Step part = rows.differentiate(some(scores), some(dP), first, j, to, isCut);
    step.weights[0].push_back(part.weights[0][0]);
    step.gradients[0].push_back(part.gradients[0][0]);
  }
  return step;
}

KeyValueGrad::Products KeyValueGrad::startSums(const Sums &sums, Value step) {
  Value dValue =
      k.engines.multiply(sums.first, k.ofGroup(weights), k.at(cotangents, step).matrix, k.width, s.columns);
  Value dKey =
      k.engines.multiply(sums.second, k.ofGroup(gradient), k.at(queries, step).matrix, k.width, s.columns);
  k.engines.commit();
  return {dValue, dKey};
}

KeyValueGrad::Sums KeyValueGrad::finishSums(Products sums, Value step) {
  k.engines.waitForProducts(0);
  Sums read = {k.engines.read(sums.first), k.engines.read(sums.second)};
  k.release(k.at(queries, step));
  k.release(k.at(cotangents, step));
  return read;
}

KeyValueGrad::Sums KeyValueGrad::sum(KeyRows &rows, Value steps) {
  auto publish = [&](const KeyRows::Step &step) {
    k.put(step.weights[0], k.ofGroup(weights));
    k.put(step.gradients[0], k.ofGroup(gradient));
    k.publish();
  };
  publish(differentiate(rows, b.number(0), start(b.number(0)), 0));
  Values zeros;
  append(zeros, SmallVector<Quad>(k.width / 4, b.zeros()));
  auto unflatten = [&](ValueRange list) {
    SmallVector<Quad> dValue = takeQuads(list, k.width / 8), dKey = takeQuads(list, k.width / 8);
    return Sums(dValue, dKey);
  };
  Values loop = b.loop(b.number(1), steps, 1, zeros, [&](Value step, ValueRange now) {
    Value before = b.minus(step, 1);
    Products products = start(step), sums = startSums(unflatten(now), before);
    KeyRows::Step next = differentiate(rows, step, products, 1);
    Sums read = finishSums(sums, before);
    publish(next);
    Values results;
    append(results, read.first);
    append(results, read.second);
    return results;
  });
  Value last = b.minus(steps, 1);
  k.engines.fence();
  return finishSums(startSums(unflatten(loop), last), last);
}

void mlir::mlora::buildWarpgroupKeyValueGrad(WarpgroupAttention &k, AttentionKeyValueGradOp op) {
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  // The first keys have the most queries: their blocks begin first.
  auto [keyHead, position] = k.decode(k.kvRows, /*lastFirst=*/false);
  Value keyFirst = b.times(position, s.rows);
  Value keyEnd = b.least(b.plus(keyFirst, s.rows), k.kvRows);

  WarpgroupAttention::Map keyMap = k.tensorMap(op.getKey(), s.rows, /*isKeys=*/true);
  WarpgroupAttention::Map valueMap = k.tensorMap(op.getValue(), s.rows, /*isKeys=*/true);
  WarpgroupAttention::Map queryMap = k.tensorMap(op.getQuery(), s.columns, /*isKeys=*/false);
  WarpgroupAttention::Map cotangentMap = k.tensorMap(op.getCotangent(), s.columns, /*isKeys=*/false);
  WarpgroupAttention::Map dKeyMap = k.tensorMap(op.getKeyCotangent(), Warpgroup::kRows, /*isKeys=*/true);
  WarpgroupAttention::Map dValueMap = k.tensorMap(op.getValueCotangent(), Warpgroup::kRows, /*isKeys=*/true);
  SwizzledMatrix key = k.matrix(s.rows, k.width), value = k.matrix(s.rows, k.width);
  SwizzledMatrix weights = k.matrix(s.rows, s.columns), gradient = k.matrix(s.rows, s.columns);
  KeyValueGrad g{.k = k,
                 .op = op,
                 .key = key,
                 .value = value,
                 .weights = weights,
                 .gradient = gradient,
                 .queries = k.ring(s.columns, s.stages),
                 .cotangents = k.ring(s.columns, s.stages, /*arrivals=*/1 + kNumberWarps),
                 .numbers = k.reserve(s.stages * KeyRows::kNumberBytes * s.columns),
                 .keyFirst = keyFirst,
                 .firstHead = b.times(keyHead, k.group),
                 .perHead = b.over(b.plus(countQueries(k, keyFirst, keyEnd), s.columns - 1), s.columns)};
  Value steps = b.times(g.perHead, k.group), rowsFull = k.barrier(1);

  k.specialise(
      /*copyRegisters=*/k.width > 64 ? 72 : 56, // δ has some: a lane's part of a head
      [&] {
        KeyRows rows(k, keyFirst, /*rowTiles=*/1, s.columns);
        k.whenCopying([&] {
          k.engines.arriveExpecting(rowsFull, 2 * k.matrixBytes(s.rows));
          k.load(key, keyMap, keyFirst, keyHead, rowsFull);
          k.load(value, valueMap, keyFirst, keyHead, rowsFull);
          b.loop(b.number(0), steps, 1, {}, [&](Value step, ValueRange) {
            k.fill(g.queries, queryMap, step, g.queryOf(step), g.headOf(step));
            k.fill(g.cotangents, cotangentMap, step, g.queryOf(step), g.headOf(step));
            return Values();
          });
        });
        b.when(b.less(b.number(0), k.rowGroup), [&] {
          b.loop(b.number(0), steps, 1, {}, [&](Value step, ValueRange) {
            g.fillNumbers(rows, step);
            return Values();
          });
        });
      },
      [&] {
        // Every step, seen or not: what a warpgroup skipped, the other would wait for.
        Value groupFirst = k.groupFirst(keyFirst);
        KeyRows rows(k, k.warpFirst(groupFirst), /*rowTiles=*/1, s.columns);
        k.engines.wait(rowsFull, b.number(0));
        auto [dValue, dKey] = g.sum(rows, steps);
        k.scaleBy(dKey, k.scale());
        k.storeRows(dKey, op.getKeyCotangent(), k.ofGroup(key), dKeyMap, groupFirst, k.kvRows, keyHead);
        k.storeRows(dValue, op.getValueCotangent(), k.ofGroup(value), dValueMap, groupFirst, k.kvRows,
                    keyHead);
      });
}
