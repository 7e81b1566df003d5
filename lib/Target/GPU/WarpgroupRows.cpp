//===- WarpgroupRows.cpp - rows and skinny products beside them with wgmma ------------===//
//
// A block has 32 rows and goes through their columns once, 64 a step; where sums along the row come first,
// twice. What it reads of rows, and the step's part of Ã or B̃, comes by tensor copies into a stage of the
// ring; a warpgroup computes the elements of the stage in its place, sends them off by tensor stores, and
// multiplies them from there. Products are mᵀ: ranks are their 64 rows, tokens their columns, of which wgmma
// takes any 8. The two warpgroups take steps in turn, so that one computes elements while the other one's
// product runs, and their sums are added in the end.

#include "WarpgroupRows.h"

#include "../CPU/BlockBuilder.h"
#include "RowSchedules.h"
#include "WarpgroupBlock.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {
constexpr int64_t kConsumers = RowSteps::kConsumers, kBlockRows = RowSteps::kRows, kDepth = RowSteps::kDepth;
constexpr int64_t kTileBytes = RowSteps::kTileBytes, kQuads = RowSteps::kQuads,
                  kQuadBytes = RowSteps::kQuadBytes;
constexpr int64_t kLateRelease = 4; ///< stages from which on a warpgroup may hold two

using Product = StagedProduct;
using Segment = StagedSegment;

class WarpgroupRows : public KernelFunction, public WarpgroupBlock {
public:
  WarpgroupRows(OpBuilder &kernels, KernelOp kernel, RowKernel rows, RowSchedule schedule);
  void build();

private:
  /// What an op with sums along the row needs of each of a thread's two rows.
  using Factors = DenseMap<Operation *, std::array<Values, 2>>;
  /// A thread's two times eight elements of a tile.
  using Elements = std::array<RowElements, 2>;

  Map mapOf(const Columns &columns, Attribute rows, int64_t boxRows,
            int64_t boxColumns = SwizzledMatrix::kColumns);
  Columns sourceColumns(Value source);
  void clearPadding();
  void copyForSums(const Segment &segment);
  void copy(const Segment &segment);
  void copySource(Value source, Value column, Value to, const Stage &stage);
  void copyWeight(const Product &product, Value column, const Stage &stage);

  /// Steps of the block from `first` on that are this warpgroup's, numbered from there.
  Values loopSteps(int64_t first, int64_t steps, ValueRange start,
                   function_ref<Values(Value, ValueRange)> body);
  Value turnAt(int64_t first) { return first % kConsumers == 0 ? consumer : b.bitXor(consumer, b.number(1)); }
  SmallVector<Value> weightWords(ArrayRef<Operation *> ops, Value column);
  Elements load(ArrayRef<Value> sources, function_ref<Value(Value)> tileOf, ArrayRef<Operation *> ops,
                ArrayRef<Value> weights);
  Value placeOf(Value tile, int64_t half) { return b.at(b.plus(tile, elementOffset), half * kTileBytes / 2); }

  Factors sumRows(const Segment &segment);
  Factors exchangeSums(const Segment &segment, Values totals);

  SmallVector<Quad> multiply(const Segment &segment, const Factors &factors);
  void computeElements(const Segment &segment, const Stage &stage, ArrayRef<Value> weights,
                       const Factors &factors);
  void storeTiles(const Segment &segment, const Stage &stage, Value column);
  Values multiplyStage(const Segment &segment, const Stage &stage, ValueRange before);
  void releaseLast(const Segment &segment);
  SmallVector<Value> stored(const Segment &segment);
  bool releasesLate(const Segment &segment) {
    return ring.stages >= kLateRelease && !stored(segment).empty();
  }
  Value tileAt(const Segment &segment, Value tensor, const Stage &stage) {
    return b.at(stage.matrix.address, segment.tile.lookup(tensor) * kTileBytes);
  }

