//===- AttentionCached.cpp - attention over the keys of a cache -----------------------===//
//
// A block is one key head, a warp's rows are some queries with all heads of the group: keys and values are
// read once for them. Queries of a step of generation or evaluation may see the same keys, as in a prompt, or
// each its own, as the next tokens of many texts; a step of one or two texts has few rows at all. Hence two
// ways:
//   together  each warp has its own queries, and takes all keys of a step;
//   apart     all warps have the queries of one, take 16 keys of a step each, and put together in the end
//   what
//             they have summed.
// Blocks are launched for the second. Of as many as there are warps either each works for itself, or the
// first has the queries of all of them.

#include "AttentionSoftmax.h"
#include "CachedKeys.h"

using namespace mlir;
using namespace mlir::mlora;

const AttentionKernel::Shape mlir::mlora::kCachedShape = {"cached", /*rowTiles=*/1, /*columnTiles=*/2,
                                                          /*columnBytes=*/0};

/// Steps of at most so many queries have more blocks than multiprocessors only if they are apart.
static constexpr int64_t kFewQueries = 64;

namespace {
class Cached {
public:
  Cached(AttentionKernel &kernel, AttentionOp op);
  void build();

private:
  /// A row of a tile of 16, or of several, one of each warp.
  struct Row {
    Value query, head, isThere;
  };
  Row rowOf(Value tileRow);
  /// Chunks of `rows` rows of a tile, shared by `threads` threads: body(offset in the tile, offset in global
  /// memory, whether the row is there).
  void eachChunk(const Columns &columns, Value firstRow, int64_t rows, Value thread, int64_t threads,
                 function_ref<void(Value, Value, Value)> body);
  Value decode();
  void chooseQueries(Value position);
  void buildBlock();
  Values walk(ValueRange start, function_ref<void(Value, Value)> copy, function_ref<void()> prepare,
              function_ref<Values(Value, Value, ValueRange)> compute);
  SoftmaxState step(const SoftmaxState &state, Value key, Value keyRows, Value valueRows, int64_t columns);
  SoftmaxState putTogether(const SoftmaxState &state);
  void store(SoftmaxState state);

  AttentionKernel &k;
  ThreadBuilder &b;
  const AttentionSchedule &s;
  AttentionOp op;
  CachedKeys keys;
  int64_t perWarp; ///< queries
  Value warp, keyHead, areTogether;
  Value first, end; ///< queries of the block
  AttentionKernel::RowOperand held;
};
} // namespace

Cached::Cached(AttentionKernel &kernel, AttentionOp op)
    : k(kernel), b(kernel.b), s(kernel.schedule), op(op), keys(kernel, op), perWarp(16 / kernel.group),
      warp(kernel.rowGroup) {}

void Cached::build() {
  Value position = decode();
  chooseQueries(position);
  Value isFirst = b.compare(arith::CmpIPredicate::eq, b.rest(position, s.warps), b.number(0));
  // All threads of a block are in the same case.
  Value hasQueries = b.either(isFirst, b.bitXor(areTogether, arith::ConstantIntOp::create(b, 1, 1)));
  b.when(hasQueries, [&] { buildBlock(); });
}

/// Block number to a key head (the slow one) and a place among the blocks of queries: those behind all others
/// have the most keys, and begin first.
Value Cached::decode() {
  auto grid = k.function->getAttrOfType<ArrayAttr>("mlora.grid");
  StringRef queries = cast<StringAttr>(grid[1]).getValue().split(" by ").first;
  k.function->setAttr("mlora.grid", b.getStrArrayAttr({std::to_string(k.kvHeads) + " by 1",
                                                       (queries + " by " + Twine(perWarp)).str()}));
  Value blocks = b.over(b.plus(k.rows, perWarp - 1), perWarp);
  keyHead = b.over(k.block, blocks);
  return b.minus(b.minus(blocks, 1), b.rest(k.block, blocks));
}

