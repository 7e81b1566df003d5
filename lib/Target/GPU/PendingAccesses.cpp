//===- PendingAccesses.cpp - what threads must have met for ---------------------------===//

#include "PendingAccesses.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::mlora;

static bool isSameNumber(Value a, Value c) {
  return isEqualConstantIntOrValue(getAsOpFoldResult(a), getAsOpFoldResult(c));
}

bool Distribution::isSame(const Distribution &other) const {
  return !sizes.empty() && width == other.width && sizes.size() == other.sizes.size() &&
         llvm::all_of(llvm::zip(sizes, other.sizes),
                      [](auto pair) { return isSameNumber(std::get<0>(pair), std::get<1>(pair)); });
}

/// Where a memref comes from: an argument, or a piece of scratch.
static Value rootOf(Value memory) {
  while (Operation *op = memory.getDefiningOp()) {
    if (!isa<memref::SubViewOp, memref::ExpandShapeOp, memref::CastOp>(op))
      break;
    memory = op->getOperand(0);
  }
  return memory;
}

/// Pieces of scratch lie where their views say; they may take turns at a place.
static bool areApart(memref::ViewOp a, memref::ViewOp c) {
  auto end = [](memref::ViewOp view) -> std::optional<int64_t> {
    MemRefType type = view.getType();
    std::optional<int64_t> from = getConstantIntValue(view.getByteShift());
    if (!from || !type.hasStaticShape())
      return std::nullopt;
    return *from + type.getNumElements() * type.getElementTypeBitWidth() / 8;
  };
  if (!end(a) || !end(c) || a.getSource() != c.getSource())
    return false;
  return *end(a) <= *getConstantIntValue(c.getByteShift()) ||
         *end(c) <= *getConstantIntValue(a.getByteShift());
}

bool mlir::mlora::mayAlias(Value a, Value c) {
  a = rootOf(a), c = rootOf(c);
  if (a == c)
    return true;
  auto aView = a.getDefiningOp<memref::ViewOp>(), cView = c.getDefiningOp<memref::ViewOp>();
  if (aView && cView)
    return !areApart(aView, cView);
  if (isa<BlockArgument>(a) && isa<BlockArgument>(c))
    return a.getType() == c.getType();
  return !(aView && isa<BlockArgument>(c)) && !(cView && isa<BlockArgument>(a));
}

/// Whether the same is seen of two sources.
static bool isSameView(memref::SubViewOp a, memref::SubViewOp c) {
  return a && c && a.getType() == c.getType() &&
         isEqualConstantIntOrValueArray(a.getMixedOffsets(), c.getMixedOffsets()) &&
         isEqualConstantIntOrValueArray(a.getMixedSizes(), c.getMixedSizes()) &&
         isEqualConstantIntOrValueArray(a.getMixedStrides(), c.getMixedStrides());
}

bool mlir::mlora::isSamePlace(Value a, Value c) {
  if (a == c)
    return true;
  if (isa<BlockArgument>(a) && isa<BlockArgument>(c))
    return a.getType() == c.getType();
  auto aView = a.getDefiningOp<memref::SubViewOp>(), cView = c.getDefiningOp<memref::SubViewOp>();
  return isSameView(aView, cView) && isSamePlace(aView.getSource(), cView.getSource());
}

bool mlir::mlora::isOnePlace(Value a, Value c) {
  auto aView = a.getDefiningOp<memref::SubViewOp>(), cView = c.getDefiningOp<memref::SubViewOp>();
  return a == c || (isSameView(aView, cView) && isOnePlace(aView.getSource(), cView.getSource()));
}

bool PendingAccesses::mustMeet(ArrayRef<Access> accesses) const {
  for (const Access &next : accesses)
    for (const Access &before : pending) {
      bool isOwn = before.distribution.isSame(next.distribution) && isSamePlace(before.memory, next.memory);
      if ((next.isWrite || before.isWrite) && !isOwn && mayAlias(before.memory, next.memory))
        return true;
    }
  return false;
}
