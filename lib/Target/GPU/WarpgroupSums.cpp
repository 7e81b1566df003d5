//===- WarpgroupSums.cpp - sums over tokens with wgmma --------------------------------===//
//
// aᵀ·b over all tokens. Both operands lie as [tokens, columns] and come so into shared memory: their columns are
// the dimension that wgmma takes as contiguous ("MN-major"), so that nothing is turned. Of the result's two
// dimensions the wide one is the rows of the products, 64 a warpgroup at a time, the narrow one their columns:
// a block reads its part of the wide operand once for all ranks.

#include "WarpgroupSums.h"

#include "../CPU/BlockBuilder.h"
#include "WarpgroupBlock.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {
constexpr int64_t kConsumers = 2, kStages = 4;
constexpr int64_t kDepth = 64;         ///< tokens of a step
constexpr int64_t kMostColumns = 256;  ///< of a product
constexpr int64_t kHalfColumns = 128;  ///< up to which a thread has registers for two products' sums
constexpr int64_t kEnoughBlocks = 264; ///< two for each multiprocessor of an H200
constexpr int64_t kParameterBytes = 4096;
constexpr int64_t kMapBytes = 128;

/// A block's part of a result: `rows` of its wide dimension, `columns` of its narrow one.
struct Tile {
  int64_t rows, columns;

  bool operator==(const Tile &other) const { return rows == other.rows && columns == other.columns; }
  int64_t products() const { return rows / (Warpgroup::kRows * kConsumers); } ///< of a warpgroup, in a step's depth
  int64_t rowBoxes() const { return rows / SwizzledMatrix::kColumns; }
  int64_t columnBoxes() const { return columns / SwizzledMatrix::kColumns; }
  int64_t stageBytes() const { return (rowBoxes() + columnBoxes()) * kDepth * SwizzledMatrix::kRowBytes; }
};

/// One `token_outer`.
struct Sum {
  TokenOuterOp op;
  bool isWideLeft;      ///< the result's rows are the wide dimension
  int64_t wide, narrow; ///< columns of the operands that are summed
  Tile tile = {};
  int64_t parts = 1; ///< tiles of the narrow dimension
  int64_t first = 0; ///< block

  int64_t blocks() const { return parts * llvm::divideCeil(wide, tile.rows); }
};

class WarpgroupSums : public KernelFunction, public WarpgroupBlock {
public:
  WarpgroupSums(OpBuilder &kernels, KernelOp kernel, SmallVector<Sum> sums);
  void build();

private:
  /// A sum's two operands, of which a block takes boxes.
  struct Operands {
    Map wide, narrow;
  };
  using Products = SmallVector<SmallVector<Quad>>; ///< of a warpgroup: 64 rows each

  Operands operandsOf(const Sum &sum);
  void copy(const Sum &sum, const Operands &operands);
  Products accumulate(const Tile &tile);
  void store(const Sum &sum, const Products &products);
  /// Neighbours of a result's narrow dimension lie side by side, two at a multiple of 8 bytes.
  bool storesPairs(const Sum &sum) const { return sum.isWideLeft && sum.narrow % 2 == 0; }
  Value addressOf(const Sum &sum, Value row, Value column);
  Value isThere(const Sum &sum, Value row, Value column);
  Values loadPair(const Sum &sum, Value row, Value column);
  void storePair(const Sum &sum, Value row, Value column, ValueRange pair);
  Value isIn(int64_t first, int64_t blocks) {
    return b.both(b.atMost(b.number(first), block), b.less(block, b.number(first + blocks)));
  }
  /// This block's first row and column of a sum's result.
  std::pair<Value, Value> cornerOf(const Sum &sum) {
    Value number = b.minus(block, sum.first);
    return {b.times(b.over(number, sum.parts), sum.tile.rows),
            b.times(b.rest(number, sum.parts), sum.tile.columns)};
  }

  SmallVector<Sum> sums; ///< those with equal tiles one behind another
  Attribute tokens;
  Value steps;
  Ring ring;
  DenseMap<Value, Value> mapOf; ///< of a buffer
};
} // namespace

//===- Tiles ----------------------------------------------------------------------------===//

