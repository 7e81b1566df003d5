//===- AttentionKeyValueGrad.cpp - cotangents of keys and values ----------------------===//
//
// A block is one key head and some keys, a warp's rows; what it steps through are the queries that see them,
// of each query head of the group, 16 at a time: Pᵀ of k qᵀ, dPᵀ = v doᵀ, dv += Pᵀ do, dSᵀ, dk += dSᵀ q. One
// warp adds to an element, in the order of heads and queries: the same bits on every run.

#include "AttentionKeyRows.h"

using namespace mlir;
using namespace mlir::mlora;

// Of a stage: q, do, o; then of each query: lse, the first key of its document, δ.
const AttentionKernel::Shape mlir::mlora::kKeyValueGradShape = {"key_value_grad", /*rowTiles=*/2,
                                                                /*columnTiles=*/3,
                                                                /*columnBytes=*/KeyRows::kNumberBytes,
                                                                /*rowsAreKeys=*/true};

/// δ of a stage's queries. A warp has eight rows at a time, four lanes each, so that eight lanes read one
/// chunk of eight rows.
static void buildDeltas(AttentionKernel &k, KeyRows &rows, Value stage) {
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  auto type = VectorType::get({4}, b.getI32Type());
  Value warp = b.right(k.thread, 5), quarter = b.right(k.lane, 3);
  for (int64_t done = 0; done < s.columns; done += 8 * s.warps) {
    Value base = b.plus(b.times(warp, 8), done), column = b.plus(base, b.bitAnd(k.lane, b.number(7)));
    auto sumUp = [&] {
      Values sum = {b.real(0)};
      for (int64_t i = 0; i < k.layout.chunks; i += 4) {
        Value chunk = b.plus(quarter, i);
        auto more = [&] {
          Value place = k.tiles->place(column, chunk);
          Value x = b.load(type, b.at(k.columnTile(stage, 1), place));
          Value y = b.load(type, b.at(k.columnTile(stage, 2), place));
          return Values{b.dot(x, y, sum[0])};
        };
        sum = i + 4 <= k.layout.chunks ? more() : b.when(b.less(chunk, b.number(k.layout.chunks)), sum, more);
      }
      for (int64_t distance : {8, 16})
        sum[0] = b.add(sum[0], b.shuffle(sum[0], NVVM::ShflKind::bfly, distance));
      b.when(b.compare(arith::CmpIPredicate::eq, quarter, b.number(0)),
             [&] { b.store(sum[0], rows.numberOf(k.columnTile(stage, 3), KeyRows::Delta, column)); });
    };
    if (done + 8 * s.warps <= s.columns)
      sumUp();
    else
      b.when(b.less(base, b.number(s.columns)), sumUp);
  }
}

static void step(AttentionKernel &k, KeyRows &rows, const AttentionKernel::RowOperand &heldKey,
                 const AttentionKernel::RowOperand &heldValue, AttentionKernel::Sums &dKey,
                 AttentionKernel::Sums &dValue, Value first, Value isCut, Value stage) {
  Value query = k.columnTile(stage, 0), cotangent = k.columnTile(stage, 1);
  for (int64_t j = 0; j < k.schedule.columns; j += 16) {
    AttentionKernel::Sums p = k.multiplyTransposed(heldKey, k.warpRows(0), query, j, 16);
    AttentionKernel::Sums dP = k.multiplyTransposed(heldValue, k.warpRows(1), cotangent, j, 16);
    KeyRows::Step now = rows.differentiate(p, dP, first, j, k.columnTile(stage, 3), isCut);
    SmallVector<Quad> weights, gradients;
    for (auto [weight, gradient] : llvm::zip(now.weights, now.gradients)) {
      weights.push_back(weight[0]);
      gradients.push_back(gradient[0]);
    }
    k.multiply(dValue, weights, cotangent, j);
    k.multiply(dKey, gradients, query, j);
  }
}

