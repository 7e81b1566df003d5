//===- LowerGemm.cpp - matrix products of blocks to loops over vectors ----------===//
//
// All products of a module call one of four functions that are made here, one for each pair of
// transpositions. The loops around the registers follow Goto and van de Geijn: the depth K is cut so that a
// stripe of op(B) stays in cache, a stripe has some panels of one vector each, and a tile of rows x panels is
// summed over the stripe's depth in registers. op(A) is read in place, an element at a time. op(B) is read in
// place where its rows are contiguous along N; where it is transposed, or a stripe ends in part of a panel,
// it is first copied to a stripe of its own. Every element of C is summed along K in one order, whatever the
// tile; where there are only a few rows of A against a transposed B, in another.

#include "Building.h"
#include "QuantizedGemm.h"
#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Target/CPU.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/TargetParser/Host.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_LOWERGEMM
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

/// At most so many rows of a transposed B are read row by row instead of being copied: the copy would cost
/// more than the product.
static constexpr int64_t kFewRows = 4;
/// Rows of B whose sums run side by side there, enough to hide the latency of an addition.
static constexpr int64_t kDots = 4;
/// Steps of depth between asking for a row of a transposed A and reading it.
static constexpr int64_t kAhead = 16;

/// A stripe's copy lies on the stack of a thread.
static constexpr int64_t kMostStripeBytes = int64_t(1) << 20;

using Values = SmallVector<Value>;

namespace {

/// Tile of registers (rows x panels of kLanes columns) and greatest depth of a stripe.
struct Schedule {
  int64_t rows, panels, depth;
};

/// 24 of 32 registers hold sums with AVX-512, 12 of 16 with AVX2.
Schedule scheduleForHost() {
  return llvm::sys::getHostCPUFeatures().lookup("avx512f") ? Schedule{8, kMostPanels, 1024}
                                                           : Schedule{6, 1, 1024};
}

/// Writes the function of one pair of transpositions.
class GemmFunction {
public:
  GemmFunction(ModuleOp module, const Schedule &schedule, bool transposeA, bool transposeB)
      : b(module.getLoc(), module.getContext()), schedule(schedule), transposeA(transposeA),
        transposeB(transposeB),
        matrix(MemRefType::get(
            {ShapedType::kDynamic, ShapedType::kDynamic}, b.getF32Type(),
            StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {ShapedType::kDynamic, 1}))),
        panel(VectorType::get({kLanes}, b.getF32Type())), lanes(VectorType::get({kLanes}, b.getI1Type())) {
    b.setInsertionPointToEnd(module.getBody());
  }

  static std::string name(bool transposeA, bool transposeB) {
    return std::string("gemm_") + (transposeA ? "t" : "n") + (transposeB ? "t" : "n");
  }
  func::FuncOp build();

private:
  /// Rows [k0, k0 + depth) and columns [n0, n0 + width) of op(B), at `memory`; what they add to is scaled by
  /// `beta`, or new.
  struct Stripe {
    Value k0, depth, n0, width, beta, isNew, memory = {};
  };
  void buildDots();
  void storeScalar(Value sum, ValueRange at);
  void buildStripes();
  void buildStripe(Stripe &stripe);
  void copyRows(const Stripe &stripe);
  void copyTransposed(const Stripe &stripe);
  void buildTiles(const Stripe &stripe, int64_t panels, Value mask);
  void prefetchNext(const Stripe &stripe, Value m0, Value l, int64_t p, int64_t panels);
  void buildTile(const Stripe &stripe, Value m0, int64_t rows, int64_t panels, Value mask);

  Value named(Value value, StringRef name) {
    value.setLoc(withName(b.getLoc(), name));
    return value;
  }