/// Narrow dimensions of up to 128 go beside 256 rows, where that leaves blocks for all multiprocessors; others,
/// in equal parts of up to 256, beside 128.
static void cut(SmallVector<Sum> &sums) {
  auto cutInto = [&](int64_t rowsBesideFew) {
    int64_t blocks = 0;
    for (Sum &sum : sums) {
      sum.parts = llvm::divideCeil(sum.narrow, kMostColumns);
      // Whole boxes, which are copied anyway: wgmma would take any multiple of 8, of which nobody is known to use
      // those that end inside a swizzled tile.
      int64_t columns =
          llvm::alignTo(llvm::divideCeil(sum.narrow, sum.parts), SwizzledMatrix::kColumns);
      sum.tile = {columns <= kHalfColumns ? rowsBesideFew : 128, columns};
      blocks += sum.blocks();
    }
    return blocks;
  };
  if (cutInto(256) < kEnoughBlocks)
    cutInto(128);
  // The longest begin first.
  llvm::stable_sort(sums, [](const Sum &a, const Sum &c) {
    return std::pair(a.tile.rows * a.tile.columns, a.tile.rows) > std::pair(c.tile.rows * c.tile.columns, c.tile.rows);
  });
  int64_t next = 0;
  for (Sum &sum : sums) {
    sum.first = next;
    next += sum.blocks();
  }
}

/// The sums of a kernel that has nothing else; none where one does not fit.
static SmallVector<Sum> sumsIn(KernelOp kernel) {
  SmallVector<Sum> sums;
  std::optional<Attribute> rows; // of all operands: a kernel counts its steps once
  auto isOperand = [&](Value value) {
    auto window = value.getDefiningOp<WindowOp>();
    auto buffer = dyn_cast<BlockArgument>(window ? Value(window.getInput()) : value);
    if (!buffer || (window && window.getAt()[0] != 0))
      return false;
    if (!rows)
      rows = rowsExtentOf(kernel, buffer);
    auto type = cast<RankedTensorType>(buffer.getType());
    // What cuTensorMapEncodeTiled takes: rows are a multiple of 16 bytes apart.
    return rowsExtentOf(kernel, buffer) == *rows && type.getElementType().isBF16() && type.getDimSize(1) % 8 == 0 &&
           cast<RankedTensorType>(value.getType()).getDimSize(0) == type.getDimSize(0);
  };
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (isa<WindowOp>(op))
      continue;
    auto sum = dyn_cast<TokenOuterOp>(op);
    if (!sum || !isOperand(sum.getLhs()) || !isOperand(sum.getRhs()) ||
        !sum.getOutput().getType().getElementType().isF32() || !sum.getOutput().hasOneUse())
      return {};
    ArrayRef<int64_t> shape = sum.getOutput().getType().getShape();
    bool isWideLeft = shape[0] >= shape[1];
    sums.push_back({sum, isWideLeft, shape[isWideLeft ? 0 : 1], shape[isWideLeft ? 1 : 0]});
  }
  return sums;
}

//===- Kernel ---------------------------------------------------------------------------===//

WarpgroupSums::WarpgroupSums(OpBuilder &kernels, KernelOp kernel, SmallVector<Sum> list)
    : KernelFunction(kernels, kernel, threads(kConsumers)),
      WarpgroupBlock(static_cast<KernelFunction &>(*this), kConsumers), sums(std::move(list)) {
  tokens = extentOf(sums.front().op.getLhs(), "rows");
  steps = b.over(b.plus(extent(tokens), kDepth - 1), kDepth);
  int64_t stageBytes = 0;
  SmallVector<std::string> names;
  for (const Sum &sum : sums) {
    stageBytes = std::max(stageBytes, sum.tile.stageBytes());
    std::string name = (Twine(sum.tile.rows) + "x" + Twine(sum.tile.columns) + "x" + Twine(kDepth) + "x" +
                        Twine(kStages))
                           .str();
    if (!llvm::is_contained(names, name))
      names.push_back(name);
  }
  ring = WarpgroupBlock::ring(stageBytes, kDepth * SwizzledMatrix::kRowBytes, kStages);
  int64_t blocks = sums.back().first + sums.back().blocks();
  describe("sums.wgmma " + llvm::join(names, ", "), {std::to_string(blocks) + " by 1"}, /*sharedBytes=*/0);
}

WarpgroupSums::Operands WarpgroupSums::operandsOf(const Sum &sum) {
  auto map = [&](Value operand, int64_t first) {
    Columns columns = columnsOf(operand);
    Value &known = mapOf[columns.buffer];
    if (!known)
      known = tensorMap(columns, tokens, kDepth).pointer;
    return Map{known, columns.first + first};
  };
  TokenOuterOp op = sum.op;
  Map left = map(op.getLhs(), 0), right = map(op.getRhs(), op.getFirst());
  return sum.isWideLeft ? Operands{left, right} : Operands{right, left};
}

