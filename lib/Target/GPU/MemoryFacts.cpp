//===- MemoryFacts.cpp - what is known of sizes and addresses -------------------------===//

#include "MemoryFacts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace mlir::mlora;

/// Where a buffer begins (docs/architecture.md, "Bundle").
static constexpr int64_t kBufferAlignment = 64;

int64_t mlir::mlora::divisorOf(Value value) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return std::abs(*constant);
  Operation *op = value.getDefiningOp();
  if (!op)
    return 1;
  auto common = [&] { return std::gcd(divisorOf(op->getOperand(0)), divisorOf(op->getOperand(1))); };
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case([&](arith::MulIOp) {
        // A divisor of one factor is enough; their product may be too large a number.
        int64_t a = divisorOf(op->getOperand(0)), c = divisorOf(op->getOperand(1)), product;
        return llvm::MulOverflow(a, c, product) ? std::max(a, c) : product;
      })
      .Case<arith::AddIOp, arith::SubIOp, arith::MinSIOp, arith::MaxSIOp, arith::MinUIOp, arith::MaxUIOp>(
          [&](auto) { return common(); })
      .Case([&](arith::SelectOp select) {
        return std::gcd(divisorOf(select.getTrueValue()), divisorOf(select.getFalseValue()));
      })
      .Case<arith::IndexCastOp, arith::IndexCastUIOp>([&](auto) { return divisorOf(op->getOperand(0)); })
      .Default([](Operation *) { return 1; });
}

static int64_t divisorOf(OpFoldResult value) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return std::abs(*constant);
  return mlir::mlora::divisorOf(cast<Value>(value));
}

std::optional<int64_t> mlir::mlora::mostOf(OpFoldResult value) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return constant;
  Operation *op = cast<Value>(value).getDefiningOp();
  if (!op || op->getNumOperands() != 2)
    return std::nullopt;
  std::optional<int64_t> a = mostOf(op->getOperand(0)), c = mostOf(op->getOperand(1));
  int64_t product;
  if (isa<arith::MinSIOp>(op))
    return a && c ? std::min(*a, *c) : a ? a : c;
  if (isa<arith::MaxSIOp>(op) && a && c)
    return std::max(*a, *c);
  if (isa<arith::MulIOp>(op) && a && c && *a >= 0 && *c >= 0 && !llvm::MulOverflow(*a, *c, product))
    return product;
  return std::nullopt;
}

std::optional<int64_t> mlir::mlora::mostOfDim(Value memory, unsigned dim) {
  auto type = cast<MemRefType>(memory.getType());
  if (!type.isDynamicDim(dim))
    return type.getDimSize(dim);
  auto view = memory.getDefiningOp<memref::SubViewOp>();
  if (!view || int64_t(view.getMixedSizes().size()) != type.getRank())
    return std::nullopt;
  return mostOf(view.getMixedSizes()[dim]);
}

int64_t mlir::mlora::divisorOfDim(Value memory, unsigned dim) {
  auto type = cast<MemRefType>(memory.getType());
  if (!type.isDynamicDim(dim))
    return type.getDimSize(dim);
  auto view = memory.getDefiningOp<memref::SubViewOp>();
  if (!view || int64_t(view.getMixedSizes().size()) != type.getRank())
    return 1;
  return ::divisorOf(view.getMixedSizes()[dim]);
}

/// The largest power of two that divides both; `other` may be 0.
static int64_t align(int64_t alignment, int64_t other) {
  return other == 0 ? alignment : std::min(alignment, other & -other);
}

int64_t mlir::mlora::alignmentOf(Value memory) {
  auto type = dyn_cast<MemRefType>(memory.getType());
  Operation *op = memory.getDefiningOp();
  if (!op) {
    // Slots back to back: each has its rows' bytes, so many times.
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    ArrayRef<int64_t> shape = type.getShape();
    for (int64_t size : shape.drop_front(!shape.empty() && ShapedType::isDynamic(shape.front())))
      bytes *= size;
    return type.getElementType().isInteger(8) ? kBufferAlignment : align(kBufferAlignment, bytes);
  }
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case([&](memref::ViewOp view) { return align(kBufferAlignment, divisorOf(view.getByteShift())); })
      .Case([&](memref::SubViewOp view) {
        int64_t alignment = alignmentOf(view.getSource()), offset;
        SmallVector<int64_t> strides;
        auto source = cast<MemRefType>(view.getSource().getType());
        int64_t bytes = source.getElementTypeBitWidth() / 8;
        if (failed(source.getStridesAndOffset(strides, offset)))
          return bytes;
        for (auto [from, stride] : llvm::zip(view.getMixedOffsets(), strides))
          alignment =
              align(alignment, ::divisorOf(from) * (ShapedType::isDynamic(stride) ? 1 : stride) * bytes);
        return alignment;
      })
      .Case<memref::ExpandShapeOp, memref::CastOp>(
          [&](auto view) { return alignmentOf(view->getOperand(0)); })
      .Case<gpu::DynamicSharedMemoryOp>([](auto) { return kBufferAlignment; })
      .Default([&](Operation *) { return int64_t(type.getElementTypeBitWidth() / 8); });
}

std::optional<int64_t> mlir::mlora::rowStrideOf(Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (type.getRank() != 2 || failed(type.getStridesAndOffset(strides, offset)) || strides[1] != 1 ||
      ShapedType::isDynamic(strides[0]))
    return std::nullopt;
  return strides[0];
}

int64_t mlir::mlora::rowAlignmentOf(Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<int64_t> strides;
  int64_t offset, element = elementBytesOf(memory), alignment = align(kChunkBytes, alignmentOf(memory));
  if (failed(type.getStridesAndOffset(strides, offset)) || strides.empty() || strides.back() != 1)
    return element;
  for (int64_t stride : ArrayRef(strides).drop_back())
    alignment = align(alignment, (ShapedType::isDynamic(stride) ? 1 : stride) * element);
  return alignment;
}

bool mlir::mlora::isShared(Value memory) {
  auto space = dyn_cast_or_null<gpu::AddressSpaceAttr>(cast<MemRefType>(memory.getType()).getMemorySpace());
  return space && space.getValue() == gpu::AddressSpace::Workgroup;
}

bool mlir::mlora::isScratch(Value memory) {
  while (Operation *op = memory.getDefiningOp()) {
    if (isa<memref::ViewOp>(op))
      return true;
    if (!isa<memref::SubViewOp, memref::ExpandShapeOp, memref::CastOp>(op))
      return false;
    memory = op->getOperand(0);
  }
  return false;
}
