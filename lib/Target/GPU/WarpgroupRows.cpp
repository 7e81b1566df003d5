//===- WarpgroupRows.cpp - rows and skinny products beside them with wgmma ------------===//
//
// A block has 32 rows and goes through their columns once, 64 a step; where sums along the row come first, twice.
// What it reads of rows, and the step's part of Ã or B̃, comes by tensor copies into a stage of the ring; a warpgroup
// computes the elements of the stage in its place, sends them off by tensor stores, and multiplies them from there.
// Products are mᵀ: ranks are their 64 rows, tokens their columns, of which wgmma takes any 8. The two warpgroups take
// steps in turn, so that one computes elements while the other one's product runs, and their sums are added in the end.

#include "WarpgroupRows.h"

#include "../CPU/BlockBuilder.h"
#include "RowElements.h"
#include "RowProducts.h"
#include "WarpgroupBlock.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {
constexpr int64_t kConsumers = 2;
constexpr int64_t kBlockRows = 32;
constexpr int64_t kDepth = 64;    ///< columns of a step
constexpr int64_t kStages = 8;    ///< at most
constexpr int64_t kMostBox = 256; ///< rows
constexpr int64_t kTileBytes = kBlockRows * SwizzledMatrix::kRowBytes;
constexpr int64_t kQuads = kBlockRows / 8; ///< a product of 64 ranks
constexpr int64_t kMostProducts = 9;       ///< of which a thread keeps the sums
constexpr int64_t kSharedBytes = 227 * 1024, kMostMaps = 24;

/// A skinny product in 64 ranks at a time. The last ones begin where they end with the ranks, and those that two have
/// leave once; of fewer than 64, the others are zeros.
struct Product {
  RowProduct op;
  int64_t offset; ///< of its weight's tile in a stage

  int64_t count() const { return llvm::divideCeil(op.ranks, Warpgroup::kRows); }
  int64_t firstRank(int64_t i) const {
    return std::min(Warpgroup::kRows * i, std::max<int64_t>(op.ranks - Warpgroup::kRows, 0));
  }
  /// Of Ã, rows come in equal boxes; of B̃, columns in the widest that leave none out, and whose swizzle is as wide.
  int64_t boxColumns() const {
    int64_t columns = SwizzledMatrix::kColumns;
    while (!op.isDown && op.ranks % columns != 0)
      columns /= 2;
    return columns;
  }
  int64_t boxRows() const {
    if (!op.isDown)
      return kDepth;
    int64_t boxes = llvm::divideCeil(op.ranks, kMostBox);
    while (op.ranks % boxes != 0 || op.ranks / boxes % 8 != 0)
      ++boxes;
    return op.ranks / boxes;
  }
  int64_t boxRanks() const { return op.isDown ? boxRows() : boxColumns(); }
  int64_t boxBytes() const { return boxRows() * boxColumns() * 2; }
  int64_t bytesOf(int64_t ranks) const { return ranks * kDepth * 2; }
  int64_t copiedBytes() const { return bytesOf(op.ranks); }
  int64_t bytes() const { return bytesOf(std::max(op.ranks, Warpgroup::kRows)); }
  /// 64 ranks of the tile at `address`: those of the i-th product.
  SwizzledMatrix part(ThreadBuilder &b, Value address, int64_t i) const {
    return {b.at(address, bytesOf(firstRank(i))), boxBytes(), 2 * boxColumns()};
  }
};

struct Segment {
  RowSegment rows;
  SmallVector<Product> products;
  DenseMap<Value, int64_t> tile; ///< of sources and of results that are stored or multiplied: its number in a stage
  int64_t tiles = 0;
  int64_t sumsFirst = 0, first = 0; ///< step of the block

  int64_t steps() const { return rows.columns / kDepth; }
  int64_t bytes() const { return products.empty() ? tiles * kTileBytes : products.back().offset + products.back().bytes(); }
};

class WarpgroupRows : public KernelFunction, public WarpgroupBlock {
public:
  WarpgroupRows(OpBuilder &kernels, KernelOp kernel, RowKernel rows, std::vector<Segment> segments, int64_t stages);
  void build();

private:
  /// What an op with sums along the row needs of each of a thread's two rows.
  using Factors = DenseMap<Operation *, std::array<Values, 2>>;

