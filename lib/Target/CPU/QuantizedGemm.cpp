//===- QuantizedGemm.cpp - products with weights stored in blocks ------------------===//
//
// Few rows of A (a token at a time): each block of B is unpacked in registers and multiplied with those rows
// as it is read. More: some rows of B at a time are unpacked into a stripe of f32, transposed, which the product
// of f32 takes; that costs little where many rows of A share it. Both read the values that the blocks stand for,
// and sum them in the order of the product of f32.

#include "QuantizedGemm.h"

#include "Building.h"
#include "UnpackBlocks.h"
#include "mlora/Dialect/Names.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::mlora;

using Values = SmallVector<Value>;

/// At most so many rows of A are multiplied as B is read.
static constexpr int64_t kFewRows = 8;
/// Rows of A that a block of B is multiplied with at once, and rows of B whose sums run side by side for one,
/// two, three and four of them: as many sums as registers.
static constexpr int64_t kMostTogether = 4;
static constexpr int64_t kSideBySide[kMostTogether] = {4, 2, 1, 1};
/// Of a cache.
static constexpr int64_t kLineBytes = 64;
/// Rows of B in a stripe.
static constexpr int64_t kStripeRows = 48;

namespace {

class QuantizedGemm {
public:
  QuantizedGemm(func::FuncOp dense, const ::mlora::BlockFormat &format, int64_t depth)
      : b(dense.getLoc(), dense.getContext()), dense(dense), format(format), depth(depth),
        lanes(VectorType::get({kLanes}, b.getF32Type())) {}
  func::FuncOp build();

private:
  void buildDots(Value firstRow, int64_t rows);
  void prefetch(Value row, Value at, int64_t bytes);
  void buildStripes();
  void unpackRows(Value first, Value at, Value rows);
  void transpose(Value rows, Value stripe, Value l, Value j);
  void store(Value sum, ValueRange at);

  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value plus(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value minus(Value x, Value y) { return b.createOrFold<arith::SubIOp>(x, y); }
  Value times(Value x, int64_t y) { return b.createOrFold<arith::MulIOp>(x, index(y)); }
  Value over(Value x, int64_t y) { return b.createOrFold<arith::DivUIOp>(x, index(y)); }
  Value least(Value x, Value y) { return b.createOrFold<arith::MinUIOp>(x, y); }
  Value real(double value) { return arith::ConstantOp::create(b, b.getF32FloatAttr(value)); }
  Value isBelow(Value x, Value y) { return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, x, y); }
  Value load(Value memory, ValueRange at) { return vector::LoadOp::create(b, lanes, memory, at); }
  void loop(Value from, Value to, Value step, function_ref<void(Value)> body) {
    buildLoop(b, from, to, step, [&](scf::ForOp op) { body(op.getInductionVar()); });
  }
  Value view(Value memory, ArrayRef<Value> from, ArrayRef<Value> size, Type type) {
    SmallVector<OpFoldResult> ones(2, b.getIndexAttr(1));
    Value part = memref::SubViewOp::create(b, memory, getAsOpFoldResult(from), getAsOpFoldResult(size), ones);
    return b.createOrFold<memref::CastOp>(type, part);
  }
  /// Memory of f32 on the stack.
  Value allocate(ArrayRef<int64_t> shape) {
    return memref::AllocaOp::create(b, MemRefType::get(shape, b.getF32Type()), b.getI64IntegerAttr(64));
  }
  int64_t units() const { return format.values / kLanes; }

  ImplicitLocOpBuilder b;
  func::FuncOp dense;
  const ::mlora::BlockFormat &format;
  int64_t depth;
  VectorType lanes;
  Value lhs, blocks, result, alpha, beta; ///< arguments
  Value m, n, k, zero, overwrites;        ///< the last: beta is 0
};

} // namespace

std::string mlir::mlora::quantizedGemmName(const ::mlora::BlockFormat &format) {
  return "gemm_nt_" + StringRef(format.name).lower();
}