  // Index arithmetic.
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value plus(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value minus(Value x, Value y) { return b.createOrFold<arith::SubIOp>(x, y); }
  Value times(Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); }
  Value least(Value x, Value y) { return b.createOrFold<arith::MinUIOp>(x, y); }
  Value ceil(Value x, Value y) { return arith::CeilDivUIOp::create(b, x, y); }
  Value roundDown(Value x, int64_t y) { return times(arith::DivUIOp::create(b, x, index(y)), index(y)); }
  Value roundUp(Value x, int64_t y) { return times(ceil(x, index(y)), index(y)); }
  Value equal(Value x, Value y) { return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y); }
  Value real(double value) { return arith::ConstantOp::create(b, b.getF32FloatAttr(value)); }
  Value zeros() { return arith::ConstantOp::create(b, DenseElementsAttr::get(panel, 0.0f)); }
  Value maskOf(Value count) { return vector::CreateMaskOp::create(b, lanes, count); }
  Value load(Value memory, ValueRange at) { return vector::LoadOp::create(b, panel, memory, at); }
  Value load(Value memory, ValueRange at, Value mask) {
    return vector::MaskedLoadOp::create(b, panel, memory, at, mask, zeros());
  }
  Value fma(Value x, Value y, Value sum) { return vector::FMAOp::create(b, x, y, sum); }
  Value view(Value memory, ArrayRef<Value> from, ArrayRef<Value> size) {
    SmallVector<OpFoldResult> ones(2, b.getIndexAttr(1));
    Value part = memref::SubViewOp::create(b, memory, getAsOpFoldResult(from), getAsOpFoldResult(size), ones);
    return b.createOrFold<memref::CastOp>(matrix, part);
  }

  void prefetch(Value memory, ValueRange at) {
    memref::PrefetchOp::create(b, memory, at, /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  }

  void loop(StringRef name, Value from, Value to, int64_t step, function_ref<void(Value)> body) {
    loop(name, from, to, index(step), body);
  }
  void loop(StringRef name, Value from, Value to, Value step, function_ref<void(Value)> body) {
    buildLoop(b, from, to, step, [&](scf::ForOp op) { body(named(op.getInductionVar(), name)); });
  }
  Values loopOf(StringRef name, Value from, Value to, int64_t step, ValueRange inits,
                function_ref<Values(Value, ValueRange)> body) {
    auto loop = buildLoop(b, from, to, index(step), inits, [&](scf::ForOp op) {
      for (Value sum : op.getRegionIterArgs())
        named(sum, "sum");
      return body(named(op.getInductionVar(), name), op.getRegionIterArgs());
    });
    return Values(loop.getResults());
  }
  void either(Value condition, function_ref<void()> then, function_ref<void()> otherwise = nullptr) {
    buildIf(b, condition, then, otherwise);
  }
  Value addLanes(Value sum) {
    return foldLanes(b, sum, [&](Value x, Value y) { return arith::AddFOp::create(b, x, y); });
  }

  ImplicitLocOpBuilder b;
  Schedule schedule;
  bool transposeA, transposeB;
  MemRefType matrix;
  VectorType panel, lanes;
  Value lhs, rhs, result, alpha, beta; ///< arguments
  Value m, n, k, zero, overwrites;     ///< the last: beta is 0
  Value copy;                          ///< a stripe of B, where it is copied
};

} // namespace

func::FuncOp GemmFunction::build() {
  auto function =
      func::FuncOp::create(b, name(transposeA, transposeB),
                           b.getFunctionType({matrix, matrix, matrix, b.getF32Type(), b.getF32Type()}, {}));
  function.setPrivate();
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  lhs = entry->getArgument(0), rhs = entry->getArgument(1), result = entry->getArgument(2);
  alpha = entry->getArgument(3), beta = entry->getArgument(4);
  static constexpr StringLiteral names[] = {"a", "b", "c", "alpha", "beta"};
  for (auto [argument, name] : llvm::zip_equal(entry->getArguments(), names))
    named(argument, name);
  zero = index(0);
  m = named(memref::DimOp::create(b, result, 0), "m");
  n = named(memref::DimOp::create(b, result, 1), "n");
  k = named(memref::DimOp::create(b, lhs, transposeA ? 0 : 1), "k");
  copy =
      memref::AllocaOp::create(b, MemRefType::get({schedule.depth, schedule.panels * kLanes}, b.getF32Type()),
                               b.getI64IntegerAttr(64));
  overwrites = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, beta, real(0));
  if (transposeB && !transposeA) {
    Value few = arith::CmpIOp::create(b, arith::CmpIPredicate::ule, m, index(kFewRows));
    either(
        few, [&] { buildDots(); }, [&] { buildStripes(); });
  } else {
    buildStripes();
  }
  func::ReturnOp::create(b);
  return function;
}

/// Few rows of A: sums along K, over rows of B as they lie in memory, each read once.
void GemmFunction::buildDots() {
  Value last = minus(n, index(1)), whole = roundDown(k, kLanes), mask = maskOf(minus(k, whole));
  loop("j", zero, n, kDots, [&](Value first) {
    Values columns, rows;
    for (int64_t d = 0; d < kDots; ++d) {
      columns.push_back(plus(first, index(d)));
      rows.push_back(least(columns.back(), last)); // past the end: the last one again, not stored
    }
    loop("i", zero, m, 1, [&](Value i) {
      auto dot = [&](Value x, auto &&loadRow, ValueRange sums) {
        return llvm::map_to_vector(llvm::zip_equal(rows, sums), [&](auto pair) {
          return fma(x, loadRow(std::get<0>(pair)), std::get<1>(pair));
        });
      };
      Values sums = loopOf("l", zero, whole, kLanes, Values(kDots, zeros()), [&](Value l, ValueRange sums) {
        return Values(dot(
            load(lhs, {i, l}),
            [&](Value row) {
              return load(rhs, {row, l});
            },
            sums));
      });
      sums = Values(dot(
          load(lhs, {i, whole}, mask),
          [&](Value row) {
            return load(rhs, {row, whole}, mask);
          },
          sums));
      for (auto [column, sum] : llvm::zip_equal(columns, sums)) {
        Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column, n);
        either(inside, [&] { storeScalar(addLanes(sum), {i, column}); });
      }
    });
  });
}