  Map mapOf(const Columns &columns, Attribute rows, int64_t boxRows, int64_t boxColumns = SwizzledMatrix::kColumns);
  Columns sourceColumns(Value source);
  Map sourceMap(Value source) { return mapOf(sourceColumns(source), tokens, kBlockRows); }

  void clearPadding();
  void copy(const Segment &segment, bool isForSums);
  void copyWeight(const Product &product, Value column, const Stage &stage);

  /// The steps of a segment that are this warpgroup's, the first of them at the block's step `first`.
  Values loopSteps(int64_t first, int64_t steps, ValueRange start,
                   function_ref<Values(const Stage &, Value, ValueRange)> body);
  SmallVector<Value> weightWords(ArrayRef<Operation *> ops, Value column);
  /// Sources in a stage, as a thread's two times eight elements.
  std::array<RowElements, 2> loadElements(const Segment &segment, ArrayRef<Operation *> ops, const Stage &stage,
                                          ArrayRef<Value> weights);
  Factors sumRows(const Segment &segment);
  SmallVector<Quad> multiply(const Segment &segment, const Factors &factors);
  SmallVector<Value> stored(const Segment &segment);
  Value tileAt(const Segment &segment, Value tensor, const Stage &stage) {
    return b.at(stage.matrix.address, segment.tile.lookup(tensor) * kTileBytes);
  }
  void storeProducts(ArrayRef<Quad> sums);
  void storeRanks(const Product &product, Value staged, int64_t stride);

  RowKernel rowKernel;
  std::vector<Segment> segments;
  Attribute tokens;
  Value firstRow;
  Ring ring;
  Value sums; ///< along rows, in shared memory
  DenseMap<std::tuple<Value, int64_t, int64_t>, Value> maps; ///< of a buffer, and a box
  Value elementRow, elementOffset; ///< of a thread's first eight elements of a tile; the others are 16 rows on
  Value elementColumn;
};
} // namespace

//===- Schedule -------------------------------------------------------------------------===//

/// Ops that come before a segment's last op with sums, and that they need, and these.
static SmallVector<Operation *> opsForSums(const RowSegment &rows) {
  SmallVector<Operation *> ops;
  SmallVector<Value> wanted;
  for (Operation *op : llvm::reverse(rows.ops)) {
    bool isWanted = RowElements::numSums(op) > 0 ||
                    llvm::any_of(op->getResults(), [&](Value value) { return llvm::is_contained(wanted, value); });
    if (!isWanted)
      continue;
    ops.insert(ops.begin(), op);
    llvm::append_range(wanted, op->getOperands());
  }
  return ops;
}

static bool isRead(Value source, ArrayRef<Operation *> ops) {
  return llvm::any_of(ops, [&](Operation *op) { return llvm::is_contained(op->getOperands(), source); });
}

/// Results that are stored or multiplied take the place of sources that are not wanted behind them.
static Segment layOut(const RowKernel &kernel, RowSegment rows) {
  Segment segment;
  auto isKept = [&](Value value) {
    return !kernel.placesOf(value).empty() ||
           llvm::any_of(rows.products, [&](const RowProduct &product) { return product.operand == value; });
  };
  SmallVector<int64_t> free;
  for (Value source : rows.sources) {
    if (!isKept(source))
      free.push_back(segment.tiles);
    segment.tile[source] = segment.tiles++;
  }
  std::reverse(free.begin(), free.end());
  for (Operation *op : rows.ops)
    for (Value result : op->getResults())
      if (isKept(result))
        segment.tile[result] = free.empty() ? segment.tiles++ : free.pop_back_val();
  int64_t offset = segment.tiles * kTileBytes;
  for (const RowProduct &product : rows.products) {
    segment.products.push_back({product, offset});
    offset += segment.products.back().bytes();
  }
  segment.rows = std::move(rows);
  return segment;
}

