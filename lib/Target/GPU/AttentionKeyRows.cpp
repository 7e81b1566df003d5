//===- AttentionKeyRows.cpp - rows of keys in the backward pass -----------------------===//

#include "AttentionKeyRows.h"

using namespace mlir;
using namespace mlir::mlora;

Value mlir::mlora::countQueries(AttentionKernel &k, Value keyFirst, Value keyEnd) {
  ThreadBuilder &b = k.b;
  if (!k.hasDocuments())
    return b.minus(k.rows, keyFirst);
  // Starts never decrease: each round of 32 probes, one a lane, leaves a 32nd of the rows in question.
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

KeyRows::KeyRows(AttentionKernel &kernel, Value first, int64_t rowTiles, int64_t columns)
    : warpFirst(first), k(kernel), b(kernel.b), columns(columns) {
  warpLast = b.plus(warpFirst, 16 * rowTiles - 1);
  for (int64_t r = 0; r < 2 * rowTiles; ++r)
    row.push_back(b.plus(warpFirst, b.plus(k.quadRow, 8 * r)));
}

KeyRows::Step KeyRows::differentiate(const AttentionKernel::Sums &scores,
                                     const AttentionKernel::Sums &gradient, Value first, int64_t offset,
                                     Value numbers, Value isCut) {
  Value c = b.real(k.log2Scale());
  int64_t eights = scores[0].size();
  // Two of eight columns are this lane's.
  auto columnsOf = [&](Number which, Type type, function_ref<Value(Value)> map) {
    Values all;
    for (int64_t n = 0; n < eights; ++n) {
      Value two =
          b.load(VectorType::get({2}, type), numberOf(numbers, which, b.plus(k.quadColumn, offset + 8 * n)));
      for (int64_t e : {0, 1})
        all.push_back(map(LLVM::ExtractElementOp::create(b, two, b.number(e))));
    }
    return all;
  };
  Values lse = columnsOf(Lse, b.getF32Type(),
                         [&](Value value) { return b.multiply(value, b.real(-1.4426950408889634)); });
  Values flat;
  for (auto &quads : scores)
    for (auto [n, quad] : llvm::enumerate(quads))
      for (auto [e, value] : llvm::enumerate(quad))
        flat.push_back(b.exp2(b.fma(value, c, lse[2 * n + e % 2])));
  flat = b.when(isCut, flat, [&] {
    Values masked, earliest;
    if (k.hasDocuments())
      earliest = columnsOf(Start, b.getI32Type(), [](Value value) { return value; });
    Value lane = b.plus(first, k.quadColumn);
    for (auto [at, value] : llvm::enumerate(flat)) {
      int64_t r = at / (4 * eights) * 2 + at % 4 / 2, n = at / 4 % eights;
      Value isInside = b.atMost(row[r], b.plus(lane, offset + 8 * n + at % 2));
      if (k.hasDocuments())
        isInside = b.both(isInside, b.atMost(earliest[2 * n + at % 2], row[r]));
      masked.push_back(b.choose(isInside, value, b.real(0)));
    }
    return masked;
  });
  Values delta = columnsOf(Delta, b.getF32Type(), [](Value value) { return value; });
  Step step;
  ValueRange list = flat;
  for (auto &quads : gradient) {
    SmallVector<Quad> p = takeQuads(list, eights), dS = quads;
    for (auto [n, quad] : llvm::enumerate(dS))
      for (auto [e, value] : llvm::enumerate(quad))
        value = b.multiply(p[n][e], b.subtract(value, delta[2 * n + e % 2]));
    step.weights.emplace_back();
    step.gradients.emplace_back();
    for (int64_t n = 0; n < eights; n += 2) {
      step.weights.back().push_back(k.toOperand(p[n], p[n + 1]));
      step.gradients.back().push_back(k.toOperand(dS[n], dS[n + 1]));
    }
  }
  return step;
}
