//===- ProductMma.cpp - a product of blocks on tensor cores ---------------------------===//
//
// mma.sync m16n8k16 of bf16 with f32 sums. A warp has a patch of the tile of C and reads both operands by
// ldmatrix: transposed where K is not what is contiguous.

#include "Product.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {
/// A warp's part of the work.
struct MmaPatch {
  MmaPatch(Product &product, Value lane)
      : product(product), b(product.b),
        tilesA(b, product.copyA.layout, product.thread, lane, product.threads),
        tilesB(b, product.copyB.layout, product.thread, lane, product.threads),
        rowTiles(product.schedule.patchRows() / 16), columnTiles(product.schedule.patchColumns() / 16) {
    const ProductSchedule &schedule = product.schedule;
    // Through a shuffle, so that ptxas sees that branches on it are a warp's.
    Value warp = b.shuffle(b.right(product.thread, 5), NVVM::ShflKind::idx, 0);
    warpRow = b.over(warp, schedule.threadColumns), warpColumn = b.rest(warp, schedule.threadColumns);
    if (32 * schedule.threadRows * schedule.threadColumns < product.threads)
      hasWork = b.less(warp, b.number(schedule.threadRows * schedule.threadColumns));
    quadRow = b.right(lane, 2), quadColumn = b.left(b.bitAnd(lane, b.number(3)), 1);
  }

  /// 16 rows of op(A) and 16 columns, an operand A of mma: rows 0-7 and 8-15 of the left half, then of the
  /// right.
  Quad loadA(Value tile, int64_t i, int64_t k) {
    if (!product.op.getTransposeA()) {
      Value mine = b.at(tile, b.times(warpRow, tilesA.layout.bytes(product.schedule.patchRows())));
      return tilesA.load(mine, 16 * i, k);
    }
    Quad halves = tilesA.load(tile, 16 * k, b.plus(b.times(warpRow, rowTiles), i), /*isTransposed=*/true);
    return {halves[0], halves[2], halves[1], halves[3]};
  }

  /// 16 rows of op(B) and 16 columns, two operands B: halves of K of the left columns, then of the right.
  Quad loadB(Value tile, int64_t j, int64_t k) {
    if (!product.op.getTransposeB())
      return tilesB.load(tile, 16 * k, b.plus(b.times(warpColumn, columnTiles), j), /*isTransposed=*/true);
    Value mine = b.at(tile, b.times(warpColumn, tilesB.layout.bytes(product.schedule.patchColumns())));
    Quad halves = tilesB.load(mine, 16 * j, k);
    return {halves[0], halves[2], halves[1], halves[3]};
  }

  Values compute(Value tileA, Value tileB, ValueRange before) {
    if (hasWork)
      return b.when(hasWork, before, [&] { return multiply(tileA, tileB, before); });
    return multiply(tileA, tileB, before);
  }

  Values multiply(Value tileA, Value tileB, ValueRange before) {
    SmallVector<Quad> sums = takeQuads(before, 2 * rowTiles * columnTiles);
    for (int64_t k = 0; k < product.schedule.depth / 16; ++k) {
      SmallVector<Quad> left;
      for (int64_t i = 0; i < rowTiles; ++i)
        left.push_back(loadA(tileA, i, k));
      for (int64_t j = 0; j < columnTiles; ++j) {
        Quad right = loadB(tileB, j, k);
        for (int64_t i = 0; i < rowTiles; ++i) {
          b.multiplyAdd(sums[2 * (i * columnTiles + j)], left[i], right[0], right[1]);
          b.multiplyAdd(sums[2 * (i * columnTiles + j) + 1], left[i], right[2], right[3]);
        }
      }
    }
    Values after;
    append(after, sums);
    return after;
  }

  void store(Value row, Value column, ValueRange values) {
    auto all = [&] {
      SmallVector<Quad> sums = takeQuads(values, 2 * rowTiles * columnTiles);
      Value cornerRow = b.plus(b.plus(row, b.times(warpRow, product.schedule.patchRows())), quadRow);
      Value cornerColumn =
          b.plus(b.plus(column, b.times(warpColumn, product.schedule.patchColumns())), quadColumn);
      for (int64_t i = 0; i < rowTiles; ++i)
        for (int64_t j = 0; j < 2 * columnTiles; ++j) {
          const Quad &quad = sums[2 * i * columnTiles + j];
          for (int64_t half : {0, 1})
            product.storeSums(b.plus(cornerRow, 16 * i + 8 * half), b.plus(cornerColumn, 8 * j), 2,
                              {quad[2 * half], quad[2 * half + 1]});
        }
    };
    hasWork ? b.when(hasWork, all) : all();
  }

  Product &product;
  ThreadBuilder &b;
  TileAccess tilesA, tilesB;
  int64_t rowTiles, columnTiles; ///< of 16
  Value warpRow, warpColumn, quadRow, quadColumn;
  Value hasWork; ///< null: all warps have
};
} // namespace

void mlir::mlora::buildMmaProduct(ThreadBuilder &b, GemmOp op, const ProductSchedule &schedule, Value shared,
                                  Value thread, int64_t threads) {
  Product product(b, op, schedule, shared, thread, threads);
  MmaPatch patch(product, b.bitAnd(thread, b.number(31)));
  Values start(8 * patch.rowTiles * patch.columnTiles, b.real(0));
  product.build(
      start, [&](Value tileA, Value tileB, ValueRange sums) { return patch.compute(tileA, tileB, sums); },
      [&](Value row, Value column, ValueRange sums) { patch.store(row, column, sums); });
}