/// The segments one behind another; none where a stage or the sums are too large.
static std::vector<Segment> schedule(const RowKernel &kernel, int64_t &stages) {
  std::vector<Segment> segments;
  int64_t step = 0, products = 0, bytes = 0, maps = 0;
  for (const RowSegment &rows : kernel.segments) {
    if (rows.columns % kDepth != 0)
      return {};
    Segment segment = layOut(kernel, rows);
    segment.sumsFirst = step;
    segment.first = step + (rows.hasSums() ? segment.steps() : 0);
    step = segment.first + segment.steps();
    bytes = std::max(bytes, segment.bytes());
    for (const Product &product : segment.products)
      products += product.count();
    maps += segment.tiles + rows.products.size();
    segments.push_back(std::move(segment));
  }
  stages = std::min(kStages, (kSharedBytes - 2 * SwizzledMatrix::kAlignment) / bytes);
  bool fits = stages >= 2 && products <= kMostProducts && maps <= kMostMaps;
  return fits ? segments : std::vector<Segment>();
}

WarpgroupRows::WarpgroupRows(OpBuilder &kernels, KernelOp kernel, RowKernel rows, std::vector<Segment> list,
                             int64_t stages)
    : KernelFunction(kernels, kernel, threads(kConsumers)),
      WarpgroupBlock(static_cast<KernelFunction &>(*this), kConsumers), rowKernel(std::move(rows)),
      segments(std::move(list)) {
  tokens = extentOf(segments.front().rows.sources.front(), "rows");
  firstRow = b.times(block, kBlockRows);
  int64_t bytes = 0, products = 0, ranks = 0, numSums = 0;
  SmallVector<std::string> names;
  for (const Segment &segment : segments) {
    bytes = std::max(bytes, segment.bytes());
    int64_t sumsHere = 0;
    for (Operation *op : segment.rows.ops)
      sumsHere += RowElements::numSums(op);
    numSums = std::max(numSums, sumsHere);
    for (const Product &product : segment.products) {
      products += product.count();
      ranks += product.op.ranks;
      std::string name = (Twine(kBlockRows) + "x" + Twine(product.op.ranks) + "x" + Twine(kDepth) + "x" + Twine(stages)).str();
      if (!llvm::is_contained(names, name))
        names.push_back(name);
    }
  }
  if (numSums > 0)
    sums = reserve(kConsumers * numSums * kBlockRows * 4);
  ring = WarpgroupBlock::ring(bytes, kTileBytes, stages, /*fills=*/1, /*releases=*/1);
  // Where the ring was, sums of one warpgroup lie in the end, behind them what leaves.
  int64_t inTheEnd = products * kQuads * Warpgroup::kThreads * 16 + kBlockRows * (2 * ranks + 16);
  if (inTheEnd > stages * bytes)
    reserve(inTheEnd - stages * bytes);
  describe("rows " + Twine(kBlockRows) + ", wgmma " + llvm::join(names, ", "), {"rows by " + std::to_string(kBlockRows)}, /*sharedBytes=*/0);
  Value mine = b.bitAnd(thread, b.number(Warpgroup::kThreads - 1));
  elementRow = b.right(mine, 3);
  Value chunk = b.bitAnd(mine, b.number(7));
  elementColumn = b.left(chunk, 3);
  elementOffset = b.plus(b.times(elementRow, SwizzledMatrix::kRowBytes),
                         b.left(b.bitXor(chunk, b.bitAnd(elementRow, b.number(7))), 4));
}

WarpgroupRows::Map WarpgroupRows::mapOf(const Columns &columns, Attribute rows, int64_t boxRows, int64_t boxColumns) {
  Value &known = maps[{columns.buffer, boxRows, boxColumns}];
  if (!known)
    known = tensorMap(columns, rows, boxRows, boxColumns).pointer;
  return {known, columns.first};
}

Columns WarpgroupRows::sourceColumns(Value source) {
  auto window = source.getDefiningOp<WindowOp>();
  Value argument = window ? Value(window.getInput()) : source;
  return {buffer(argument), cast<RankedTensorType>(argument.getType()).getDimSize(1), window ? window.getAt()[1] : 0};
}

//===- Copies ---------------------------------------------------------------------------===//

