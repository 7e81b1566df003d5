//===- TileCopy.cpp - rectangles of matrices to shared memory -------------------------===//

#include "TileCopy.h"

#include "MemoryFacts.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::mlora;

Value mlir::mlora::addressOf(ThreadBuilder &b, Value memory) {
  auto view = memref::ExtractStridedMetadataOp::create(b, memory);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, view.getBaseBuffer());
  Value bytes = b.createOrFold<arith::MulIOp>(view.getOffset(),
                                              arith::ConstantIndexOp::create(b, elementBytesOf(memory)));
  Value address = b.createOrFold<arith::AddIOp>(base, bytes);
  if (isShared(memory))
    return arith::IndexCastOp::create(b, b.getI32Type(), address);
  Value number = arith::IndexCastOp::create(b, b.getI64Type(), address);
  Value pointer = LLVM::IntToPtrOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), number);
  return LLVM::AddrSpaceCastOp::create(b, LLVM::LLVMPointerType::get(b.getContext(), 1), pointer);
}

Value mlir::mlora::extentOf(ThreadBuilder &b, Value memory, int64_t dim) {
  Value size = b.createOrFold<memref::DimOp>(memory, dim);
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return b.number(*constant);
  return arith::IndexCastOp::create(b, b.getI32Type(), size);
}

TileCopy::TileCopy(ThreadBuilder &b, Value memory, Type element, int64_t tileRows, int64_t tileColumns,
                   Value thread, int64_t threads)
    : layout(tileColumns * element.getIntOrFloatBitWidth() / 16), b(b), element(element),
      sourceElement(cast<MemRefType>(memory.getType()).getElementType()), tileRows(tileRows),
      tileColumns(tileColumns), thread(thread), threads(threads), origin(addressOf(b, memory)),
      sourceBytes(elementBytesOf(memory)), rows(extentOf(b, memory, 0)), columns(extentOf(b, memory, 1)),
      rowsKnown(divisorOfDim(memory, 0)), columnsKnown(divisorOfDim(memory, 1)) {
  strideBytes = *rowStrideOf(memory) * sourceBytes;
  int64_t alignment = rowAlignmentOf(memory);
  isAsync = !isShared(memory) && sourceElement == element && alignment == kChunkBytes;
  // A piece is inside or outside as a whole.
  piece = alignment / sourceBytes;
  while (columnsKnown % piece != 0)
    piece /= 2;
}

Value TileCopy::place(Value row, Value chunk) const {
  Value turned = chunk;
  if (layout.mask)
    turned = b.bitXor(chunk, b.bitAnd(b.right(row, layout.shift), b.number(layout.mask)));
  return b.plus(b.times(row, layout.stride), b.left(turned, 4));
}

void TileCopy::operator()(Value tile, Value row, Value column) const {
  int64_t perChunk = kChunkBytes * 8 / element.getIntOrFloatBitWidth();
  int64_t total = tileRows * layout.chunks, step = threads / layout.chunks;
  // Where a thread stays in its column and its rows are turned alike: one address, and constants.
  bool isRegular = threads % layout.chunks == 0 && (layout.mask == 0 || step % 8 == 0);
  Value firstRow = b.over(thread, layout.chunks), firstChunk = b.rest(thread, layout.chunks);
  Value firstPlace = place(firstRow, firstChunk);
  for (int64_t done = 0; done < total; done += threads) {
    Value number = b.plus(thread, done), inTile = firstRow, chunk = firstChunk, to = firstPlace;
    int64_t offset = 0;
    auto copy = [&] {
      if (isRegular) {
        inTile = b.plus(firstRow, done / layout.chunks);
        offset = done / layout.chunks * layout.stride;
      } else if (done > 0) {
        inTile = b.over(number, layout.chunks), chunk = b.rest(number, layout.chunks);
        to = place(inTile, chunk);
      }
      Value fromRow = b.plus(row, inTile), fromColumn = b.plus(column, b.times(chunk, perChunk));
      Value source = b.at(b.atRow(origin, fromRow, strideBytes), b.times(fromColumn, sourceBytes));
      if (isAsync)
        copyAsync(b.at(tile, to), offset, source, fromRow, fromColumn);
      else
        copyThroughRegisters(b.at(b.at(tile, to), offset), source, fromRow, fromColumn);
    };
    if (done + threads <= total)
      copy();
    else
      b.when(b.less(number, b.number(total)), copy);
  }
}

void TileCopy::copyAsync(Value to, int64_t offset, Value source, Value row, Value column) const {
  int64_t perChunk = kChunkBytes / sourceBytes;
  Value isInRows = rowsKnown % tileRows == 0 ? Value() : b.less(row, rows);
  if (columnsKnown % perChunk == 0) {
    // All of a chunk or none.
    Value isInside = isInRows;
    if (columnsKnown % tileColumns != 0) {
      Value isInColumns = b.less(column, columns);
      isInside = isInside ? b.both(isInside, isInColumns) : isInColumns;
    }
    return b.copyAsync(to, offset, source, kChunkBytes, isInside);
  }
  Value left = b.most(b.minus(columns, column), b.number(0));
  Value bytes = b.least(b.times(left, sourceBytes), b.number(kChunkBytes));
  b.copyAsyncPart(to, offset, source, isInRows ? b.choose(isInRows, bytes, b.number(0)) : bytes);
}

void TileCopy::copyThroughRegisters(Value to, Value source, Value row, Value column) const {
  Type f32 = b.getF32Type(), i32 = b.getI32Type();
  int64_t perChunk = kChunkBytes * 8 / element.getIntOrFloatBitWidth();
  bool isNarrow = sourceElement.isBF16();
  // Registers: of bf16 two elements each.
  int64_t elementsOf = isNarrow ? 2 : 1, loads = std::min(piece, perChunk);
  Type type = isNarrow ? i32 : f32;
  Values registers;
  Value isInRows = b.less(row, rows), none = isNarrow ? b.number(0) : b.real(0);
  for (int64_t first = 0; first < perChunk; first += loads) {
    int64_t count = loads / elementsOf;
    Value isInside = b.both(isInRows, b.less(b.plus(column, first), columns));
    llvm::append_range(registers, b.when(isInside, Values(count, none), [&] {
      Value address = b.at(source, first * sourceBytes);
      if (count == 1)
        return Values{b.load(type, address)};
      Value all = b.load(VectorType::get({count}, type), address);
      Values parts;
      for (int64_t i = 0; i < count; ++i)
        parts.push_back(LLVM::ExtractElementOp::create(b, all, b.number(i)));
      return parts;
    }));
  }
  if (element.isBF16() && !isNarrow) {
    Values pairs;
    for (size_t i = 0; i < registers.size(); i += 2)
      pairs.push_back(b.pack(registers[i], registers[i + 1]));
    registers = pairs;
    type = i32;
  }
  auto vector = VectorType::get({4}, type);
  Value all = LLVM::UndefOp::create(b, vector);
  for (auto [i, value] : llvm::enumerate(registers))
    all = LLVM::InsertElementOp::create(b, all, value, b.number(i));
  b.store(all, to);
}
