//===- AttentionKeyValueGrad.cpp - cotangents of keys and values ----------------------===//
//
// A block is one key head and some keys, a warp's rows; what it steps through are the queries that see them,
// of each query head of the group. Everything is transposed, so that sums are operands A again, 16 queries at
// a time: Pᵀ = 2^(c·k qᵀ - log2 e · lse), dPᵀ = v doᵀ, dv += Pᵀ do, dSᵀ = Pᵀ ∘ (dPᵀ - δ), dk += dSᵀ q. One
// warp adds to an element, in the order of heads and queries: the same bits on every run.

#include "Attention.h"

using namespace mlir;
using namespace mlir::mlora;

// Of a stage: q, do, o; then of each query: lse, the first key of its document, δ.
const AttentionKernel::Shape mlir::mlora::kKeyValueGradShape = {"key_value_grad", /*rowTiles=*/2,
                                                                /*columnTiles=*/3, /*columnBytes=*/12,
                                                                /*rowsAreKeys=*/true};

namespace {
enum ColumnNumbers { Lse, Start, Delta };

struct KeyValueGrad {
  explicit KeyValueGrad(AttentionKernel &kernel) : k(kernel) {}

  AttentionKernel &k;
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  Value keyFirst, warpFirst, warpLast;
  Values row; ///< keys of this lane's rows
  AttentionKernel::RowOperand heldKey, heldValue;

  /// Number `which` of the stage's column.
  Value numberOf(Value stage, ColumnNumbers which, Value column) {
    return b.at(b.at(k.columnTile(stage, 3), 4 * which * s.columns), b.left(column, 2));
  }
  Value countQueries(Value keyEnd);
  void buildDelta(Value stage);
  void step(AttentionKernel::Sums &dKey, AttentionKernel::Sums &dValue, Value first, Value isCut,
            Value stage);
};
} // namespace

/// Queries that see the block: from the first key's on, up to the last row whose document begins before
/// `keyEnd`. Starts never decrease: each round of 32 probes, one a lane, leaves a 32nd of the rows in
/// question.
Value KeyValueGrad::countQueries(Value keyEnd) {
  if (!k.hasDocuments())
    return b.minus(k.rows, keyFirst);
  Type i32 = b.getI32Type();
  auto search = scf::WhileOp::create(b, TypeRange{i32, i32}, ValueRange{keyEnd, k.rows});
  Block *before = b.createBlock(&search.getBefore(), {}, {i32, i32}, {b.getLoc(), b.getLoc()});
  Value low = before->getArgument(0), high = before->getArgument(1);
  scf::ConditionOp::create(b, b.less(low, high), before->getArguments());
  Block *after = b.createBlock(&search.getAfter(), {}, {i32, i32}, {b.getLoc(), b.getLoc()});
  low = after->getArgument(0), high = after->getArgument(1);
  Value distance = b.over(b.plus(b.minus(high, low), 31), 32);
  Value probe = b.plus(low, b.times(k.lane, distance));
  Value isSeen = b.both(b.less(probe, high), b.less(k.documentStart(probe), keyEnd));
  Value votes = NVVM::VoteSyncOp::create(b, i32, b.allLanes(), isSeen, NVVM::VoteSyncKind::ballot);
  Value count = LLVM::CtPopOp::create(b, i32, votes);
  Value lastSeen = b.plus(low, b.times(b.minus(count, 1), distance));
  Value noneSeen = b.compare(arith::CmpIPredicate::eq, count, b.number(0));
  Value newLow = b.choose(noneSeen, low, b.plus(lastSeen, 1));
  Value newHigh = b.choose(noneSeen, low, b.least(high, b.plus(lastSeen, distance)));
  scf::YieldOp::create(b, ValueRange{newLow, newHigh});
  b.setInsertionPointAfter(search);
  return b.minus(search.getResult(0), keyFirst);
}

