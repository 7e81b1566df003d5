//===- Attention.cpp - what the attention kernels share -------------------------------===//

#include "Attention.h"

#include <cmath>

using namespace mlir;
using namespace mlir::mlora;

/// Stages begin at multiples of the longest row.
static constexpr int64_t kAlignment = 512;

Operation *mlir::mlora::attentionIn(KernelOp kernel) {
  auto isAttention = [](Operation &op) {
    return isa<AttentionOp, AttentionQueryGradOp, AttentionKeyValueGradOp>(op);
  };
  Block &body = kernel.getBody().front();
  auto found = llvm::find_if(body, isAttention);
  return found == body.end() ? nullptr : &*found;
}

AttentionKernel::AttentionKernel(OpBuilder &kernels, KernelOp kernel, Operation *op,
                                 const AttentionSchedule &schedule, const Shape &shape)
    : KernelFunction(kernels, kernel, schedule.threads()), schedule(schedule), shape(shape), layout(16) {
  auto number = [&](StringRef name) { return op->getAttrOfType<IntegerAttr>(name).getInt(); };
  heads = number("heads"), kvHeads = number("kv_heads"), group = heads / kvHeads;
  Value query, key, start;
  if (auto forward = dyn_cast<AttentionOp>(op)) {
    query = forward.getQuery(), key = forward.getKey(), start = forward.getDocumentStart();
  } else if (auto gradient = dyn_cast<AttentionQueryGradOp>(op)) {
    query = gradient.getQuery(), key = gradient.getKey(), start = gradient.getDocumentStart();
  } else {
    auto other = cast<AttentionKeyValueGradOp>(op);
    query = other.getQuery(), key = other.getKey(), start = other.getDocumentStart();
  }
  width = cast<RankedTensorType>(query.getType()).getDimSize(1) / heads;
  layout = TileLayout(width);

  rowsExtent = extentOf(query, "rows"), kvRowsExtent = extentOf(key, "rows");
  rows = extent(rowsExtent), kvRows = extent(kvRowsExtent);
  if (start)
    documents = buffer(start);
  rowGroup = warp;
  if (schedule.columnGroups > 1) {
    rowGroup = b.over(warp, schedule.columnGroups);
    columnGroup = b.rest(warp, schedule.columnGroups);
  }
  tiles.emplace(b, layout, thread, lane, schedule.threads());

  auto dimensions = kernel.getGridDimensions();
  std::string extentName =
      dimensions[1].extent.empty() ? std::to_string(dimensions[1].size) : dimensions[1].extent.str();
  describe("attention.mma " + shape.name + " width " + Twine(width) + " tile " + Twine(schedule.rows) + "x" +
               Twine(schedule.columns) + " stages " + Twine(schedule.stages) + " warps " +
               Twine(schedule.warps),
           {cast<StringAttr>(kernel.getGrid()[0]).getValue().str(),
            (extentName + " by " + Twine(schedule.rows)).str()},
           sharedBytes(schedule, shape, width));
}

double AttentionKernel::scale() const { return 1 / std::sqrt(double(width)); }
double AttentionKernel::log2Scale() const { return scale() * 1.4426950408889634; }

int64_t AttentionKernel::stageBytes(const AttentionSchedule &schedule, const Shape &shape, int64_t width) {
  return llvm::alignTo(shape.columnTiles * TileLayout(width).bytes(schedule.columns) +
                           shape.columnBytes * schedule.columns,
                       kAlignment);
}

int64_t AttentionKernel::sharedBytes(const AttentionSchedule &schedule, const Shape &shape, int64_t width) {
  int64_t rows = shape.rowTiles * TileLayout(width).bytes(schedule.rows);
  int64_t stages = schedule.stages * stageBytes(schedule, shape, width);
  return shape.sharesStages(schedule) ? std::max(rows, stages) : rows + stages;
}

//===- Rows ---------------------------------------------------------------------------===//

Value AttentionKernel::documentStart(Value row) {
  if (!documents)
    return b.number(0);
  Value inside = b.least(row, b.minus(rows, 1));
  return b.load(b.getI32Type(), b.at(documents, b.left(inside, 2)));
}