func::FuncOp QuantizedGemm::build() {
  Type matrix = dense.getArgumentTypes()[0], real = b.getF32Type();
  auto bytes = MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic}, b.getI8Type(),
                               cast<MemRefType>(matrix).getLayout());
  b.setInsertionPointAfter(dense);
  auto function = func::FuncOp::create(b, quantizedGemmName(format),
                                       b.getFunctionType({matrix, bytes, matrix, real, real}, {}));
  function.setPrivate();
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  static constexpr StringLiteral names[] = {"a", "blocks", "c", "alpha", "beta"};
  for (auto [argument, name] : llvm::zip_equal(entry->getArguments(), names))
    argument.setLoc(withName(b.getLoc(), name));
  lhs = entry->getArgument(0), blocks = entry->getArgument(1), result = entry->getArgument(2);
  alpha = entry->getArgument(3), beta = entry->getArgument(4);
  zero = index(0);
  m = memref::DimOp::create(b, result, 0);
  n = memref::DimOp::create(b, result, 1);
  k = memref::DimOp::create(b, lhs, 1);
  overwrites = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, beta, this->real(0));
  Value few = arith::CmpIOp::create(b, arith::CmpIPredicate::ule, m, index(kFewRows));
  buildIf(
      b, few,
      [&] {
        loop(zero, m, index(kMostTogether), [&](Value first) {
          Value left = minus(m, first);
          std::function<void(int64_t)> choose = [&](int64_t rows) {
            if (rows == kMostTogether)
              return buildDots(first, rows);
            Value isRows = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, left, index(rows));
            buildIf(
                b, isRows, [&] { buildDots(first, rows); }, [&] { choose(rows + 1); });
          };
          choose(1);
        });
      },
      [&] { buildStripes(); });
  func::ReturnOp::create(b);
  return function;
}

/// C[first .. first + rows, :], rows of B side by side. A sum goes along K as that of the product of f32.
void QuantizedGemm::buildDots(Value firstRow, int64_t rows) {
  int64_t columns = kSideBySide[rows - 1];
  Value last = minus(n, index(1)), numBlocks = over(k, format.values);
  Value zeros = arith::ConstantOp::create(b, DenseElementsAttr::get(lanes, 0.0f));
  loop(zero, n, index(columns), [&](Value first) {
    Values own, read; // past the end: the last one again, not stored
    for (int64_t j = 0; j < columns; ++j) {
      own.push_back(plus(first, index(j)));
      read.push_back(least(own.back(), last));
    }
    auto sums = buildLoop(b, zero, numBlocks, index(1), Values(rows * columns, zeros), [&](scf::ForOp op) {
      Value block = op.getInductionVar(), at = times(block, format.bytes), l = times(block, format.values);
      prefetch(plus(first, index(columns)), times(block, columns * format.bytes), columns * format.bytes);
      Values next(op.getRegionIterArgs());
      for (int64_t j = 0; j < columns; ++j)
        for (int64_t unit = 0; unit < units(); ++unit) {
          Value weights = unpackSixteen(b, format, blocks, read[j], at, unit);
          for (int64_t i = 0; i < rows; ++i) {
            Value x = load(lhs, {plus(firstRow, index(i)), plus(l, index(unit * kLanes))});
            next[i * columns + j] = vector::FMAOp::create(b, x, weights, next[i * columns + j]);
          }
        }
      return next;
    });
    for (int64_t j = 0; j < columns; ++j)
      buildIf(b, isBelow(own[j], n), [&] {
        for (int64_t i = 0; i < rows; ++i) {
          Value sum = foldLanes(b, sums.getResult(i * columns + j),
                                [&](Value x, Value y) { return arith::AddFOp::create(b, x, y); });
          store(sum, {plus(firstRow, index(i)), own[j]});
        }
      });
  });
}

/// Asks for `bytes` bytes from byte `at` of row `row` of B on: of the rows behind those that are being summed, which lie in
/// one piece. Side by side, rows are several short streams, which the hardware does not follow.
void QuantizedGemm::prefetch(Value row, Value at, int64_t bytes) {
  for (int64_t line = 0; line < bytes; line += kLineBytes)
    memref::PrefetchOp::create(b, blocks, ValueRange{row, plus(at, index(line))}, /*isWrite=*/false, /*localityHint=*/3,
                               /*isDataCache=*/true);
}