void WarpgroupRows::copyWeight(const Product &product, Value column, const Stage &stage) {
  Value weight = product.op.weight;
  auto window = weight.getDefiningOp<WindowOp>();
  Value matrix = window ? Value(window.getInput()) : weight;
  int64_t first = window ? window.getAt()[0] : 0, boxRows = product.boxRows();
  Attribute rows = b.getI64IntegerAttr(cast<RankedTensorType>(matrix.getType()).getDimSize(0));
  Map map = mapOf(sourceColumns(weight), rows, boxRows, product.boxColumns());
  Value to = b.at(stage.matrix.address, product.offset);
  for (int64_t rank = 0; rank < product.op.ranks; rank += product.boxRanks()) {
    Value row = product.op.isDown ? b.number(first + rank) : b.plus(column, first);
    Value at = product.op.isDown ? b.plus(column, map.first) : b.number(map.first + rank);
    engines.load(b.at(to, product.bytesOf(rank)), map.pointer, row, at, stage.full);
  }
}

/// Ranks behind the last are multiplied, too. In front of all copies, which write other bytes or later.
void WarpgroupRows::clearPadding() {
  bool isCleared = false;
  for (const Segment &segment : segments)
    for (const Product &product : segment.products) {
      int64_t chunks = (product.bytes() - product.copiedBytes()) / 16;
      if (chunks == 0)
        continue;
      Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(VectorType::get({4}, b.getI32Type())));
      b.loop(thread, b.number(ring.stages * chunks), threads(kConsumers), {}, [&](Value number, ValueRange) {
        Value at = b.plus(b.times(b.over(number, chunks), ring.bytes), b.left(b.rest(number, chunks), 4));
        b.store(zeros, b.at(b.plus(ring.matrix.address, at), product.offset + product.copiedBytes()));
        return Values();
      });
      isCleared = true;
    }
  if (isCleared)
    engines.publishStores();
}

/// All steps of a segment, of those for sums only what these are of.
void WarpgroupRows::copy(const Segment &segment, bool isForSums) {
  SmallVector<Operation *> ops = opsForSums(segment.rows);
  SmallVector<Value> sources;
  for (Value source : segment.rows.sources)
    if (!isForSums || isRead(source, ops))
      sources.push_back(source);
  int64_t bytes = sources.size() * kTileBytes;
  for (const Product &product : segment.products)
    bytes += isForSums ? 0 : product.copiedBytes();
  int64_t first = isForSums ? segment.sumsFirst : segment.first;
  b.loop(b.number(first), b.number(first + segment.steps()), 1, {}, [&](Value step, ValueRange) {
    Stage stage = at(ring, step);
    waitUntilEmpty(stage);
    engines.arriveExpecting(stage.full, bytes);
    Value column = b.times(b.minus(step, first), kDepth);
    for (Value source : sources) {
      Map map = sourceMap(source);
      engines.load(tileAt(segment, source, stage), map.pointer, firstRow, b.plus(column, map.first), stage.full);
    }
    if (!isForSums)
      for (const Product &product : segment.products)
        copyWeight(product, column, stage);
    return Values();
  });
}

//===- Elements -------------------------------------------------------------------------===//

Values WarpgroupRows::loopSteps(int64_t first, int64_t steps, ValueRange start,
                                function_ref<Values(const Stage &, Value, ValueRange)> body) {
  // Of the block's steps the even ones are the first warpgroup's.
  Value turn = first % 2 == 0 ? consumer : b.bitXor(consumer, b.number(1));
  return b.loop(b.plus(turn, first), b.number(first + steps), kConsumers, start, [&](Value step, ValueRange now) {
    return body(at(ring, step), b.times(b.minus(step, first), kDepth), now);
  });
}

/// A norm's weight.
static Value weightOf(Operation *op) {
  if (auto norm = dyn_cast<RmsNormOp>(op))
    return norm.getWeight();
  auto grad = dyn_cast<RmsNormInputGradOp>(op);
  return grad ? Value(grad.getWeight()) : Value();
}

/// Norms' weights at this thread's columns, asked for before the stage is waited for; one an op, or null.
SmallVector<Value> WarpgroupRows::weightWords(ArrayRef<Operation *> ops, Value column) {
  SmallVector<Value> words;
  for (Operation *op : ops) {
    Value weight = weightOf(op);
    words.push_back(weight ? b.load(VectorType::get({4}, b.getI32Type()),
                                    b.at(buffer(weight), b.left(b.plus(column, elementColumn), 1)))
                           : Value());
  }
  return words;
}