  Value quadPlace(int64_t quad) {
    return b.at(b.plus(ring.matrix.address, b.left(ofWarpgroup, 4)), quad * kQuadBytes);
  }
  Quad addedUp(ArrayRef<Quad> mine, int64_t quad);
  void giveSums(ArrayRef<Quad> mine);
  void stageRanks(const Product &product, ArrayRef<Quad> mine, int64_t firstQuad, Value to);
  void storeRanks(const Product &product, Value staged);
  void storeProducts(ArrayRef<Quad> mine);

  RowKernel rowKernel;
  RowSchedule schedule;
  StringAttr tokens;
  Value firstRow;
  Ring ring;
  Value sums;                                                ///< along rows, in shared memory
  DenseMap<std::tuple<Value, int64_t, int64_t>, Value> maps; ///< of a buffer, and a box
  Value ofWarpgroup;                                         ///< the thread's number in it
  Value elementRow,
      elementOffset; ///< of a thread's first eight elements of a tile; the others are 16 rows on
  Value elementColumn;
};
} // namespace

WarpgroupRows::WarpgroupRows(OpBuilder &kernels, KernelOp kernel, RowKernel rows, RowSchedule chosen)
    : KernelFunction(kernels, kernel, threads(kConsumers)),
      WarpgroupBlock(static_cast<KernelFunction &>(*this), kConsumers), rowKernel(std::move(rows)),
      schedule(std::move(chosen)) {
  tokens = cast<StringAttr>(extentOf(schedule.segments.front().rows.sources.front(), "rows"));
  firstRow = b.times(block, kBlockRows);
  if (schedule.sumBytes > 0)
    sums = reserve(schedule.sumBytes);
  ring =
      WarpgroupBlock::ring(schedule.stageBytes, kTileBytes, schedule.stages, /*arrivals=*/1, Readers::InTurn);
  // Where the ring was.
  if (int64_t more = schedule.endBytes - schedule.stages * schedule.stageBytes; more > 0)
    reserve(more);
  describe(schedule.name(), {(tokens.getValue() + " by " + Twine(kBlockRows)).str()}, /*sharedBytes=*/0);
  ofWarpgroup = b.bitAnd(thread, b.number(Warpgroup::kThreads - 1));
  elementRow = b.right(ofWarpgroup, 3);
  Value chunk = b.bitAnd(ofWarpgroup, b.number(7));
  elementColumn = b.left(chunk, 3);
  elementOffset = b.plus(b.times(elementRow, SwizzledMatrix::kRowBytes),
                         b.left(b.bitXor(chunk, b.bitAnd(elementRow, b.number(7))), 4));
}

WarpgroupRows::Map WarpgroupRows::mapOf(const Columns &columns, Attribute rows, int64_t boxRows,
                                        int64_t boxColumns) {
  Value &known = maps[{columns.buffer, boxRows, boxColumns}];
  if (!known)
    known = tensorMap(columns, rows, boxRows, boxColumns).pointer;
  return {known, columns.first};
}

Columns WarpgroupRows::sourceColumns(Value source) {
  auto window = source.getDefiningOp<WindowOp>();
  Value argument = window ? Value(window.getInput()) : source;
  return {buffer(argument), cast<RankedTensorType>(argument.getType()).getDimSize(1),
          window ? window.getAt()[1] : 0};
}

//===- Copies ---------------------------------------------------------------------------===//

void WarpgroupRows::copySource(Value source, Value column, Value to, const Stage &stage) {
  Map map = mapOf(sourceColumns(source), tokens, kBlockRows);
  engines.load(to, map.pointer, firstRow, b.plus(column, map.first), stage.full);
}