/// C[at] = alpha·sum + beta·C[at]; with beta 0 C is not read.
void GemmFunction::storeScalar(Value sum, ValueRange at) {
  sum = arith::MulFOp::create(b, alpha, sum);
  either(
      overwrites, [&] { memref::StoreOp::create(b, sum, result, at); },
      [&] {
        Value before = memref::LoadOp::create(b, result, at);
        memref::StoreOp::create(b, math::FmaOp::create(b, beta, before, sum), result, at);
      });
}

void GemmFunction::buildStripes() {
  // Stripes of equal width, and depths of equal size.
  Value panels = arith::MaxUIOp::create(b, ceil(n, index(kLanes)), index(1));
  Value width = named(times(ceil(panels, ceil(panels, index(schedule.panels))), index(kLanes)), "width");
  // A depth of nothing is a stripe as well: C is set to zero, or scaled.
  Value end = arith::MaxUIOp::create(b, k, index(1));
  Value depth = named(roundUp(ceil(end, ceil(end, index(schedule.depth))), kLanes), "depth");
  loop("k0", zero, end, depth, [&](Value k0) {
    Value isFirst = equal(k0, zero);
    Value scale = arith::SelectOp::create(b, isFirst, beta, real(1));
    Value isNew = arith::AndIOp::create(b, isFirst, overwrites);
    Value size = least(depth, minus(k, k0));
    loop("n0", zero, n, width, [&](Value n0) {
      Stripe stripe{k0, size, n0, least(width, minus(n, n0)), scale, isNew};
      buildStripe(stripe);
    });
  });
}

void GemmFunction::buildStripe(Stripe &stripe) {
  // Whole panels need no mask; a stripe that ends in part of a panel is rare.
  Value isWhole = equal(arith::RemUIOp::create(b, stripe.width, index(kLanes)), zero);
  if (transposeB) {
    copyTransposed(stripe);
    stripe.memory = copy;
  } else {
    auto choice = scf::IfOp::create(b, matrix, isWhole, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(choice.thenBlock());
    scf::YieldOp::create(b, view(rhs, {stripe.k0, stripe.n0}, {stripe.depth, stripe.width}));
    b.setInsertionPointToEnd(choice.elseBlock());
    copyRows(stripe);
    scf::YieldOp::create(b, memref::CastOp::create(b, matrix, copy)->getResults());
    stripe.memory = choice.getResult(0);
  }
  Value panels = ceil(stripe.width, index(kLanes));
  std::function<void(int64_t)> choose = [&](int64_t count) {
    auto tiles = [&] {
      either(
          isWhole, [&] { buildTiles(stripe, count, Value()); },
          [&] { buildTiles(stripe, count, maskOf(minus(stripe.width, index((count - 1) * kLanes)))); });
    };
    if (count == 1)
      return tiles();
    either(equal(panels, index(count)), tiles, [&] { choose(count - 1); });
  };
  choose(schedule.panels);
}

/// copy[l, j] = B[k0 + l, n0 + j]
void GemmFunction::copyRows(const Stripe &stripe) {
  loop("l", zero, stripe.depth, 1, [&](Value l) {
    loop("j", zero, stripe.width, kLanes, [&](Value j) {
      Value values = load(rhs, {plus(stripe.k0, l), plus(stripe.n0, j)}, maskOf(minus(stripe.width, j)));
      vector::StoreOp::create(b, values, copy, ValueRange{l, j});
    });
  });
}

/// copy[l, j] = B[n0 + j, k0 + l], squares of kLanes by transposition in registers. Rows past the stripe's
/// end repeat the last one, what lies past its depth is zero; neither reaches C.
void GemmFunction::copyTransposed(const Stripe &stripe) {
  auto square = VectorType::get({kLanes, kLanes}, b.getF32Type());
  Value last = minus(stripe.width, index(1)), whole = roundDown(stripe.depth, kLanes);
  loop("j", zero, stripe.width, kLanes, [&](Value j) {
    Values rows;
    for (int64_t i = 0; i < kLanes; ++i)
      rows.push_back(plus(stripe.n0, least(plus(j, index(i)), last)));
    auto move = [&](Value l, Value mask) {
      Value values = arith::ConstantOp::create(b, DenseElementsAttr::get(square, 0.0f));
      for (auto [i, row] : llvm::enumerate(rows)) {
        SmallVector<Value, 2> at = {row, plus(stripe.k0, l)};
        values = vector::InsertOp::create(b, mask ? load(rhs, at, mask) : load(rhs, at), values,
                                          ArrayRef<int64_t>{int64_t(i)});
      }
      values = vector::TransposeOp::create(b, values, ArrayRef<int64_t>{1, 0});
      for (int64_t i = 0; i < kLanes; ++i)
        vector::StoreOp::create(b, vector::ExtractOp::create(b, values, ArrayRef<int64_t>{i}), copy,
                                ValueRange{plus(l, index(i)), j});
    };
    loop("l", zero, whole, kLanes, [&](Value l) { move(l, Value()); });
    Value rest = minus(stripe.depth, whole);
    either(arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, rest, zero),
           [&] { move(whole, maskOf(rest)); });
  });
}