std::array<RowElements, 2> WarpgroupRows::loadElements(const Segment &segment, ArrayRef<Operation *> ops,
                                                       const Stage &stage, ArrayRef<Value> weights) {
  std::array<RowElements, 2> elements = {RowElements(b), RowElements(b)};
  for (auto [half, some] : llvm::enumerate(elements)) {
    for (Value source : segment.rows.sources)
      if (isRead(source, ops)) {
        Value place = b.at(b.plus(tileAt(segment, source, stage), elementOffset), int64_t(half) * kTileBytes / 2);
        some.set(source, b.load(VectorType::get({4}, b.getI32Type()), place));
      }
    for (auto [op, words] : llvm::zip(ops, weights))
      if (words)
        some.set(weightOf(op), words);
  }
  return elements;
}

/// The first way through a row: a thread adds up its columns in order, eight threads of a warp theirs by halves, the
/// warpgroups one behind the other.
WarpgroupRows::Factors WarpgroupRows::sumRows(const Segment &segment) {
  SmallVector<Operation *> ops = opsForSums(segment.rows), summed;
  int64_t count = 0;
  for (Operation *op : ops)
    if (unsigned sums = RowElements::numSums(op)) {
      summed.push_back(op);
      count += sums;
    }
  Values totals = loopSteps(
      segment.sumsFirst, segment.steps(), Values(2 * count, b.real(0)),
      [&](const Stage &stage, Value column, ValueRange now) {
        SmallVector<Value> weights = weightWords(ops, column);
        waitUntilFull(stage);
        std::array<RowElements, 2> elements = loadElements(segment, ops, stage, weights);
        meet();
        release(stage);
        Values results;
        for (RowElements &some : elements)
          for (Operation *op : ops)
            if (unsigned sums = RowElements::numSums(op))
              llvm::append_range(results, some.sumsOf(op, take(now, sums)));
            else
              some.compute(op);
        return results;
      });
  auto place = [&](Value warpgroup, int64_t number, int64_t half) {
    return b.at(sums, b.left(b.plus(b.plus(b.times(warpgroup, count * kBlockRows), number * kBlockRows + half * kBlockRows / 2), elementRow), 2));
  };
  Value isFirst = b.compare(arith::CmpIPredicate::eq, elementColumn, b.number(0));
  for (int64_t half : {0, 1})
    for (int64_t i = 0; i < count; ++i) {
      Value &total = totals[half * count + i];
      for (int64_t distance : {1, 2, 4})
        total = b.add(total, b.shuffle(total, NVVM::ShflKind::bfly, distance));
      b.when(isFirst, [&] { b.store(total, place(consumer, i, half)); });
    }
  meetAll();
  Factors factors;
  for (int64_t half : {0, 1}) {
    int64_t number = 0;
    for (Operation *op : summed) {
      Values both;
      for (unsigned i = 0; i < RowElements::numSums(op); ++i, ++number) {
        Value one = b.load(b.getF32Type(), place(b.number(0), number, half));
        both.push_back(b.add(one, b.load(b.getF32Type(), place(b.number(1), number, half))));
      }
      factors[op][half] = RowElements::factorsOf(b, op, both);
    }
  }
  return factors;
}

//===- Products -------------------------------------------------------------------------===//

/// What leaves as a tile: results, and sources that are copied.
SmallVector<Value> WarpgroupRows::stored(const Segment &segment) {
  SmallVector<Value> values;
  auto add = [&](Value value) {
    if (!rowKernel.placesOf(value).empty())
      values.push_back(value);
  };
  llvm::for_each(segment.rows.sources, add);
  for (Operation *op : segment.rows.ops)
    llvm::for_each(op->getResults(), add);
  return values;
}