void Cached::chooseQueries(Value position) {
  // The queries of the blocks that may be one, from the first to the last.
  int64_t together = s.warps * perWarp;
  Value from = b.times(b.over(position, s.warps), together);
  Value last = b.minus(b.least(b.plus(from, together), k.rows), 1);
  areTogether =
      b.both(b.less(b.number(kFewQueries), k.rows), keys.areShared(keys.load(last), keys.load(from)));
  first = b.times(position, perWarp);
  Value count = b.choose(areTogether, b.number(together), b.number(perWarp));
  end = b.least(b.plus(first, count), k.rows);
  k.rowGroup = b.choose(areTogether, warp, b.number(0));
}

Cached::Row Cached::rowOf(Value tileRow) {
  Value inWarp = b.bitAnd(tileRow, b.number(15));
  Value query = b.plus(first, b.plus(b.times(b.right(tileRow, 4), perWarp), b.over(inWarp, k.group)));
  Value isThere = b.less(query, end);
  if (16 % k.group != 0)
    isThere = b.both(isThere, b.less(inWarp, b.number(perWarp * k.group)));
  return {query, b.plus(b.times(keyHead, k.group), b.rest(inWarp, k.group)), isThere};
}

void Cached::eachChunk(const Columns &columns, Value firstRow, int64_t rows, Value thread, int64_t threads,
                       function_ref<void(Value, Value, Value)> body) {
  int64_t chunks = k.layout.chunks;
  for (int64_t done = 0; done < rows * chunks; done += threads) {
    Value number = b.plus(thread, done), row = b.over(number, chunks), chunk = b.rest(number, chunks);
    auto visit = [&] {
      Row place = rowOf(b.plus(firstRow, row));
      Value memory = b.atRow(k.headOf(columns, place.head), place.query, columns.stride());
      body(k.tiles->place(row, chunk), b.at(memory, b.left(chunk, 4)), place.isThere);
    };
    if (done + threads <= rows * chunks)
      visit();
    else
      b.when(b.less(number, b.number(rows * chunks)), visit);
  }
}

/// As AttentionKernel::pipeline, of tiles that begin at keys which a query of the block sees.
Values Cached::walk(ValueRange start, function_ref<void(Value, Value)> copy, function_ref<void()> prepare,
                    function_ref<Values(Value, Value, ValueRange)> compute) {
  int64_t bytes = k.stageBytes(s, k.shape, k.width), ahead = s.stages - 1;
  Value stages = b.at(k.shared, k.shape.rowTiles * k.layout.bytes(s.rows));
  auto isKey = [&](Value key) { return b.less(key, b.number(CachedKeys::kNone)); };
  auto behind = [&](Value key) { return keys.next(b.plus(key, s.columns)); };
  Values coming;
  for (int64_t i = 0; i < ahead; ++i) {
    coming.push_back(i == 0 ? keys.next(b.number(0)) : behind(coming.back()));
    b.when(isKey(coming[i]), [&] { copy(coming[i], b.at(stages, i * bytes)); });
    b.commitCopies();
  }
  prepare();

  Values values(start);
  values.push_back(b.number(0));             // where this step's stage is
  values.push_back(b.number(ahead * bytes)); // where the next to be filled is
  llvm::append_range(values, coming);        // first keys of the stages that are filled or on their way
  auto next = [&](Value stage) {
    Value isLast = b.compare(arith::CmpIPredicate::eq, stage, b.number(ahead * bytes));
    return b.choose(isLast, b.number(0), b.plus(stage, bytes));
  };
  SmallVector<Type> types(ValueRange(values).getTypes());
  SmallVector<Location> locations(types.size(), b.getLoc());
  auto loop = scf::WhileOp::create(b, types, values);
  Block *before = b.createBlock(&loop.getBefore(), {}, types, locations);
  scf::ConditionOp::create(b, isKey(before->getArgument(start.size() + 2)), before->getArguments());
  ValueRange now = b.createBlock(&loop.getAfter(), {}, types, locations)->getArguments();
  Value reading = now[start.size()], filling = now[start.size() + 1];
  ValueRange filled = now.drop_front(start.size() + 2);
  Value later = behind(filled.back());
  b.waitForCopies(ahead - 1);
  b.barrier();
  b.when(isKey(later), [&] { copy(later, b.at(stages, filling)); });
  b.commitCopies();
  Values results = compute(filled[0], b.at(stages, reading), now.take_front(start.size()));
  results.push_back(next(reading));
  results.push_back(next(filling));
  llvm::append_range(results, filled.drop_front());
  results.push_back(later);
  scf::YieldOp::create(b, results);
  b.setInsertionPointAfter(loop);
  return Values(ValueRange(loop.getResults()).take_front(start.size()));
}