void WarpgroupRows::copyWeight(const Product &product, Value column, const Stage &stage) {
  Value weight = product.op.weight;
  auto window = weight.getDefiningOp<WindowOp>();
  Value matrix = window ? Value(window.getInput()) : weight;
  int64_t first = window ? window.getAt()[0] : 0;
  Attribute rows = b.getI64IntegerAttr(cast<RankedTensorType>(matrix.getType()).getDimSize(0));
  Map map = mapOf(sourceColumns(weight), rows, product.boxRows(), product.boxColumns());
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
  for (const Segment &segment : schedule.segments)
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

/// Tiles of a step lie one behind another, those of a column together.
void WarpgroupRows::copyForSums(const Segment &segment) {
  int64_t sources = segment.sumSources.size(), first = segment.sumsFirst;
  b.loop(b.number(first), b.number(segment.first), 1, {}, [&](Value step, ValueRange) {
    Stage stage = at(ring, step);
    waitUntilEmpty(stage);
    engines.arriveExpecting(stage.full, segment.sumTiles * sources * kTileBytes);
    Value column = b.times(b.minus(step, first), segment.sumTiles * kDepth);
    for (int64_t tile = 0; tile < segment.sumTiles; ++tile)
      for (auto [i, source] : llvm::enumerate(segment.sumSources))
        copySource(source, b.plus(column, tile * kDepth),
                   b.at(stage.matrix.address, (tile * sources + int64_t(i)) * kTileBytes), stage);
    return Values();
  });
}

void WarpgroupRows::copy(const Segment &segment) {
  int64_t bytes = segment.rows.sources.size() * kTileBytes;
  for (const Product &product : segment.products)
    bytes += product.copiedBytes();
  b.loop(b.number(segment.first), b.number(segment.first + segment.steps()), 1, {},
         [&](Value step, ValueRange) {
           Stage stage = at(ring, step);
           waitUntilEmpty(stage);
           engines.arriveExpecting(stage.full, bytes);
           Value column = b.times(b.minus(step, segment.first), kDepth);
           for (Value source : segment.rows.sources)
             copySource(source, column, tileAt(segment, source, stage), stage);
           for (const Product &product : segment.products)
             copyWeight(product, column, stage);
           return Values();
         });
}

//===- Elements -------------------------------------------------------------------------===//

Values WarpgroupRows::loopSteps(int64_t first, int64_t steps, ValueRange start,
                                function_ref<Values(Value, ValueRange)> body) {
  return b.loop(b.plus(turnAt(first), first), b.number(first + steps), kConsumers, start, body);
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
  return llvm::map_to_vector(ops, [&](Operation *op) {
    Value weight = weightOf(op);
    return weight ? b.load(VectorType::get({4}, b.getI32Type()),
                           b.at(buffer(weight), b.left(b.plus(column, elementColumn), 1)))
                  : Value();
  });
}

WarpgroupRows::Elements WarpgroupRows::load(ArrayRef<Value> sources, function_ref<Value(Value)> tileOf,
                                            ArrayRef<Operation *> ops, ArrayRef<Value> weights) {
  Elements elements = {RowElements(b), RowElements(b)};
  for (auto [half, some] : llvm::enumerate(elements)) {
    for (Value source : sources)
      some.set(source, b.load(VectorType::get({4}, b.getI32Type()), placeOf(tileOf(source), int64_t(half))));
    for (auto [op, words] : llvm::zip(ops, weights))
      if (words)
        some.set(weightOf(op), words);
  }
  return elements;
}

/// The first way through a row: a thread adds up its columns in order.
WarpgroupRows::Factors WarpgroupRows::sumRows(const Segment &segment) {
  int64_t sources = segment.sumSources.size();
  Values totals =
      loopSteps(segment.sumsFirst, segment.sumSteps(), Values(2 * segment.numSums, b.real(0)),
                [&](Value step, ValueRange now) {
                  Stage stage = at(ring, step);
                  Value column = b.times(b.minus(step, segment.sumsFirst), segment.sumTiles * kDepth);
                  SmallVector<SmallVector<Value>> weights;
                  for (int64_t tile = 0; tile < segment.sumTiles; ++tile)
                    weights.push_back(weightWords(segment.sumOps, b.plus(column, tile * kDepth)));
                  waitUntilFull(stage);
                  Values results(now);
                  for (int64_t tile = 0; tile < segment.sumTiles; ++tile) {
                    auto tileOf = [&](Value source) {
                      int64_t number = llvm::find(segment.sumSources, source) - segment.sumSources.begin();
                      return b.at(stage.matrix.address, (tile * sources + number) * kTileBytes);
                    };
                    Elements elements = load(segment.sumSources, tileOf, segment.sumOps, weights[tile]);
                    ValueRange before = results;
                    Values after;
                    for (RowElements &some : elements)
                      for (Operation *op : segment.sumOps)
                        if (unsigned count = RowElements::numSums(op))
                          llvm::append_range(after, some.sumsOf(op, take(before, count)));
                        else
                          some.compute(op);
                    results = after;
                  }
                  engines.publishStores(); // what was read here is written by the async proxy next
                  meet();
                  release(stage);
                  return results;
                });
  return exchangeSums(segment, totals);
}

/// Eight threads of a warp add up theirs by halves, then one warpgroup's and the other's.
WarpgroupRows::Factors WarpgroupRows::exchangeSums(const Segment &segment, Values totals) {
  int64_t count = segment.numSums;
  auto place = [&](Value warpgroup, int64_t number, int64_t half) {
    Value row = b.plus(elementRow, number * kBlockRows + half * kBlockRows / 2);
    return b.at(sums, b.left(b.plus(b.times(warpgroup, count * kBlockRows), row), 2));
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
    for (Operation *op : segment.sumOps) {
      Values both;
      for (unsigned i = 0; i < RowElements::numSums(op); ++i, ++number) {
        Value one = b.load(b.getF32Type(), place(b.number(0), number, half));
        both.push_back(b.add(one, b.load(b.getF32Type(), place(b.number(1), number, half))));
      }
      if (!both.empty())
        factors[op][half] = RowElements::factorsOf(b, op, both);
    }
  }
  return factors;
}

void WarpgroupRows::computeElements(const Segment &segment, const Stage &stage, ArrayRef<Value> weights,
                                    const Factors &factors) {
  ArrayRef<Operation *> ops = segment.rows.ops;
  Elements elements = load(
      segment.rows.readBy(ops), [&](Value source) { return tileAt(segment, source, stage); }, ops, weights);
  for (auto [half, some] : llvm::enumerate(elements))
    for (Operation *op : ops) {
      auto known = factors.find(op);
      some.compute(op, known == factors.end() ? ValueRange() : ValueRange(known->second[half]));
    }
  for (auto [half, some] : llvm::enumerate(elements))
    for (Operation *op : ops)
      for (Value result : op->getResults())
        if (segment.tile.count(result))
          b.store(some.wordsOf(result), placeOf(tileAt(segment, result, stage), int64_t(half)));
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

/// A group of tensor stores, by one thread.
void WarpgroupRows::storeTiles(const Segment &segment, const Stage &stage, Value column) {
  for (Value value : stored(segment))
    for (const RowPlace &place : rowKernel.placesOf(value)) {
      Map map = mapOf({buffer(place.result), place.of, place.first}, tokens, kBlockRows);
      engines.store(tileAt(segment, value, stage), map.pointer, firstRow, b.plus(column, place.first));
    }
  engines.commitStores();
}

Values WarpgroupRows::multiplyStage(const Segment &segment, const Stage &stage, ValueRange before) {
  if (segment.products.empty())
    return {};
  engines.fence();
  SmallVector<Value> running;
  for (const Product &product : segment.products) {
    SwizzledMatrix rows = {tileAt(segment, product.op.operand, stage), kTileBytes};
    Value weight = b.at(stage.matrix.address, product.offset);
    for (int64_t i = 0; i < product.count(); ++i) {
      SmallVector<Quad> now = takeQuads(before, kQuads);
      SwizzledMatrix factor = product.part(b, weight, i);
      running.push_back(product.op.isDown
                            ? engines.multiplyTransposed(now, factor, rows, kBlockRows, kDepth)
                            : engines.multiplyColumnsTransposed(now, factor, rows, kBlockRows, kDepth));
    }
  }
  engines.commit();
  engines.waitForProducts(0);
  Values results;
  for (Value product : running)
    append(results, engines.read(product));
  return results;
}

/// A stage that is stored from is released a step of the warpgroup later: nobody waits for the store to read
/// it.
SmallVector<Quad> WarpgroupRows::multiply(const Segment &segment, const Factors &factors) {
  ArrayRef<Operation *> ops = segment.rows.ops;
  bool stores = !stored(segment).empty(), isLate = releasesLate(segment);
  int64_t quads = 0;
  for (const Product &product : segment.products)
    quads += product.count() * kQuads;
  Values zeros;
  append(zeros, SmallVector<Quad>(quads, b.zeros()));
  Values totals = loopSteps(segment.first, segment.steps(), zeros, [&](Value step, ValueRange now) {
    Stage stage = at(ring, step);
    Value column = b.times(b.minus(step, segment.first), kDepth);
    SmallVector<Value> weights = weightWords(ops, column);
    waitUntilFull(stage);
    if (!ops.empty()) {
      computeElements(segment, stage, weights, factors);
      engines.publishStores();
      meet();
    }
    if (stores)
      b.when(leads, [&] { storeTiles(segment, stage, column); });
    Values results = multiplyStage(segment, stage, now);
    b.when(leads, [&] {
      if (stores)
        engines.waitForGroups(isLate ? 1 : 0);
      if (!isLate)
        return engines.arrive(stage.empty);
      Value before = b.minus(step, kConsumers);
      b.when(b.atMost(b.number(segment.first), before), [&] { engines.arrive(at(ring, before).empty); });
    });
    return results;
  });
  if (isLate)
    releaseLast(segment);
  ValueRange rest = totals;
  return takeQuads(rest, quads);
}

/// The warpgroup's last stage of a segment, if it has any.
void WarpgroupRows::releaseLast(const Segment &segment) {
  int64_t end = segment.first + segment.steps();
  Value last = b.minus(b.number(end - 1), turnAt(end - 1));
  b.when(b.both(leads, b.atMost(b.number(segment.first), last)), [&] {
    engines.waitForGroups(0);
    engines.arrive(at(ring, last).empty);
  });
}

//===- Results --------------------------------------------------------------------------===//

/// The second warpgroup's sums, 16 bytes a thread and quad.
void WarpgroupRows::giveSums(ArrayRef<Quad> mine) {
  for (auto [i, quad] : llvm::enumerate(mine)) {
    Value all = LLVM::UndefOp::create(b, VectorType::get({4}, b.getF32Type()));
    for (auto [e, value] : llvm::enumerate(quad))
      all = LLVM::InsertElementOp::create(b, all, value, b.number(e));
    b.store(all, quadPlace(i));
  }
}

/// A quad of the first warpgroup's sums, with the other's.
Quad WarpgroupRows::addedUp(ArrayRef<Quad> mine, int64_t quad) {
  Value other = b.load(VectorType::get({4}, b.getF32Type()), quadPlace(quad));
  Quad sum = mine[quad];
  for (auto [e, value] : llvm::enumerate(sum))
    value = b.add(value, LLVM::ExtractElementOp::create(b, other, b.number(e)));
  return sum;
}

/// Ranks of a token side by side: eight of them and eight tokens are a matrix that is stored transposed.
void WarpgroupRows::stageRanks(const Product &product, ArrayRef<Quad> mine, int64_t firstQuad, Value to) {
  Value warpRank = b.left(b.bitAnd(warp, b.number(3)), 4), matrix = b.right(lane, 3);
  Value token = b.plus(b.left(b.right(matrix, 1), 3), b.bitAnd(lane, b.number(7)));
  Value rank = b.plus(warpRank, b.left(b.bitAnd(matrix, b.number(1)), 3));
  for (int64_t i = 0; i < product.count(); ++i) {
    int64_t first = product.firstRank(i), quad = firstQuad + i * kQuads;
    Value mineFirst = b.plus(warpRank, first);
    Value isNew = b.both(b.atMost(b.number(Warpgroup::kRows * i), mineFirst),
                         b.less(mineFirst, b.number(product.op.ranks)));
    b.when(isNew, [&] {
      for (int64_t n = 0; n < kQuads; n += 2) {
        Quad low = addedUp(mine, quad + n), high = addedUp(mine, quad + n + 1);
        Quad registers = {b.pack(low[0], low[1]), b.pack(low[2], low[3]), b.pack(high[0], high[1]),
                          b.pack(high[2], high[3])};
        Value at =
            b.plus(b.times(b.plus(token, 8 * n), product.stagedStride()), b.left(b.plus(rank, first), 1));
        b.storeMatrices(b.plus(to, at), 0, registers, /*isTransposed=*/true);
      }
    });
  }
}

/// m or u of the block's rows, 16 bytes a thread at a time.
void WarpgroupRows::storeRanks(const Product &product, Value staged) {
  int64_t chunks = product.op.ranks / 8, all = kBlockRows * chunks;
  Value rows = extent(tokens);
  for (int64_t from = 0; from < all; from += Warpgroup::kThreads) {
    Value number = b.plus(ofWarpgroup, from), row = b.over(number, chunks), chunk = b.rest(number, chunks);
    Value isThere = b.both(b.less(b.plus(firstRow, row), rows), b.less(number, b.number(all)));
    b.when(isThere, [&] {
      Value words = b.load(VectorType::get({4}, b.getI32Type()),
                           b.at(staged, b.plus(b.times(row, product.stagedStride()), b.left(chunk, 4))));
      for (const RowPlace &place : rowKernel.placesOf(product.op.output))
        b.store(words, b.at(b.atRow(buffer(place.result), b.plus(firstRow, row), 2 * place.of),
                            b.plus(b.left(chunk, 4), 2 * place.first)));
    });
  }
}

/// The second warpgroup's sums go to the first, which adds them to its own.
void WarpgroupRows::storeProducts(ArrayRef<Quad> mine) {
  auto whenIn = [&](int64_t warpgroup, function_ref<void()> body) {
    b.when(b.compare(arith::CmpIPredicate::eq, consumer, b.number(warpgroup)), body);
  };
  meetAll();
  whenIn(1, [&] { giveSums(mine); });
  meetAll();
  whenIn(0, [&] {
    Value next = b.at(ring.matrix.address, int64_t(mine.size()) * kQuadBytes);
    int64_t quad = 0;
    SmallVector<std::pair<const Product *, Value>> staged;
    for (const Segment &segment : schedule.segments)
      for (const Product &product : segment.products) {
        staged.emplace_back(&product, next);
        stageRanks(product, mine, quad, next);
        quad += product.count() * kQuads;
        next = b.at(next, kBlockRows * product.stagedStride());
      }
    meet();
    for (auto [product, place] : staged)
      storeRanks(*product, place);
  });
}

void WarpgroupRows::build() {
  clearPadding();
  specialise(
      /*copyRegisters=*/56,
      [&] {
        whenCopying([&] {
          for (const Segment &segment : schedule.segments) {
            if (segment.numSums > 0)
              copyForSums(segment);
            copy(segment);
          }
        });
      },
      [&] {
        SmallVector<Quad> results;
        for (const Segment &segment : schedule.segments) {
          Factors factors = segment.numSums > 0 ? sumRows(segment) : Factors();
          llvm::append_range(results, multiply(segment, factors));
        }
        storeProducts(results);
      });
  WarpgroupBlock::finish();
  KernelFunction::finish();
}

FailureOr<gpu::GPUFuncOp> mlir::mlora::buildWarpgroupRows(KernelOp kernel, OpBuilder &kernels,
                                                          StringRef chip) {
  if (chip != "sm_90a")
    return failure();
  std::optional<RowKernel> rows = findRowProducts(kernel);
  if (!rows)
    return failure();
  std::optional<RowSchedule> schedule = scheduleRows(kernel, *rows);
  if (!schedule)
    return failure();
  WarpgroupRows function(kernels, kernel, std::move(*rows), std::move(*schedule));
  function.build();
  return function.function;
}