SmallVector<Quad> WarpgroupRows::multiply(const Segment &segment, const Factors &factors) {
  SmallVector<Value> leaving = stored(segment);
  ArrayRef<Operation *> ops = segment.rows.ops;
  int64_t count = 0;
  for (const Product &product : segment.products)
    count += product.count();
  Values zeros;
  append(zeros, SmallVector<Quad>(count * kQuads, b.zeros()));
  Values results = loopSteps(
      segment.first, segment.steps(), zeros, [&](const Stage &stage, Value column, ValueRange now) {
        SmallVector<Value> weights = weightWords(ops, column);
        waitUntilFull(stage);
        if (!ops.empty()) {
          std::array<RowElements, 2> elements = loadElements(segment, ops, stage, weights);
          for (auto [half, some] : llvm::enumerate(elements))
            for (Operation *op : ops) {
              auto known = factors.find(op);
              some.compute(op, known == factors.end() ? ValueRange() : ValueRange(known->second[half]));
            }
          for (auto [half, some] : llvm::enumerate(elements))
            for (Operation *op : ops)
              for (Value result : op->getResults())
                if (segment.tile.count(result))
                  b.store(some.wordsOf(result), b.at(b.plus(tileAt(segment, result, stage), elementOffset),
                                                     int64_t(half) * kTileBytes / 2));
          engines.publishStores();
          meet();
        }
        b.when(leads, [&] {
          for (Value value : leaving)
            for (const RowPlace &place : rowKernel.placesOf(value)) {
              Map map = mapOf({buffer(place.result), place.of, place.first}, tokens, kBlockRows);
              engines.store(tileAt(segment, value, stage), map.pointer, firstRow, b.plus(column, place.first));
            }
        });
        Values sums;
        if (!segment.products.empty()) {
          engines.fence();
          SmallVector<Value> running;
          for (const Product &product : segment.products) {
            SwizzledMatrix rows = {tileAt(segment, product.op.operand, stage), kTileBytes};
            Value weight = b.at(stage.matrix.address, product.offset);
            for (int64_t i = 0; i < product.count(); ++i) {
              SmallVector<Quad> before = takeQuads(now, kQuads);
              SwizzledMatrix factor = product.part(b, weight, i);
              running.push_back(product.op.isDown
                                    ? engines.multiplyTransposed(before, factor, rows, kBlockRows, kDepth)
                                    : engines.multiplyColumnsTransposed(before, factor, rows, kBlockRows, kDepth));
            }
          }
          engines.commit();
          engines.waitForProducts(0);
          for (Value product : running)
            append(sums, engines.read(product));
        }
        b.when(leads, [&] {
          if (!leaving.empty())
            engines.waitForStores();
          engines.arrive(stage.empty);
        });
        return sums;
      });
  ValueRange rest = results;
  return takeQuads(rest, count * kQuads);
}

//===- Results --------------------------------------------------------------------------===//

/// m or u of the block's rows, 16 bytes a thread at a time.
void WarpgroupRows::storeRanks(const Product &product, Value staged, int64_t stride) {
  int64_t chunks = product.op.ranks / 8, all = kBlockRows * chunks;
  Value rows = extent(tokens), mine = b.bitAnd(thread, b.number(Warpgroup::kThreads - 1));
  for (int64_t from = 0; from < all; from += Warpgroup::kThreads) {
    Value number = b.plus(mine, from), row = b.over(number, chunks), chunk = b.rest(number, chunks);
    Value isThere = b.both(b.less(b.plus(firstRow, row), rows), b.less(number, b.number(all)));
    b.when(isThere, [&] {
      Value words = b.load(VectorType::get({4}, b.getI32Type()),
                           b.at(staged, b.plus(b.times(row, stride), b.left(chunk, 4))));
      for (const RowPlace &place : rowKernel.placesOf(product.op.output))
        b.store(words, b.at(b.atRow(buffer(place.result), b.plus(firstRow, row), 2 * place.of),
                            b.plus(b.left(chunk, 4), 2 * place.first)));
    });
  }
}

