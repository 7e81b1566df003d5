//===- LowerKernelsTotals.cpp - what one block does for all rows -----------------===//

#include "BlockBuilder.h"
#include "Building.h"

using namespace mlir;
using namespace mlir::mlora;

/// Sums of a norm that go on side by side: there may be millions of partial sums, and a chain of additions is
/// one thread's.
constexpr int64_t kChains = 128;

/// Of a vector's chain as much as whole rounds of loads that do not wait for each other; where it goes on, and the
/// sum up to there. The order is the chain's.
static std::pair<Value, Value> accumulateAhead(BlockBuilder &b, Value memory, Value rows, Value sum, Value first,
                                               int64_t step) {
  constexpr int64_t ahead = 16;
  if (std::optional<int64_t> known = getConstantIntValue(rows); known && *known < step * ahead)
    return {first, sum};
  Value whole = b.times(b.over(rows, step * ahead), step * ahead);
  auto loop = buildLoop(b, first, whole, b.index(step * ahead), sum, [&](scf::ForOp op) -> SmallVector<Value> {
    SmallVector<Value> elements;
    for (int64_t i = 0; i < ahead; ++i)
      elements.push_back(b.load(memory, {b.plus(op.getInductionVar(), b.index(i * step))}));
    Value total = op.getRegionIterArg(0);
    for (Value element : elements)
      total = b.add(total, arith::ExtFOp::create(b, b.getF64Type(), element));
    return {total};
  });
  return {b.plus(whole, first), loop.getResult(0)};
}

/// sum + Σ x over rows first, first + step, … in row order, in f64
static Value accumulate(BlockBuilder &b, Value memory, Value rows, Value sum, Value first, int64_t step) {
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<Value> at;
  // One loop a dimension, the sum carried through all of them.
  auto nest = [&](auto &self, Value start) -> Value {
    unsigned dim = at.size();
    if (dim == type.getRank()) {
      Value element = b.load(memory, at);
      return b.add(start,
                   element.getType().isF64() ? element : arith::ExtFOp::create(b, b.getF64Type(), element));
    }
    Value end = dim == 0 ? rows : b.index(type.getDimSize(dim));
    Value from = dim == 0 ? first : b.index(0), by = b.index(dim == 0 ? step : 1);
    if (type.getRank() == 1 && step > 1)
      std::tie(from, start) = accumulateAhead(b, memory, rows, start, first, step);
    auto loop = buildLoop(b, from, end, by, start, [&](scf::ForOp op) -> SmallVector<Value> {
      at.push_back(op.getInductionVar());
      Value next = self(self, op.getRegionIterArg(0));
      at.pop_back();
      return {next};
    });
    return loop.getResult(0);
  };
  return nest(nest, sum);
}

static Value zero(BlockBuilder &b) { return arith::ConstantOp::create(b, b.getF64FloatAttr(0)); }

static Value rowsOf(BlockBuilder &b, Value value) {
  return cast<RankedTensorType>(value.getType()).getRank() == 0 ? b.index(1) : b.rowsOf(value, kCountedRows);
}

/// y = Σ_t x[t]
static void emitSum(BlockBuilder &b, SumOp op) {
  Value total = accumulate(b, b.whole(op.getInput()), rowsOf(b, op.getInput()), zero(b), b.index(0), 1);
  b.store(arith::TruncFOp::create(b, b.getF32Type(), total), b.wholeResult(op.getOutput()), {});
}

/// y = sqrt(Σ x) over every element of every operand: each chain sums every 128th row of each in turn, then
/// their sums in order, then what has no rows
static void emitNorm(BlockBuilder &b, NormOp op) {
  auto hasRows = [](Value input) { return cast<RankedTensorType>(input.getType()).getRank() > 0; };
  Value sums = b.scratch({kChains}, b.getF64Type());
  b.parallel(b.index(kChains), [&](Value chain) {
    Value sum = zero(b);
    for (Value input : llvm::make_filter_range(op.getInputs(), hasRows))
      sum = accumulate(b, b.whole(input), rowsOf(b, input), sum, chain, kChains);
    b.store(sum, sums, chain);
  });
  Value total = accumulate(b, sums, b.index(kChains), zero(b), b.index(0), 1);
  for (Value input : op.getInputs())
    if (!hasRows(input))
      total = accumulate(b, b.whole(input), rowsOf(b, input), total, b.index(0), 1);
  b.store(arith::TruncFOp::create(b, b.getF32Type(), b.sqrt(total)), b.wholeResult(op.getOutput()), {});
}

void mlir::mlora::addTotalEmitters(BlockEmitters &table) {
  addEmitter<emitSum, SumOp>(table);
  addEmitter<emitNorm, NormOp>(table);
}