/// δ of a stage's queries. A warp has eight rows at a time, four lanes each, so that eight lanes read one
/// chunk of eight rows.
void KeyValueGrad::buildDelta(Value stage) {
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
             [&] { b.store(sum[0], numberOf(stage, Delta, column)); });
    };
    if (done + 8 * s.warps <= s.columns)
      sumUp();
    else
      b.when(b.less(base, b.number(s.columns)), sumUp);
  }
}

void KeyValueGrad::step(AttentionKernel::Sums &dKey, AttentionKernel::Sums &dValue, Value first, Value isCut,
                        Value stage) {
  Value query = k.columnTile(stage, 0), cotangent = k.columnTile(stage, 1), c = b.real(k.log2Scale());
  auto pair = VectorType::get({2}, b.getF32Type()), starts = VectorType::get({2}, b.getI32Type());
  auto element = [&](Value vector, int64_t i) -> Value {
    return LLVM::ExtractElementOp::create(b, vector, b.number(i));
  };
  for (int64_t j = 0; j < s.columns; j += 16) {
    AttentionKernel::Sums p = k.multiplyTransposed(heldKey, k.warpRows(0), query, j, 16);
    AttentionKernel::Sums dP = k.multiplyTransposed(heldValue, k.warpRows(1), cotangent, j, 16);
    Values lse, delta; // of this lane's four queries
    for (int64_t n : {0, 1}) {
      Value column = b.plus(k.quadColumn, j + 8 * n);
      Value two = b.load(pair, numberOf(stage, Lse, column)),
            deltas = b.load(pair, numberOf(stage, Delta, column));
      for (int64_t e : {0, 1}) {
        lse.push_back(b.multiply(element(two, e), b.real(-1.4426950408889634)));
        delta.push_back(element(deltas, e));
      }
    }
    Values flat;
    for (auto &quads : p)
      for (auto [n, quad] : llvm::enumerate(quads))
        for (auto [e, value] : llvm::enumerate(quad))
          flat.push_back(b.exp2(b.fma(value, c, lse[2 * n + e % 2])));
    flat = b.when(isCut, flat, [&] {
      Values masked, earliest;
      for (int64_t n : {0, 1})
        if (k.hasDocuments()) {
          Value two = b.load(starts, numberOf(stage, Start, b.plus(k.quadColumn, j + 8 * n)));
          earliest.push_back(element(two, 0));
          earliest.push_back(element(two, 1));
        }
      for (auto [at, value] : llvm::enumerate(flat)) {
        int64_t r = at / 8 * 2 + at % 4 / 2, column = at / 4 % 2 * 2 + at % 2;
        Value which = b.plus(b.plus(first, k.quadColumn), j + column / 2 * 8 + column % 2);
        Value isInside = b.atMost(row[r], which);
        if (k.hasDocuments())
          isInside = b.both(isInside, b.atMost(earliest[column], row[r]));
        masked.push_back(b.choose(isInside, value, b.real(0)));
      }
      return masked;
    });
    SmallVector<Quad> weights, gradients;
    ValueRange list = flat;
    for (auto &quads : dP) {
      SmallVector<Quad> ps = takeQuads(list, 2);
      weights.push_back(k.toOperand(ps[0], ps[1]));
      for (auto [n, quad] : llvm::enumerate(quads))
        for (auto [e, value] : llvm::enumerate(quad))
          value = b.multiply(ps[n][e], b.subtract(value, delta[2 * n + e % 2]));
      gradients.push_back(k.toOperand(quads[0], quads[1]));
    }
    k.multiply(dValue, weights, cotangent, j);
    k.multiply(dKey, gradients, query, j);
  }
}