/// All steps of a block: boxes of the wide operand, behind them those of the narrow one.
void WarpgroupSums::copy(const Sum &sum, const Operands &operands) {
  auto [row, column] = cornerOf(sum);
  b.loop(b.number(0), steps, 1, {}, [&](Value step, ValueRange) {
    Stage stage = at(ring, step);
    waitUntilEmpty(stage);
    engines.arriveExpecting(stage.full, sum.tile.stageBytes());
    Value token = b.times(step, kDepth), to = stage.matrix.address;
    auto load = [&](const Map &map, Value first, int64_t boxes) {
      for (int64_t i = 0; i < boxes; ++i) {
        engines.load(to, map.pointer, token, b.plus(first, map.first + i * SwizzledMatrix::kColumns), stage.full);
        to = b.at(to, stage.matrix.tileBytes);
      }
    };
    load(operands.wide, row, sum.tile.rowBoxes());
    load(operands.narrow, column, sum.tile.columnBoxes());
    return Values();
  });
}

WarpgroupSums::Products WarpgroupSums::accumulate(const Tile &tile) {
  int64_t quads = tile.columns / 8;
  auto unflatten = [&](ValueRange list) {
    Products products;
    for (int64_t i = 0; i < tile.products(); ++i)
      products.push_back(takeQuads(list, quads));
    return products;
  };
  Values zeros;
  append(zeros, SmallVector<Quad>(tile.products() * quads, b.zeros()));
  Values total = b.loop(b.number(0), steps, 1, zeros, [&](Value step, ValueRange now) {
    Stage stage = at(ring, step);
    int64_t tileBytes = stage.matrix.tileBytes;
    // A box is the 64 rows of a product.
    Value mine = b.at(stage.matrix.address, b.times(consumer, tile.products() * tileBytes));
    SwizzledMatrix narrow = {b.at(stage.matrix.address, tile.rowBoxes() * tileBytes), tileBytes};
    waitUntilFull(stage);
    engines.fence();
    Values running;
    for (auto [i, before] : llvm::enumerate(unflatten(now)))
      running.push_back(engines.multiplyColumns(before, {b.at(mine, int64_t(i) * tileBytes), tileBytes}, narrow,
                                                tile.columns, kDepth));
    engines.commit();
    engines.waitForProducts(0);
    Values results;
    for (Value product : running)
      append(results, engines.read(product));
    release(stage);
    return results;
  });
  return unflatten(total);
}

//===- Results --------------------------------------------------------------------------===//

/// `row` of the result's wide dimension, `column` of its narrow one.
Value WarpgroupSums::addressOf(const Sum &sum, Value row, Value column) {
  Value result = buffer(TokenOuterOp(sum.op).getOutput());
  return sum.isWideLeft ? b.at(b.atRow(result, row, 4 * sum.narrow), b.left(column, 2))
                        : b.at(b.atRow(result, column, 4 * sum.wide), b.left(row, 2));
}

Value WarpgroupSums::isThere(const Sum &sum, Value row, Value column) {
  return b.both(b.less(row, b.number(sum.wide)), b.less(column, b.number(sum.narrow)));
}

/// What lies at `column` and the next; zeros where that is outside.
Values WarpgroupSums::loadPair(const Sum &sum, Value row, Value column) {
  Value zero = b.real(0);
  if (storesPairs(sum))
    return b.when(isThere(sum, row, column), {zero, zero}, [&]() -> Values {
      Value pair = b.load(VectorType::get({2}, b.getF32Type()), addressOf(sum, row, column));
      return {LLVM::ExtractElementOp::create(b, pair, b.number(0)),
              LLVM::ExtractElementOp::create(b, pair, b.number(1))};
    });
  Values values;
  for (int64_t i : {0, 1}) {
    Value place = b.plus(column, i);
    llvm::append_range(values, b.when(isThere(sum, row, place), {zero}, [&]() -> Values {
      return {b.load(b.getF32Type(), addressOf(sum, row, place))};
    }));
  }
  return values;
}