/// C[at] = alpha·sum + beta·C[at]; with beta 0 C is not read.
void QuantizedGemm::store(Value sum, ValueRange at) {
  sum = arith::MulFOp::create(b, alpha, sum);
  buildIf(
      b, overwrites, [&] { memref::StoreOp::create(b, sum, result, at); },
      [&] {
        Value before = memref::LoadOp::create(b, result, at);
        memref::StoreOp::create(b, math::FmaOp::create(b, beta, before, sum), result, at);
      });
}

/// Depths of equal size in whole blocks, and stripes of rows of B: a stripe is Bᵀ, as the product of f32 reads it
/// in place.
void QuantizedGemm::buildStripes() {
  Type matrix = dense.getArgumentTypes()[0];
  Value stripe = allocate({depth, kStripeRows}), rows = allocate({kLanes, format.values});
  auto ceil = [&](Value x, Value y) { return Value(arith::CeilDivUIOp::create(b, x, y)); };
  Value end = arith::MaxUIOp::create(b, k, index(1)), values = index(format.values);
  Value size = arith::MulIOp::create(b, ceil(ceil(end, ceil(end, index(depth))), values), values);
  loop(zero, end, size, [&](Value k0) {
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, k0, zero);
    Value scale = arith::SelectOp::create(b, isFirst, beta, real(1));
    Value own = least(size, minus(k, k0)), firstBlock = over(k0, format.values),
          numBlocks = over(own, format.values);
    Value x = view(lhs, {zero, k0}, {m, own}, matrix);
    loop(zero, n, index(kStripeRows), [&](Value n0) {
      Value width = least(index(kStripeRows), minus(n, n0));
      loop(zero, width, index(kLanes), [&](Value j) {
        loop(zero, numBlocks, index(1), [&](Value block) {
          Value at = times(plus(firstBlock, block), format.bytes);
          unpackRows(plus(n0, j), at, rows);
          transpose(rows, stripe, times(block, format.values), j);
        });
      });
      func::CallOp::create(b, dense,
                           ValueRange{x, view(stripe, {zero, zero}, {own, width}, matrix),
                                      view(result, {zero, n0}, {m, width}, matrix), alpha, scale});
    });
  });
}

/// The blocks at byte `at` of kLanes rows of B from `first` on, one a row of `rows`. Past the end: the last row
/// again, which nobody reads.
void QuantizedGemm::unpackRows(Value first, Value at, Value rows) {
  Value last = minus(n, index(1));
  loop(zero, index(kLanes), index(1), [&](Value i) {
    Value row = least(plus(first, i), last);
    for (int64_t unit = 0; unit < units(); ++unit)
      vector::StoreOp::create(b, unpackSixteen(b, format, blocks, row, at, unit), rows,
                              ValueRange{i, index(unit * kLanes)});
  });
}

/// stripe[l + i, j + r] = rows[r, i], squares in registers.
void QuantizedGemm::transpose(Value rows, Value stripe, Value l, Value j) {
  auto square = VectorType::get({kLanes, kLanes}, b.getF32Type());
  loop(zero, index(format.values), index(kLanes), [&](Value from) {
    Value values = arith::ConstantOp::create(b, DenseElementsAttr::get(square, 0.0f));
    for (int64_t r = 0; r < kLanes; ++r)
      values = vector::InsertOp::create(b, load(rows, {index(r), from}), values, ArrayRef<int64_t>{r});
    values = vector::TransposeOp::create(b, values, ArrayRef<int64_t>{1, 0});
    for (int64_t i = 0; i < kLanes; ++i)
      vector::StoreOp::create(b, vector::ExtractOp::create(b, values, ArrayRef<int64_t>{i}), stripe,
                              ValueRange{plus(plus(l, from), index(i)), j});
  });
}

func::FuncOp mlir::mlora::buildQuantizedGemm(func::FuncOp dense, const ::mlora::BlockFormat &format,
                                             int64_t depth) {
  return QuantizedGemm(dense, format, depth).build();
}
