//===- SharedTile.cpp - rows of bf16 in shared memory ---------------------------------===//

#include "SharedTile.h"

using namespace mlir;
using namespace mlir::mlora;

static constexpr int64_t kChunk = 16;

TileLayout::TileLayout(int64_t width) : chunks(width / 8), stride(chunks * kChunk) {
  if (chunks == 2) // four rows in 128 bytes
    mask = 1, shift = 2;
  else if (chunks == 4)
    mask = 3, shift = 1;
  else if (chunks % 8 == 0)
    mask = 7;
  else
    stride = (chunks | 1) * kChunk;
}

int64_t mlir::mlora::tileBytes(int64_t rows, int64_t rowBytes) {
  // Addresses are turned as a whole: a tile begins at a multiple of eight of the longest rows that are turned.
  constexpr int64_t alignment = 1024;
  return llvm::alignTo(TileLayout(rowBytes / 2).bytes(rows), alignment);
}

/// What the chunks of a row are turned by; the same for all rows 8 apart.
static Value turn(ThreadBuilder &b, const TileLayout &layout, Value row) {
  return b.bitAnd(b.right(row, layout.shift), b.number(layout.mask));
}

TileAccess::TileAccess(ThreadBuilder &b, TileLayout layout, Value thread, Value lane, int64_t threads)
    : layout(layout), b(b), thread(thread), lane(lane), threads(threads) {
  // Lanes 0-15 name the rows of the left half, lanes 16-31 those of the right half.
  Value row = b.bitAnd(lane, b.number(15));
  matrixRow = b.times(row, layout.stride);
  matrixTurn = b.left(b.bitXor(b.right(lane, 4), turn(b, layout, row)), 4);
  Value group = b.right(lane, 2);
  sumRow = b.plus(b.times(group, layout.stride), b.left(b.bitAnd(lane, b.number(3)), 2));
  sumTurn = turn(b, layout, group);
}

Value TileAccess::place(Value row, Value chunk) const {
  Value turned = layout.mask ? b.bitXor(chunk, turn(b, layout, row)) : chunk;
  return b.plus(b.times(row, layout.stride), b.left(turned, 4));
}

void TileAccess::copyAsync(Value tile, Value from, int64_t stride, Value first, Value last,
                           int64_t rows) const {
  int64_t total = rows * layout.chunks, step = threads / layout.chunks;
  if (threads % layout.chunks == 0 && (layout.mask == 0 || step % 8 == 0) && total % threads == 0) {
    // A thread stays in its column, and its rows are turned alike: one address, and constants.
    Value row = b.over(thread, layout.chunks), chunk = b.rest(thread, layout.chunks);
    Value source = b.plus(first, row), to = b.at(tile, place(row, chunk));
    Value address = b.at(b.atRow(from, source, stride), b.left(chunk, 4));
    for (int64_t done = 0; done < rows; done += step)
      b.copyAsync(to, done * layout.stride, b.at(address, done * stride), kChunk,
                  b.less(source, b.minus(last, done)));
    return;
  }
  for (int64_t done = 0; done < total; done += threads) {
    Value number = b.plus(thread, done);
    auto copy = [&] {
      Value row = b.over(number, layout.chunks), chunk = b.rest(number, layout.chunks);
      Value source = b.plus(first, row);
      Value address = b.at(b.atRow(from, source, stride), b.left(chunk, 4));
      b.copyAsync(b.at(tile, place(row, chunk)), 0, address, kChunk, b.less(source, last));
    };
    if (done + threads <= total)
      copy();
    else
      b.when(b.less(number, b.number(total)), copy);
  }
}

Value TileAccess::matrixAddress(Value tile, Value column) const {
  Value bytes = b.left(column, 5);
  // Tiles begin at multiples of a row: what turns chunks can be turned with the whole address, one operation
  // a column.
  if (layout.mask && llvm::isPowerOf2_64(layout.stride))
    return b.bitXor(b.at(tile, b.plus(matrixRow, matrixTurn)), bytes);
  Value turned = layout.mask ? b.bitXor(bytes, matrixTurn) : b.plus(bytes, matrixTurn);
  return b.at(tile, b.plus(matrixRow, turned));
}

Quad TileAccess::load(Value tile, int64_t row, Value column, bool isTransposed) const {
  return b.loadMatrices(matrixAddress(tile, column), row * layout.stride, isTransposed);
}

Quad TileAccess::load(Value tile, int64_t row, int64_t column, bool isTransposed) const {
  return load(tile, row, b.number(column), isTransposed);
}

void TileAccess::store(Value tile, int64_t column, const Quad &operand) const {
  b.storeMatrices(matrixAddress(tile, b.number(column)), 0, operand);
}

void TileAccess::store(Value tile, ArrayRef<Quad> sums, Value column) const {
  for (auto [n, quad] : llvm::enumerate(sums)) {
    Value chunk = column ? b.plus(column, n) : b.number(n);
    Value turned = layout.mask ? b.bitXor(chunk, sumTurn) : chunk;
    Value to = b.at(tile, b.plus(sumRow, b.left(turned, 4)));
    b.store(b.pack(quad[0], quad[1]), to);
    b.store(b.pack(quad[2], quad[3]), b.at(to, 8 * layout.stride));
  }
}

void TileAccess::copyOut(Value tile, Value to, int64_t stride, Value first, Value last, int64_t rows) const {
  auto type = VectorType::get({4}, b.getI32Type());
  for (int64_t done = 0; done < rows * layout.chunks; done += 32) {
    Value number = b.plus(lane, done);
    Value row = b.over(number, layout.chunks), chunk = b.rest(number, layout.chunks);
    Value target = b.plus(first, row);
    b.when(b.less(target, last), [&] {
      Value values = b.load(type, b.at(tile, place(row, chunk)));
      b.store(values, b.at(b.atRow(to, target, stride), b.left(chunk, 4)));
    });
  }
}