void mlir::mlora::buildAttentionKeyValueGrad(AttentionKernel &k, AttentionKeyValueGradOp op) {
  ThreadBuilder &b = k.b;
  const AttentionSchedule &s = k.schedule;
  KeyValueGrad g(k);
  // The first keys have the most queries: their blocks begin first.
  auto [keyHead, position] = k.decode(k.kvRows, /*lastFirst=*/false);
  g.keyFirst = b.times(position, s.rows);
  Value keyEnd = b.least(b.plus(g.keyFirst, s.rows), k.kvRows);
  g.warpFirst = b.plus(g.keyFirst, b.times(k.rowGroup, s.rowsOfWarp()));
  g.warpLast = b.plus(g.warpFirst, s.rowsOfWarp() - 1);
  for (int64_t r = 0; r < 2 * s.rowTiles(); ++r)
    g.row.push_back(b.plus(g.warpFirst, b.plus(k.quadRow, 8 * r)));

  k.tiles->copyAsync(k.rowTile(0), k.headOf(k.buffer(op.getKey()), keyHead), k.keyStride, g.keyFirst,
                     k.kvRows, s.rows);
  k.tiles->copyAsync(k.rowTile(1), k.headOf(k.buffer(op.getValue()), keyHead), k.keyStride, g.keyFirst,
                     k.kvRows, s.rows);
  b.commitCopies();
  Value perHead = b.over(b.plus(g.countQueries(keyEnd), s.columns - 1), s.columns);
  Value firstHead = b.times(keyHead, k.group);
  if (s.heldTiles) {
    b.waitForCopies(0);
    b.barrier();
    g.heldKey = k.holdRows(0);
    g.heldValue = k.holdRows(1);
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
  Value firstSeen = b.choose(b.less(g.warpFirst, k.kvRows), g.warpFirst, b.number(INT32_MAX));
  auto queryOf = [&](Value step) { return b.plus(g.keyFirst, b.times(b.rest(step, perHead), s.columns)); };
  Value buffers[] = {k.buffer(op.getQuery()), k.buffer(op.getCotangent()), k.buffer(op.getOutput())};
  Value lse = k.buffer(op.getLse());
  Value starts = op.getDocumentStart() ? k.buffer(op.getDocumentStart()) : Value();
  Values last = k.pipeline(
      b.times(perHead, k.group), flatten(start, start),
      [&](Value step, Value stage) {
        Value head = b.plus(firstHead, b.over(step, perHead)), first = queryOf(step);
        for (auto [i, buffer] : llvm::enumerate(buffers))
          k.tiles->copyAsync(k.columnTile(stage, i), k.headOf(buffer, head), k.queryStride, first, k.rows,
                             s.columns);
        b.when(b.less(k.thread, b.number(s.columns)), [&] {
          Value row = b.plus(first, k.thread), isThere = b.less(row, k.rows);
          Value from = b.at(b.atRow(lse, row, 4 * k.heads), b.left(head, 2));
          b.copyAsync(g.numberOf(stage, Lse, k.thread), 0, from, 4, isThere);
          if (starts)
            b.copyAsync(g.numberOf(stage, Start, k.thread), 0, b.atRow(starts, row, 4), 4, isThere);
        });
      },
      [] {},
      [&](Value step, Value stage, ValueRange now) {
        g.buildDelta(stage);
        b.barrier();
        Value first = queryOf(step);
        Value final = b.least(b.plus(first, s.columns - 1), b.minus(k.rows, 1));
        // Before all keys of the warp, in later documents, or no keys at all: nothing to do.
        Value isSeen = b.atMost(firstSeen, final);
        Value isCut = b.less(first, g.warpLast);
        if (starts) {
          Value earliest = b.load(b.getI32Type(), g.numberOf(stage, Start, b.number(0)));
          Value latest = b.load(b.getI32Type(), g.numberOf(stage, Start, b.minus(final, first)));
          isSeen = b.both(isSeen, b.atMost(earliest, g.warpLast));
          isCut = b.either(isCut, b.less(g.warpFirst, latest));
        }
        return b.when(isSeen, now, [&] {
          auto [dKey, dValue] = unflatten(now);
          g.step(dKey, dValue, first, isCut, stage);
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
  k.storeRows(dKey, /*staging=*/0, k.headOf(k.buffer(op.getKeyCotangent()), keyHead), k.keyStride,
              g.warpFirst, k.kvRows);
  k.storeRows(dValue, /*staging=*/1, k.headOf(k.buffer(op.getValueCotangent()), keyHead), k.keyStride,
              g.warpFirst, k.kvRows);
}
