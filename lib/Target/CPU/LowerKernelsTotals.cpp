//===- LowerKernelsTotals.cpp - what one block does for all rows -----------------===//

#include "BlockBuilder.h"
#include "Building.h"

using namespace mlir;
using namespace mlir::mlora;

using Values = SmallVector<Value>;

static Value accumulateInParts(BlockBuilder &b, Value memory, Value rows, Value sum);

/// sum + Σ x over all elements in row order, in f64
static Value accumulate(BlockBuilder &b, Value memory, Value rows, Value sum) {
  if (b.shape.partialSums > 1 && cast<MemRefType>(memory.getType()).getRank() == 1)
    return accumulateInParts(b, memory, rows, sum);
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<Value> at;
  // One loop a dimension, the sum carried through all of them.
  auto nest = [&](auto &self, Value start) -> Value {
    unsigned dim = at.size();
    if (dim == type.getRank()) {
      Value element = arith::ExtFOp::create(b, b.getF64Type(), b.load(memory, at));
      return b.add(start, element);
    }
    Value end = dim == 0 ? rows : b.index(type.getDimSize(dim));
    auto loop = buildLoop(b, b.index(0), end, b.index(1), start, [&](scf::ForOp op) -> SmallVector<Value> {
      at.push_back(op.getInductionVar());
      Value next = self(self, op.getRegionIterArg(0));
      at.pop_back();
      return {next};
    });
    return loop.getResult(0);
  };
  return nest(nest, sum);
}

/// The same of a vector, but sums of every P-th element, each in order, whatever computes them; then those in order.
static Value accumulateInParts(BlockBuilder &b, Value memory, Value rows, Value sum) {
  int64_t parts = b.shape.partialSums;
  constexpr int64_t unrolled = 16; // loads under way at once
  Value partial = b.scratch({parts}, b.getF64Type());
  b.parallel(b.index(parts), [&](Value part) {
    auto add = [&](Value total, Value at) -> Value {
      return b.add(total, arith::ExtFOp::create(b, b.getF64Type(), b.load(memory, {at})));
    };
    Value zero = arith::ConstantOp::create(b, b.getF64FloatAttr(0));
    Value whole = b.times(b.over(rows, parts * unrolled), parts * unrolled);
    auto main = buildLoop(b, part, whole, b.index(parts * unrolled), zero, [&](scf::ForOp op) -> Values {
      Values elements;
      for (int64_t i = 0; i < unrolled; ++i)
        elements.push_back(b.load(memory, {b.plus(op.getInductionVar(), b.index(i * parts))}));
      Value total = op.getRegionIterArg(0);
      for (Value element : elements)
        total = b.add(total, arith::ExtFOp::create(b, b.getF64Type(), element));
      return {total};
    });
    auto rest = buildLoop(b, b.plus(whole, part), rows, b.index(parts), main.getResult(0),
                          [&](scf::ForOp op) -> Values { return {add(op.getRegionIterArg(0), op.getInductionVar())}; });
    b.store(rest.getResult(0), partial, {part});
  });
  auto loop = buildLoop(b, b.index(0), b.index(parts), b.index(1), sum, [&](scf::ForOp op) -> Values {
    return {b.add(op.getRegionIterArg(0), b.load(partial, {op.getInductionVar()}))};
  });
  return loop.getResult(0);
}

static Value zero(BlockBuilder &b) { return arith::ConstantOp::create(b, b.getF64FloatAttr(0)); }

static Value rowsOf(BlockBuilder &b, Value value) {
  return cast<RankedTensorType>(value.getType()).getRank() == 0 ? b.index(1) : b.rowsOf(value, kCountedRows);
}

/// y = Σ_t x[t]
static void emitSum(BlockBuilder &b, SumOp op) {
  Value total = accumulate(b, b.whole(op.getInput()), rowsOf(b, op.getInput()), zero(b));
  b.store(arith::TruncFOp::create(b, b.getF32Type(), total), b.wholeResult(op.getOutput()), {});
}

/// y = sqrt(Σ x) over every element of every operand
static void emitNorm(BlockBuilder &b, NormOp op) {
  Value total = zero(b);
  for (Value input : op.getInputs())
    total = accumulate(b, b.whole(input), rowsOf(b, input), total);
  b.store(arith::TruncFOp::create(b, b.getF32Type(), b.sqrt(total)), b.wholeResult(op.getOutput()), {});
}

/// y = 0, y[rows[c]] = x[c]
static void emitScatterRows(BlockBuilder &b, ScatterRowsOp op) {
  Value x = b.whole(op.getInput()), rows = b.whole(op.getRows()), y = b.wholeResult(op.getOutput());
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  OpFoldResult width = b.getIndexAttr(op.getOutput().getType().getShape()[1]);
  b.fill(b.view(y, {zero, zero}, {getAsOpFoldResult(b.rowsOf(op.getLike(), kRows)), width}), 0);
  b.parallel(b.rowsOf(op.getRows(), kCountedRows), [&](Value c) {
    Value to = b.view(y, {b.loadIndex(rows, c), zero}, {one, width});
    b.copy(b.view(x, {c, zero}, {one, width}), to);
  });
}

void mlir::mlora::addTotalEmitters(BlockEmitters &table) {
  addEmitter<emitSum, SumOp>(table);
  addEmitter<emitNorm, NormOp>(table);
  addEmitter<emitScatterRows, ScatterRowsOp>(table);
}