/// The second warpgroup's sums go to the first, which adds them to its own.
void WarpgroupRows::storeProducts(ArrayRef<Quad> mine) {
  auto vector = VectorType::get({4}, b.getF32Type());
  Value ours = b.bitAnd(thread, b.number(Warpgroup::kThreads - 1));
  auto place = [&](int64_t quad) {
    return b.at(b.plus(ring.matrix.address, b.left(ours, 4)), quad * Warpgroup::kThreads * 16);
  };
  meetAll();
  b.when(b.compare(arith::CmpIPredicate::eq, consumer, b.number(1)), [&] {
    for (auto [i, quad] : llvm::enumerate(mine)) {
      Value all = LLVM::UndefOp::create(b, vector);
      for (auto [e, value] : llvm::enumerate(quad))
        all = LLVM::InsertElementOp::create(b, all, value, b.number(e));
      b.store(all, place(i));
    }
  });
  meetAll();
  b.when(b.compare(arith::CmpIPredicate::eq, consumer, b.number(0)), [&] {
    auto total = [&](int64_t i) {
      Value other = b.load(vector, place(i));
      Quad quad = mine[i];
      for (auto [e, value] : llvm::enumerate(quad))
        value = b.add(value, LLVM::ExtractElementOp::create(b, other, b.number(e)));
      return quad;
    };
    // Ranks of a token side by side: eight of them at a time are a matrix that is stored transposed.
    Value firstRank = b.left(b.bitAnd(warp, b.number(3)), 4), part = b.right(lane, 3);
    Value token = b.plus(b.left(b.right(part, 1), 3), b.bitAnd(lane, b.number(7)));
    Value rank = b.plus(firstRank, b.left(b.bitAnd(part, b.number(1)), 3));
    Value next = b.at(ring.matrix.address, int64_t(mine.size()) * Warpgroup::kThreads * 16);
    int64_t quad = 0;
    SmallVector<std::tuple<const Product *, Value, int64_t>> staged;
    for (const Segment &segment : segments)
      for (const Product &product : segment.products) {
        int64_t stride = 2 * product.op.ranks + 16; // an odd number of chunks
        staged.emplace_back(&product, next, stride);
        for (int64_t i = 0; i < product.count(); ++i, quad += kQuads) {
          int64_t first = product.firstRank(i), from = Warpgroup::kRows * i;
          Value isNew = b.both(b.atMost(b.number(from), b.plus(firstRank, first)),
                               b.less(b.plus(firstRank, first), b.number(product.op.ranks)));
          b.when(isNew, [&] {
            for (int64_t n = 0; n < kQuads; n += 2) {
              Quad low = total(quad + n), high = total(quad + n + 1);
              Quad registers = {b.pack(low[0], low[1]), b.pack(low[2], low[3]), b.pack(high[0], high[1]),
                                b.pack(high[2], high[3])};
              Value at = b.plus(b.times(b.plus(token, 8 * n), stride), b.left(b.plus(rank, first), 1));
              b.storeMatrices(b.plus(next, at), 0, registers, /*isTransposed=*/true);
            }
          });
        }
        next = b.at(next, kBlockRows * stride);
      }
    meet();
    for (auto [product, at, stride] : staged)
      storeRanks(*product, at, stride);
  });
}

void WarpgroupRows::build() {
  clearPadding();
  specialise(
      /*copyRegisters=*/56,
      [&] {
        whenCopying([&] {
          for (const Segment &segment : segments) {
            if (segment.rows.hasSums())
              copy(segment, /*isForSums=*/true);
            copy(segment, /*isForSums=*/false);
          }
        });
      },
      [&] {
        SmallVector<Quad> results;
        for (const Segment &segment : segments) {
          Factors factors = segment.rows.hasSums() ? sumRows(segment) : Factors();
          llvm::append_range(results, multiply(segment, factors));
        }
        storeProducts(results);
      });
  WarpgroupBlock::finish();
  KernelFunction::finish();
}

FailureOr<gpu::GPUFuncOp> mlir::mlora::buildWarpgroupRows(KernelOp kernel, OpBuilder &kernels, StringRef chip) {
  if (chip != "sm_90a")
    return failure();
  std::optional<RowKernel> rows = findRowProducts(kernel);
  if (!rows)
    return failure();
  int64_t stages = 0;
  std::vector<Segment> segments = schedule(*rows, stages);
  if (segments.empty())
    return failure();
  WarpgroupRows function(kernels, kernel, std::move(*rows), std::move(segments), stages);
  function.build();
  return function.function;
}
