//===- ProductFfma.cpp - a product of blocks by FFMA ----------------------------------===//
//
// f32. A thread has a patch of the tile of C. Where K is contiguous in a tile, rows of it that threads of a
// warp read at a time are neighbours; otherwise a thread's four are. Either way eight threads read eight
// different groups of banks, or the same address.

#include "Distributor.h"
#include "Product.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::mlora;

/// K of a step of the innermost loop: 16 bytes.
static constexpr int64_t kStep = 4;

namespace {
/// The elements of one operand that a thread multiplies: `count` rows of C, or columns.
class FfmaOperand {
public:
  FfmaOperand(Product &product, const TileCopy &tile, bool isContiguousInK, Value rank, int64_t threads,
              int64_t count)
      : b(product.b), tile(tile), isContiguousInK(isContiguousInK), rank(rank), threads(threads),
        count(count), run(std::min<int64_t>(count, 4)) {}

  /// Row or column i of the thread, within the tile.
  Value position(int64_t i) const {
    if (!isContiguousInK)
      return b.plus(b.times(rank, run), i / run * run * threads + i % run);
    // Rows eight apart are turned alike, and so are those of eight.
    return threads % 8 == 0 ? b.plus(rank, i * threads) : b.plus(b.times(rank, count), i);
  }
  /// Elements that lie beside each other in C's rows, if it is columns.
  int64_t neighbours() const { return isContiguousInK ? 1 : run; }

  /// Elements [k][i] of K's next four, from 4 · `step` on.
  SmallVector<Values> load(Value from, Value step) const {
    SmallVector<Values> elements(kStep);
    if (isContiguousInK) {
      for (int64_t i = 0; i < count; ++i)
        spread(b.at(from, tile.place(position(i), step)), kStep,
               [&](int64_t k, Value element) { elements[k].push_back(element); });
      return elements;
    }
    for (int64_t k = 0; k < kStep; ++k)
      for (int64_t i = 0; i < count; i += run) {
        Value column = position(i), bytes = b.left(b.bitAnd(column, b.number(3)), 2);
        Value place = tile.place(b.plus(b.times(step, kStep), k), b.right(column, 2));
        spread(b.at(from, b.plus(place, bytes)), run,
               [&](int64_t, Value element) { elements[k].push_back(element); });
      }
    return elements;
  }

private:
  void spread(Value address, int64_t elements, function_ref<void(int64_t, Value)> take) const {
    Value all = b.load(VectorType::get({elements}, b.getF32Type()), address);
    for (int64_t i = 0; i < elements; ++i)
      take(i, LLVM::ExtractElementOp::create(b, all, b.number(i)));
  }

  ThreadBuilder &b;
  const TileCopy &tile;
  bool isContiguousInK;
  Value rank;
  int64_t threads, count, run;
};
} // namespace

/// sums[i][j] += a[k][i] · b[k][j] for each k in order; four columns a vector.
static Values multiply(ThreadBuilder &b, const FfmaOperand &left, const FfmaOperand &right, Value tileA,
                       Value tileB, int64_t depth, ValueRange before) {
  auto four = VectorType::get({4}, b.getF32Type());
  auto step = [&](Value step, ValueRange before) {
    SmallVector<Values> leftElements = left.load(tileA, step), rightElements = right.load(tileB, step);
    Values sums(before);
    for (int64_t k = 0; k < kStep; ++k) {
      Values columns;
      for (size_t j = 0; j < rightElements[k].size(); j += 4) {
        Value all = LLVM::UndefOp::create(b, four);
        for (int64_t i = 0; i < 4; ++i)
          all = LLVM::InsertElementOp::create(b, all, rightElements[k][j + i], b.number(i));
        columns.push_back(all);
      }
      for (auto [i, element] : llvm::enumerate(leftElements[k])) {
        Value same = vector::BroadcastOp::create(b, four, element);
        for (auto [j, column] : llvm::enumerate(columns)) {
          Value &sum = sums[i * columns.size() + j];
          sum = b.fma(same, column, sum);
        }
      }
    }
    return sums;
  };
  Values after = b.loop(b.number(0), b.number(depth / kStep), 1, before, step);
  keepRolled(cast<scf::ForOp>(after.front().getDefiningOp()));
  return after;
}

void mlir::mlora::buildFfmaProduct(ThreadBuilder &b, GemmOp op, const ProductSchedule &schedule, Value shared,
                                   Value thread, int64_t threads) {
  Product product(b, op, schedule, shared, thread, threads);
  int64_t patchRows = schedule.patchRows(), patchColumns = schedule.patchColumns();
  FfmaOperand left(product, product.copyA, !op.getTransposeA(), b.over(thread, schedule.threadColumns),
                   schedule.threadRows, patchRows);
  FfmaOperand right(product, product.copyB, op.getTransposeB(), b.rest(thread, schedule.threadColumns),
                    schedule.threadColumns, patchColumns);
  auto four = VectorType::get({4}, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, four, b.getZeroAttr(four));
  Values start(patchRows * patchColumns / 4, zero);
  auto compute = [&](Value tileA, Value tileB, ValueRange sums) {
    return multiply(b, left, right, tileA, tileB, schedule.depth, sums);
  };
  product.build(start, compute, [&](Value row, Value column, ValueRange sums) {
    for (int64_t i = 0; i < patchRows; ++i)
      for (int64_t j = 0; j < patchColumns; j += right.neighbours()) {
        Values elements;
        for (int64_t n = j; n < j + right.neighbours(); ++n)
          elements.push_back(
              LLVM::ExtractElementOp::create(b, sums[(i * patchColumns + n) / 4], b.number(n % 4)));
        product.storeSums(b.plus(row, left.position(i)), b.plus(column, right.position(j)),
                          right.neighbours(), elements);
      }
  });
}