/// All rows of C over a stripe of `panels` panels; `mask` (null: all) is of the last one's columns.
void GemmFunction::buildTiles(const Stripe &stripe, int64_t panels, Value mask) {
  // What is left over goes by half a tile, then row by row.
  SmallVector<int64_t> sizes = {schedule.rows};
  for (int64_t smaller : {schedule.rows / 2, int64_t(1)})
    if (smaller >= 1 && smaller < sizes.back())
      sizes.push_back(smaller);
  Value from = zero;
  for (int64_t rows : sizes) {
    Value to = plus(from, roundDown(minus(m, from), rows));
    loop("m0", from, to, rows, [&](Value m0) { buildTile(stripe, m0, rows, panels, mask); });
    from = to;
  }
}

/// Asks for what the next stripe will read, a little at each step: rows of B are too far apart for the
/// hardware to guess. Over a block of rows the tiles between them go through all of it.
void GemmFunction::prefetchNext(const Stripe &stripe, Value m0, Value l, int64_t p, int64_t panels) {
  Value next = plus(stripe.n0, stripe.width), depth = plus(stripe.k0, l);
  SmallVector<Value, 2> at = {depth, plus(next, index(p * kLanes))};
  if (transposeB) {
    Value tile =
        arith::RemUIOp::create(b, arith::DivUIOp::create(b, m0, index(schedule.rows)), index(kLanes));
    at = {plus(next, plus(times(tile, index(panels)), index(p))), depth};
  }
  prefetch(rhs, at);
}

/// rows x panels of C, summed over the stripe's depth in registers.
void GemmFunction::buildTile(const Stripe &stripe, Value m0, int64_t rows, int64_t panels, Value mask) {
  SmallVector<Value, 2> from = {m0, stripe.k0}, size = {index(rows), stripe.depth};
  if (transposeA) {
    std::swap(from[0], from[1]);
    std::swap(size[0], size[1]);
  }
  Value tile = named(view(lhs, from, size), "tile");
  Values sums =
      loopOf("l", zero, stripe.depth, 1, Values(rows * panels, zeros()), [&](Value l, ValueRange sums) {
        Values columns, next;
        for (int64_t p = 0; p < panels; ++p)
          columns.push_back(named(load(stripe.memory, {l, index(p * kLanes)}), "columns"));
        if (rows == schedule.rows && !mask)
          for (int64_t p = 0; p < panels; ++p)
            prefetchNext(stripe, m0, l, p, panels);
        if (transposeA && rows == schedule.rows) // each step reads another row of A: too far apart as well
          prefetch(tile, {plus(l, index(kAhead)), zero});
        for (int64_t i = 0; i < rows; ++i) {
          Value row = index(i);
          Value x = named(
              memref::LoadOp::create(b, tile, transposeA ? ValueRange{l, row} : ValueRange{row, l}), "x");
          Value spread = vector::BroadcastOp::create(b, panel, x);
          for (int64_t p = 0; p < panels; ++p)
            next.push_back(fma(spread, columns[p], sums[i * panels + p]));
        }
        return next;
      });
  Value factor = vector::BroadcastOp::create(b, panel, alpha);
  for (Value &sum : sums)
    sum = arith::MulFOp::create(b, factor, sum);
  auto store = [&](bool adds) {
    Value scale = adds ? vector::BroadcastOp::create(b, panel, stripe.beta) : Value();
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t p = 0; p < panels; ++p) {
        SmallVector<Value, 2> at = {plus(m0, index(i)), plus(stripe.n0, index(p * kLanes))};
        Value sum = sums[i * panels + p];
        bool isMasked = mask && p + 1 == panels;
        if (adds)
          sum = fma(scale, isMasked ? load(result, at, mask) : load(result, at), sum);
        if (isMasked)
          vector::MaskedStoreOp::create(b, result, at, mask, sum);
        else
          vector::StoreOp::create(b, sum, result, at);
      }
  };
  either(
      stripe.isNew, [&] { store(false); }, [&] { store(true); });
}