/// `keyRows`, `valueRows`: `columns` rows in shared memory, from key `key` on.
SoftmaxState Cached::step(const SoftmaxState &before, Value key, Value keyRows, Value valueRows,
                          int64_t columns) {
  SoftmaxState state = before;
  OnlineSoftmax softmax(k, /*rowTiles=*/1, columns);
  AttentionKernel::Sums scores = k.multiplyTransposed(held, k.warpRows(0), keyRows, 0, columns);
  keys.mask(scores, key, columns);
  OnlineSoftmax::Step now = softmax.weigh(state, scores);
  softmax.rescale(state.output, now.factors);
  for (int64_t j = 0; j < columns / 16; ++j)
    k.multiply(state.output, now.weights[0][j], valueRows, 16 * j);
  return state;
}

void Cached::buildBlock() {
  Values own;
  Value tile = b.left(k.rowGroup, 4);
  for (int64_t r : {0, 8})
    own.push_back(rowOf(b.plus(tile, b.plus(k.quadRow, r))).query);
  keys.load(first, end, s.warps * perWarp, own);

  Columns query = k.columnsOf(op.getQuery()), key = k.columnsOf(op.getKey()),
          value = k.columnsOf(op.getValue());
  eachChunk(query, b.number(0), s.rows, k.thread, s.threads(), [&](Value place, Value memory, Value isThere) {
    b.copyAsync(b.at(k.rowTile(0), place), 0, memory, 16, isThere);
  });
  b.commitCopies();
  Value keyMemory = k.headOf(key, keyHead), valueMemory = k.headOf(value, keyHead), keyEnd = keys.end();

  SoftmaxState state = OnlineSoftmax(k, /*rowTiles=*/1, s.columns).begin();
  // Together, a warp may be without queries; apart, with fewer keys a step than warps, without keys.
  Value firstOwn = b.plus(first, b.times(k.rowGroup, perWarp));
  Value takesAll = b.both(areTogether, b.less(firstOwn, end));
  Value isApart = b.bitXor(areTogether, arith::ConstantIntOp::create(b, 1, 1));
  Value takesPart = b.both(isApart, b.less(warp, b.number(s.columns / 16)));
  Value part = b.left(warp, 4);
  Values last = walk(
      state.flatten(),
      [&](Value first, Value stage) {
        for (auto [i, memory, heads] : {std::tuple(0, keyMemory, key), std::tuple(1, valueMemory, value)})
          k.tiles->copyAsync(k.columnTile(stage, i), memory, heads.stride(), first, keyEnd, s.columns);
      },
      [&] {
        if (!s.heldTiles)
          return;
        b.waitForCopies(s.stages - 1);
        b.barrier();
        held = k.holdRows(0);
      },
      [&](Value first, Value stage, ValueRange now) {
        auto take = [&](ValueRange now, Value takes, Value skipped, int64_t columns) {
          return b.when(takes, now, [&] {
            Value from = b.plus(first, skipped);
            return b.when(keys.isSeen(from, columns), now, [&] {
              auto rows = [&](int64_t tile) {
                return b.at(k.columnTile(stage, tile), b.times(skipped, k.layout.stride));
              };
              return step(state.unflatten(now), from, rows(0), rows(1), columns).flatten();
            });
          });
        };
        Values all = take(now, takesAll, b.number(0), s.columns);
        return take(all, takesPart, part, 16);
      });
  last = b.when(isApart, last, [&] { return putTogether(state.unflatten(last)).flatten(); });
  Value isMine = b.either(areTogether, b.compare(arith::CmpIPredicate::eq, warp, b.number(0)));
  b.when(isMine, [&] { store(state.unflatten(last)); });
}