void WarpgroupSums::storePair(const Sum &sum, Value row, Value column, ValueRange pair) {
  if (storesPairs(sum)) {
    b.when(isThere(sum, row, column), [&] {
      Value both = LLVM::UndefOp::create(b, VectorType::get({2}, b.getF32Type()));
      for (auto [i, value] : llvm::enumerate(pair))
        both = LLVM::InsertElementOp::create(b, both, value, b.number(i));
      b.store(both, addressOf(sum, row, column));
    });
    return;
  }
  // Of eight lanes, eight neighbours of a row: 32 bytes.
  for (auto [i, value] : llvm::enumerate(pair)) {
    Value place = b.plus(column, int64_t(i));
    b.when(isThere(sum, row, place), [&, value = value] { b.store(value, addressOf(sum, row, place)); });
  }
}

void WarpgroupSums::store(const Sum &sum, const Products &products) {
  auto [row, column] = cornerOf(sum);
  // Of a warpgroup's product each warp has 16 rows.
  Value mine = b.plus(b.times(consumer, sum.tile.products() * Warpgroup::kRows),
                      b.plus(b.left(b.bitAnd(warp, b.number(3)), 4), quadRow));
  Value first = b.plus(row, mine), left = b.plus(column, quadColumn);
  int64_t quads = (sum.parts == 1 ? llvm::alignTo(sum.narrow, 8) : sum.tile.columns) / 8;
  // What lies there is asked for before the first store, behind which no load could go; of columns that are rows of the
  // result, each with an address of its own, fewer.
  const int64_t together = storesPairs(sum) ? 16 : 4;
  auto storeAll = [&](bool isAdded) {
    for (auto [i, product] : llvm::enumerate(products))
      for (int64_t half : {0, 1})
        for (int64_t from = 0; from < quads; from += together) {
          Value at = b.plus(first, int64_t(i) * Warpgroup::kRows + 8 * half);
          int64_t to = std::min(from + together, quads);
          SmallVector<Values> before;
          for (int64_t n = from; isAdded && n < to; ++n)
            before.push_back(loadPair(sum, at, b.plus(left, 8 * n)));
          for (int64_t n = from; n < to; ++n) {
            Values pair = {product[n][2 * half], product[n][2 * half + 1]};
            for (int64_t e = 0; isAdded && e < 2; ++e)
              pair[e] = b.add(pair[e], before[n - from][e]);
            storePair(sum, at, b.plus(left, 8 * n), pair);
          }
        }
  };
  if (kernel->hasAttr("mlora.accumulate"))
    return storeAll(true);
  // Without a micro-step before, whatever lies there, NaN too, is gone.
  Value accumulates = scalar(kAccumulate);
  b.when(b.compare(arith::CmpIPredicate::ne, accumulates, b.number(0)), [&] { storeAll(true); });
  b.when(b.compare(arith::CmpIPredicate::eq, accumulates, b.number(0)), [&] { storeAll(false); });
}

void WarpgroupSums::build() {
  SmallVector<Operands> operands = llvm::map_to_vector(sums, [&](const Sum &sum) { return operandsOf(sum); });
  specialise(
      /*copyRegisters=*/40,
      [&] {
        whenCopying([&] {
          for (auto [sum, operand] : llvm::zip(sums, operands))
            b.when(isIn(sum.first, sum.blocks()), [&] { copy(sum, operand); });
        });
      },
      [&] {
        for (auto *begin = sums.begin(); begin != sums.end();) {
          auto *end = std::find_if(begin, sums.end(), [&](const Sum &sum) { return !(sum.tile == begin->tile); });
          int64_t blocks = (end - 1)->first + (end - 1)->blocks() - begin->first;
          b.when(isIn(begin->first, blocks), [&] {
            Products products = accumulate(begin->tile);
            for (auto *sum = begin; sum != end; ++sum)
              b.when(isIn(sum->first, sum->blocks()), [&] { store(*sum, products); });
          });
          begin = end;
        }
      });
  WarpgroupBlock::finish();
  KernelFunction::finish();
}

FailureOr<gpu::GPUFuncOp> mlir::mlora::buildWarpgroupSums(KernelOp kernel, OpBuilder &kernels, StringRef chip) {
  if (chip != "sm_90a" || kernel->hasAttr("library"))
    return failure();
  SmallVector<Sum> sums = sumsIn(kernel);
  if (sums.empty())
    return failure();
  int64_t buffers = kernel.getArgumentTypes().size() + kernel.getResultTypes().size();
  if (llvm::alignTo(8 * (buffers + 2), kMapBytes) + kMapBytes * kernel.getArgumentTypes().size() > kParameterBytes)
    return failure();
  cut(sums);
  WarpgroupSums function(kernels, kernel, sums);
  function.build();
  return function.function;
}