void mlir::mlora::buildAttentionKeyValueGrad(AttentionKernel &k, AttentionKeyValueGradOp op) {
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  // The first keys have the most queries: their blocks begin first.
  auto [keyHead, position] = k.decode(k.kvRows, /*lastFirst=*/false);
  Value keyFirst = b.times(position, s.rows);
  Value keyEnd = b.least(b.plus(keyFirst, s.rows), k.kvRows);
  KeyRows rows(k, b.plus(keyFirst, b.times(k.rowGroup, s.rowsOfWarp())), s.rowTiles(), s.columns);
  AttentionKernel::RowOperand heldKey, heldValue;

  Columns key = k.columnsOf(op.getKey()), value = k.columnsOf(op.getValue());
  k.tiles->copyAsync(k.rowTile(0), k.headOf(key, keyHead), key.stride(), keyFirst, k.kvRows, s.rows);
  k.tiles->copyAsync(k.rowTile(1), k.headOf(value, keyHead), value.stride(), keyFirst, k.kvRows, s.rows);
  b.commitCopies();
  Value perHead = b.over(b.plus(countQueries(k, keyFirst, keyEnd), s.columns - 1), s.columns);
  Value firstHead = b.times(keyHead, k.group);
  if (s.heldTiles) {
    b.waitForCopies(0);
    b.barrier();
    heldKey = k.holdRows(0);
    heldValue = k.holdRows(1);
    if (k.shape.sharesStages(s))
      b.barrier(); // stages lie where the rows did
  }

  AttentionKernel::Sums start = k.zeroSums(k.resultColumns());
  auto flatten = [](const AttentionKernel::Sums &dKey, const AttentionKernel::Sums &dValue) {
    Values list;
    for (const auto *sums : {&dKey, &dValue})
      for (const auto &row : *sums)
        append(list, row);
    return list;
  };
  auto unflatten = [&](ValueRange list) {
    std::pair<AttentionKernel::Sums, AttentionKernel::Sums> both;
    for (auto *sums : {&both.first, &both.second})
      for (const auto &row : start)
        sums->push_back(takeQuads(list, row.size()));
    return both;
  };
  // No query sees a warp without keys.
  Value firstSeen = b.choose(b.less(rows.warpFirst, k.kvRows), rows.warpFirst, b.number(INT32_MAX));
  auto queryOf = [&](Value step) { return b.plus(keyFirst, b.times(b.rest(step, perHead), s.columns)); };
  Columns ofQueries[] = {k.columnsOf(op.getQuery()), k.columnsOf(op.getCotangent()),
                         k.columnsOf(op.getOutput())};
  Value lse = k.buffer(op.getLse());
  Value starts = op.getDocumentStart() ? k.buffer(op.getDocumentStart()) : Value();
  Values last = k.pipeline(
      b.times(perHead, k.group), flatten(start, start),
      [&](Value step, Value stage) {
        Value head = b.plus(firstHead, b.over(step, perHead)), first = queryOf(step);
        for (auto [i, columns] : llvm::enumerate(ofQueries))
          k.tiles->copyAsync(k.columnTile(stage, i), k.headOf(columns, head), columns.stride(), first, k.rows,
                             s.columns);
        b.when(b.less(k.thread, b.number(s.columns)), [&] {
          Value row = b.plus(first, k.thread), isThere = b.less(row, k.rows);
          Value from = b.at(b.atRow(lse, row, 4 * k.heads), b.left(head, 2));
          b.copyAsync(rows.numberOf(k.columnTile(stage, 3), KeyRows::Lse, k.thread), 0, from, 4, isThere);
          if (starts)
            b.copyAsync(rows.numberOf(k.columnTile(stage, 3), KeyRows::Start, k.thread), 0,
                        b.atRow(starts, row, 4), 4, isThere);
        });
      },
      [] {},
      [&](Value number, Value stage, ValueRange now) {
        buildDeltas(k, rows, stage);
        b.barrier();
        Value first = queryOf(number);
        Value final = b.least(b.plus(first, s.columns - 1), b.minus(k.rows, 1));
        // Before all keys of the warp, in later documents, or no keys at all: nothing to do.
        Value isSeen = b.atMost(firstSeen, final);
        Value isCut = b.less(first, rows.warpLast);
        if (starts) {
          Value earliest =
              b.load(b.getI32Type(), rows.numberOf(k.columnTile(stage, 3), KeyRows::Start, b.number(0)));
          Value latest = b.load(b.getI32Type(),
                                rows.numberOf(k.columnTile(stage, 3), KeyRows::Start, b.minus(final, first)));
          isSeen = b.both(isSeen, b.atMost(earliest, rows.warpLast));
          isCut = b.either(isCut, b.less(rows.warpFirst, latest));
        }
        return b.when(isSeen, now, [&] {
          auto [dKey, dValue] = unflatten(now);
          step(k, rows, heldKey, heldValue, dKey, dValue, first, isCut, stage);
          return flatten(dKey, dValue);
        });
      });
  auto [dKey, dValue] = unflatten(last);
  for (auto &row : dKey)
    for (Quad &quad : row)
      for (Value &value : quad)
        value = b.multiply(value, b.real(k.scale()));
  if (k.shape.sharesStages(s))
    b.barrier(); // the rows' tiles lie where stages did
  k.storeRows(dKey, /*staging=*/0, op.getKeyCotangent(), keyHead, rows.warpFirst, k.kvRows);
  k.storeRows(dValue, /*staging=*/1, op.getValueCotangent(), keyHead, rows.warpFirst, k.kvRows);
}