namespace {
/// Replaces each product by a call of its function, which is made when it is first needed.
struct LowerGemm : mlir::mlora::impl::LowerGemmBase<LowerGemm> {
  using LowerGemmBase::LowerGemmBase;

  LogicalResult check(const Schedule &schedule) {
    auto error = [&] { return emitError(getOperation().getLoc(), "mlora-lower-gemm: "); };
    if (schedule.rows < 1 || schedule.panels < 1)
      return error() << "a tile of " << schedule.rows << " rows and " << schedule.panels
                     << " panels; both are at least 1";
    if (schedule.depth < kLanes || schedule.depth % kLanes != 0)
      return error() << "depth is " << schedule.depth << ", not a positive multiple of " << kLanes;
    if (int64_t bytes = 4 * schedule.depth * schedule.panels * kLanes; bytes > kMostStripeBytes)
      return error() << "a stripe of depth " << schedule.depth << " and " << schedule.panels
                     << " panels takes " << bytes << " bytes of stack, more than " << kMostStripeBytes;
    return success();
  }

  /// The module's own function of that name, built when it is first asked for.
  static func::FuncOp privateFunction(SymbolTable &symbols, StringRef name, function_ref<func::FuncOp()> build) {
    auto function = symbols.lookup<func::FuncOp>(name);
    if (function && function.isPrivate())
      return function;
    function = build();
    symbols.insert(function);
    return function;
  }

  void runOnOperation() override {
    Schedule schedule = scheduleForHost();
    if (rows != 0)
      schedule.rows = rows;
    if (panels != 0)
      schedule.panels = panels;
    schedule.depth = depth;
    if (failed(check(schedule)))
      return signalPassFailure();
    SymbolTable symbols(getOperation());
    auto checkType = [](GemmOp op) -> WalkResult {
      auto isBF16 = [](Type type) { return isa<MemRefType>(type) && getElementTypeOrSelf(type).isBF16(); };
      return llvm::none_of(op->getOperandTypes(), isBF16)
                 ? WalkResult::advance()
                 : op.emitOpError("has bf16 operands, which are not built for the CPU: use f32");
    };
    if (getOperation().walk(checkType).wasInterrupted())
      return signalPassFailure();
    // A stripe of blocks holds whole blocks, and is a depth of its own.
    auto checkDepth = [&](GemmOp op) -> WalkResult {
      int64_t values = op.getFormat() ? ::mlora::findBlockFormat(std::string_view(*op.getFormat()))->values : 1;
      return schedule.depth % values == 0
                 ? WalkResult::advance()
                 : op.emitOpError("of blocks of ") << values << " values with a depth of " << schedule.depth
                                                   << ": expected a multiple";
    };
    if (getOperation().walk(checkDepth).wasInterrupted())
      return signalPassFailure();
    getOperation().walk([&](GemmOp op) {
      auto product = [&](bool transposeA, bool transposeB) {
        return privateFunction(symbols, GemmFunction::name(transposeA, transposeB), [&] {
          return GemmFunction(getOperation(), schedule, transposeA, transposeB).build();
        });
      };
      func::FuncOp function = product(op.getTransposeA(), op.getTransposeB() && !op.getFormat());
      if (op.getFormat()) {
        const ::mlora::BlockFormat &format = *::mlora::findBlockFormat(std::string_view(*op.getFormat()));
        function = privateFunction(symbols, quantizedGemmName(format), [&, dense = function] {
          return buildQuantizedGemm(dense, format, schedule.depth);
        });
      }
      ImplicitLocOpBuilder b(op.getLoc(), op);
      Values memories = {op.getA(), op.getB(), op.getC()}, arguments;
      for (auto [memory, type] : llvm::zip(memories, function.getArgumentTypes()))
        arguments.push_back(b.createOrFold<memref::CastOp>(type, memory));
      llvm::append_values(arguments, op.getAlpha(), op.getBeta());
      func::CallOp::create(b, function, arguments);
      op.erase();
    });
  }
};
} // namespace