std::pair<Value, Value> AttentionKernel::decode(Value extent, bool lastFirst) {
  Value blocks = b.over(b.plus(extent, schedule.rows - 1), schedule.rows);
  Value position = b.rest(block, blocks);
  if (lastFirst)
    position = b.minus(b.minus(blocks, 1), position);
  return {b.over(block, blocks), position};
}

AttentionKernel::QueryBlock AttentionKernel::decodeQueries() {
  auto [head, position] = decode(rows, /*lastFirst=*/true);
  Value keyHead = b.over(head, group), first = b.times(position, schedule.rows);
  Value end = b.least(b.plus(first, schedule.rows), rows), keyFirst = documentStart(first);
  Value keys = b.minus(end, keyFirst);
  return {head, keyHead, first, keyFirst, b.over(b.plus(keys, schedule.columns - 1), schedule.columns)};
}

//===- Stages ---------------------------------------------------------------------------===//

Values AttentionKernel::pipeline(Value steps, ValueRange start, function_ref<void(Value, Value)> copy,
                                 function_ref<void()> prepare,
                                 function_ref<Values(Value, Value, ValueRange)> compute) {
  int64_t bytes = stageBytes(schedule, shape, width), ahead = schedule.stages - 1;
  Value first =
      shape.sharesStages(schedule) ? shared : b.at(shared, shape.rowTiles * layout.bytes(schedule.rows));
  for (int64_t i = 0; i < ahead; ++i) {
    b.when(b.less(b.number(i), steps), [&] { copy(b.number(i), b.at(first, i * bytes)); });
    b.commitCopies();
  }
  prepare();

  Values values(start);
  values.push_back(b.number(0));             // where this step's stage is
  values.push_back(b.number(ahead * bytes)); // where the next to be filled is
  auto next = [&](Value stage) {
    Value isLast = b.compare(arith::CmpIPredicate::eq, stage, b.number(ahead * bytes));
    return b.choose(isLast, b.number(0), b.plus(stage, bytes));
  };
  values = b.loop(b.number(0), steps, 1, values, [&](Value step, ValueRange now) {
    // This thread's copies have landed; behind the barrier everybody's have, and nobody reads any more what
    // is filled now.
    b.waitForCopies(ahead - 1);
    b.barrier();
    Value reading = now[start.size()], filling = now[start.size() + 1];
    Value later = b.plus(step, ahead);
    b.when(b.less(later, steps), [&] { copy(later, b.at(first, filling)); });
    b.commitCopies();
    Values results = compute(step, b.at(first, reading), now.take_front(start.size()));
    results.push_back(next(reading));
    results.push_back(next(filling));
    return results;
  });
  values.truncate(start.size());
  return values;
}

//===- Products -------------------------------------------------------------------------===//

AttentionKernel::Sums AttentionKernel::zeroSums(int64_t columns) {
  return Sums(schedule.rowTiles(), SmallVector<Quad>(columns / 8, b.zeros()));
}

AttentionKernel::RowOperand AttentionKernel::holdRows(int64_t tile) {
  RowOperand held;
  Value mine = warpRows(tile);
  for (int64_t i = 0; tile < schedule.heldTiles && i < schedule.rowTiles(); ++i) {
    held.emplace_back();
    for (int64_t k = 0; k < width / 16; ++k)
      held.back().push_back(tiles->load(mine, 16 * i, k));
  }
  return held;
}

AttentionKernel::Sums AttentionKernel::multiplyTransposed(const RowOperand &held, Value warpRows, Value tile,
                                                          int64_t first, int64_t count) {
  Sums sums = zeroSums(count);
  for (int64_t k = 0; k < width / 16; ++k) {
    SmallVector<Quad> left;
    for (int64_t i = 0; i < schedule.rowTiles(); ++i)
      left.push_back(held.empty() ? tiles->load(warpRows, 16 * i, k) : held[i][k]);
    for (int64_t n = 0; n < count / 16; ++n) {
      // A row of the tile is a column of the operand B, whose halves of K are registers 0 and 2, or 1 and 3.
      Quad right = tiles->load(tile, first + 16 * n, k);
      for (int64_t i = 0; i < schedule.rowTiles(); ++i) {
        b.multiplyAdd(sums[i][2 * n], left[i], right[0], right[2]);
        b.multiplyAdd(sums[i][2 * n + 1], left[i], right[1], right[3]);
      }
    }
  }
  return sums;
}

