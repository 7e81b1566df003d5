//===- Product.cpp - a product of blocks through stages of shared memory --------------===//

#include "Product.h"

#include "MemoryFacts.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::mlora;

static TileCopy copyOf(ThreadBuilder &b, Value memory, const ProductSchedule &schedule, OperandShape tile,
                       Value thread, int64_t threads) {
  Type element = schedule.kind == ProductSchedule::Mma ? Type(b.getBF16Type()) : Type(b.getF32Type());
  return TileCopy(b, memory, element, tile.rows, tile.columns, thread, threads);
}

Product::Product(ThreadBuilder &b, GemmOp op, const ProductSchedule &schedule, Value shared, Value thread,
                 int64_t threads)
    : b(b), op(op), schedule(schedule), thread(thread), threads(threads),
      copyA(copyOf(b, op.getA(), schedule, tileOfA(schedule, op), thread, threads)),
      copyB(copyOf(b, op.getB(), schedule, tileOfB(schedule, op), thread, threads)), shared(shared),
      rows(extentOf(b, op.getC(), 0)), columns(extentOf(b, op.getC(), 1)),
      depth(extentOf(b, op.getA(), op.getTransposeA() ? 0 : 1)), target(addressOf(b, op.getC())) {}

Values Product::pipeline(Value row, Value column, ValueRange start,
                         function_ref<Values(Value, Value, ValueRange)> compute) {
  OperandShape shapeA = tileOfA(schedule, op), shapeB = tileOfB(schedule, op);
  int64_t bytesA = tileBytes(shapeA.rows, shapeA.columns * schedule.elementBytes());
  int64_t bytes = bytesA + tileBytes(shapeB.rows, shapeB.columns * schedule.elementBytes());
  int64_t ahead = schedule.stages - 1;
  Value steps = b.over(b.plus(depth, schedule.depth - 1), schedule.depth);
  auto stageOf = [&](Value step) { return b.at(shared, b.times(b.rest(step, schedule.stages), bytes)); };
  auto copy = [&](Value step) {
    b.when(b.less(step, steps), [&] {
      Value k = b.times(step, schedule.depth), stage = stageOf(step);
      op.getTransposeA() ? copyA(stage, k, row) : copyA(stage, row, k);
      Value tileB = b.at(stage, bytesA);
      op.getTransposeB() ? copyB(tileB, column, k) : copyB(tileB, k, column);
    });
    b.commitCopies();
  };
  for (int64_t i = 0; i < ahead; ++i)
    copy(b.number(i));
  return b.loop(b.number(0), steps, 1, start, [&](Value step, ValueRange sums) {
    b.waitForCopies(ahead - 1);
    b.barrier(); // this step's tiles are there for all threads, and all are done with the step before
    copy(b.plus(step, ahead));
    Value stage = stageOf(step);
    return compute(stage, b.at(stage, bytesA), sums);
  });
}

void Product::build(ValueRange start, function_ref<Values(Value, Value, ValueRange)> compute,
                    function_ref<void(Value, Value, ValueRange)> store) {
  b.loop(b.number(0), rows, schedule.rows, {}, [&](Value row, ValueRange) {
    b.loop(b.number(0), columns, schedule.columns, {}, [&](Value column, ValueRange) {
      store(row, column, pipeline(row, column, start, compute));
      b.barrier(); // the next tile's copies, or what comes after, may take the stages
      return Values();
    });
    return Values();
  });
}

//===- Results --------------------------------------------------------------------------===//

static bool isConstant(Value real, double value) {
  FloatAttr constant;
  return matchPattern(real, m_Constant(&constant)) && constant.getValueAsDouble() == value;
}

void Product::storePiece(Value address, ArrayRef<Value> sums) {
  bool isNarrow = elementBytesOf(op.getC()) == 2;
  int64_t count = sums.size();
  Type element = isNarrow ? Type(b.getBF16Type()) : Type(b.getF32Type());
  Type type = count == 1 ? element : VectorType::get({count}, element);
  auto part = [&](Value all, int64_t i) {
    return count == 1 ? all : LLVM::ExtractElementOp::create(b, all, b.number(i)).getResult();
  };
  Values results;
  for (Value sum : sums)
    results.push_back(isConstant(op.getAlpha(), 1) ? sum : b.multiply(op.getAlpha(), sum));
  auto addBefore = [&] {
    Value before = b.load(type, address);
    Values added;
    for (auto [i, result] : llvm::enumerate(results)) {
      Value old = part(before, int64_t(i));
      if (isNarrow)
        old = LLVM::FPExtOp::create(b, b.getF32Type(), old);
      added.push_back(b.add(result, b.multiply(op.getBeta(), old)));
    }
    return added;
  };
  // With beta 0 whatever lies in C, NaN too, is gone.
  if (matchPattern(op.getBeta(), m_Constant())) {
    if (!isConstant(op.getBeta(), 0))
      results = addBefore();
  } else {
    Value isAdded = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, op.getBeta(), b.real(0));
    results = b.when(isAdded, results, addBefore);
  }
  if (isNarrow && count == 2) {
    b.store(b.pack(results[0], results[1]), address);
    return;
  }
  if (isNarrow)
    for (Value &result : results)
      result = LLVM::FPTruncOp::create(b, element, result);
  Value all = results.front();
  if (count > 1) {
    all = LLVM::UndefOp::create(b, type);
    for (auto [i, result] : llvm::enumerate(results))
      all = LLVM::InsertElementOp::create(b, all, result, b.number(i));
  }
  b.store(all, address);
}

void Product::storeSums(Value row, Value column, int64_t columnDivisor, ArrayRef<Value> sums) {
  int64_t element = elementBytesOf(op.getC()), count = sums.size();
  int64_t piece = std::min({count, columnDivisor, rowAlignmentOf(op.getC()) / element});
  while (divisorOfDim(op.getC(), 1) % piece != 0)
    piece /= 2;
  Value start = b.at(b.atRow(target, row, *rowStrideOf(op.getC()) * element), b.times(column, element));
  Value isInRows = b.less(row, rows);
  for (int64_t first = 0; first < count; first += piece)
    b.when(b.both(isInRows, b.less(b.plus(column, first), columns)),
           [&] { storePiece(b.at(start, first * element), sums.slice(first, piece)); });
}