/// What all warps have summed over their keys, for the first; through shared memory, in the order of warps.
SoftmaxState Cached::putTogether(const SoftmaxState &state) {
  auto type = VectorType::get({4}, b.getF32Type());
  int64_t quads = state.output[0].size() + 1; // the last is what scales the others
  assert(s.warps * quads * 512 <= k.sharedBytes(s, k.shape, k.width) && "sums do not fit");
  auto place = [&](Value warp, int64_t quad) {
    Value chunk = b.plus(b.times(b.plus(b.times(warp, quads), quad), 32), k.lane);
    return b.at(k.shared, b.left(chunk, 4));
  };
  auto put = [&](int64_t number, const Quad &quad) {
    Value all = LLVM::UndefOp::create(b, type);
    for (auto [i, value] : llvm::enumerate(quad))
      all = LLVM::InsertElementOp::create(b, all, value, b.number(i));
    b.store(all, place(warp, number));
  };
  auto get = [&](int64_t from, int64_t number) {
    Value all = b.load(type, place(b.number(from), number));
    Quad quad;
    for (auto [i, value] : llvm::enumerate(quad))
      value = LLVM::ExtractElementOp::create(b, all, b.number(i));
    return quad;
  };
  b.barrier(); // the last step has been read
  for (auto [n, quad] : llvm::enumerate(state.output[0]))
    put(n, quad);
  put(quads - 1, {state.top[0], state.top[1], state.total[0], state.total[1]});
  b.barrier();

  Value isFirst = b.compare(arith::CmpIPredicate::eq, warp, b.number(0));
  Values all = b.when(isFirst, state.flatten(), [&] {
    SoftmaxState sum = OnlineSoftmax(k, /*rowTiles=*/1, s.columns).begin();
    SmallVector<Quad> scales;
    for (int64_t w = 0; w < s.warps; ++w) {
      scales.push_back(get(w, quads - 1));
      for (int64_t r : {0, 1})
        sum.top[r] = b.larger(sum.top[r], scales[w][r]);
    }
    Value c = b.real(k.log2Scale());
    SmallVector<Values> factors(s.warps);
    for (int64_t r : {0, 1}) {
      Value shift = b.negate(b.multiply(sum.top[r], c));
      for (int64_t w = 0; w < s.warps; ++w) {
        factors[w].push_back(b.exp2(b.fma(scales[w][r], c, shift)));
        sum.total[r] = b.fma(scales[w][2 + r], factors[w][r], sum.total[r]);
      }
    }
    for (auto [n, quad] : llvm::enumerate(sum.output[0]))
      for (int64_t w = 0; w < s.warps; ++w)
        for (auto [e, value] : llvm::enumerate(get(w, n)))
          quad[e] = b.fma(value, factors[w][e / 2], quad[e]);
    return sum.flatten();
  });
  return state.unflatten(all);
}

void Cached::store(SoftmaxState state) {
  Value tile = b.left(k.rowGroup, 4), lse = k.buffer(op.getLse());
  OnlineSoftmax(k, /*rowTiles=*/1, s.columns).finish(state, [&](int64_t r) -> OnlineSoftmax::Place {
    Row row = rowOf(b.plus(tile, b.plus(k.quadRow, 8 * r)));
    return {row.isThere, b.at(b.atRow(lse, row.query, 4 * k.heads), b.left(row.head, 2))};
  });
  Columns output = k.columnsOf(op.getOutput());
  Value mine = k.warpRows(0);
  b.synchroniseWarp(); // these rows have been read
  k.tiles->store(mine, state.output[0]);
  b.synchroniseWarp();
  eachChunk(output, tile, 16, k.lane, 32, [&](Value place, Value memory, Value isThere) {
    auto type = VectorType::get({4}, b.getI32Type());
    b.when(isThere, [&] { b.store(b.load(type, b.at(mine, place)), memory); });
  });
}

void mlir::mlora::buildAttentionCached(AttentionKernel &k, AttentionOp op) { Cached(k, op).build(); }