/// The first of this warp's result columns, over 16.
static Value firstColumn(AttentionKernel &k) {
  // The last group begins early enough to have as many columns as the others; what two have is equal.
  int64_t count = k.resultColumns() / 16;
  return k.b.least(k.b.times(k.columnGroup, count), k.b.number(k.width / 16 - count));
}

void AttentionKernel::multiply(Sums &sums, ArrayRef<Quad> weights, Value tile, int64_t first) {
  for (int64_t n = 0; n < resultColumns() / 16; ++n) {
    Quad right = columnGroup ? tiles->load(tile, first, b.plus(firstColumn(*this), n), /*isTransposed=*/true)
                             : tiles->load(tile, first, n, /*isTransposed=*/true);
    for (auto [i, weight] : llvm::enumerate(weights)) {
      b.multiplyAdd(sums[i][2 * n], weight, right[0], right[1]);
      b.multiplyAdd(sums[i][2 * n + 1], weight, right[2], right[3]);
    }
  }
}

Quad AttentionKernel::toOperand(const Quad &left, const Quad &right) {
  return {b.pack(left[0], left[1]), b.pack(left[2], left[3]), b.pack(right[0], right[1]),
          b.pack(right[2], right[3])};
}

//===- Results --------------------------------------------------------------------------===//

void AttentionKernel::turnBack(Sums &sums, Value result, Value first, Value last) {
  auto rope = nextOf<RopeOp>(result);
  if (!rope)
    return;
  // [a | z] becomes [a∘c + z∘s | z∘c - a∘s]; both of a pair are this lane's.
  Value table = buffer(rope.getTable());
  auto pair = VectorType::get({2}, b.getF32Type());
  size_t half = width / 16;
  for (auto [i, quads] : llvm::enumerate(sums))
    for (int64_t low : {0, 2}) { // of a quad: row 8 · low / 2
      Value row = b.least(b.plus(first, b.plus(quadRow, 16 * i + 4 * low)), b.minus(last, 1));
      Value angles = b.at(b.atRow(table, row, 4 * width), b.left(quadColumn, 2));
      for (size_t n = 0; n < half; ++n) {
        Value cosines = b.load(pair, b.at(angles, 32 * n));
        Value sines = b.load(pair, b.at(angles, 2 * width + 32 * n));
        for (int64_t e : {0, 1}) {
          Value c = LLVM::ExtractElementOp::create(b, cosines, b.number(e));
          Value s = LLVM::ExtractElementOp::create(b, sines, b.number(e));
          Value &a = quads[n][low + e], &z = quads[n + half][low + e];
          Value turned = b.fma(a, c, b.multiply(z, s));
          z = b.fma(z, c, b.negate(b.multiply(a, s)));
          a = turned;
        }
      }
    }
}

void AttentionKernel::storeRows(Sums sums, int64_t staging, Value result, Value head, Value first,
                                Value last) {
  turnBack(sums, result, first, last);
  Columns columns = columnsOf(result);
  Value out = headOf(columns, head);
  Value mine = warpRows(staging);
  auto meet = [&] { columnGroup ? b.barrier() : b.synchroniseWarp(); };
  meet(); // these rows have been read
  for (auto [i, row] : llvm::enumerate(sums)) {
    Value to = b.at(mine, layout.bytes(16 * i));
    if (!columnGroup) {
      tiles->store(to, row);
      continue;
    }
    for (int64_t n = 0; n < resultColumns() / 16; ++n) {
      Value column = b.plus(firstColumn(*this), n);
      Value isFirst = b.atMost(b.times(columnGroup, resultColumns() / 16), column);
      b.when(isFirst, [&] { tiles->store(to, ArrayRef<Quad>(row).slice(2 * n, 2), b.left(column, 1)); });
    }
  }
  meet();
  auto copy = [&] { tiles->copyOut(mine, out, columns.stride(), first, last, schedule.rowsOfWarp()); };
  if (columnGroup)
    b.when(b.compare(arith::CmpIPredicate::eq, columnGroup, b.number(0)), copy);
  else
    copy();
}
