//===- Touches.cpp - what launches that run at once do to memory -------------------===//

#include "mlora/Dialect/Touches.h"

using namespace mlir;
using namespace mlir::mlora;

static Window windowAt(ArrayRef<int64_t> at, ShapedType part) {
  return {at[0], at[1], part.getDimSize(0), part.getDimSize(1)};
}

static bool overlap(const Touch &a, const Touch &b) {
  if (!a.window || !b.window)
    return true;
  auto meet = [](int64_t from, int64_t size, int64_t otherFrom, int64_t otherSize) {
    return from < otherFrom + otherSize && otherFrom < from + size;
  };
  return meet(a.window->row, a.window->rows, b.window->row, b.window->rows) &&
         meet(a.window->column, a.window->columns, b.window->column, b.window->columns);
}

SmallVector<Touch> mlir::mlora::touchesOf(KernelOp kernel) {
  SmallVector<Touch> touches;
  Block &body = kernel.getBody().front();
  auto isFixed = [](ShapedType type) { return type.hasStaticShape(); };
  for (BlockArgument argument : body.getArguments())
    for (OpOperand &use : argument.getUses()) {
      auto place = dyn_cast<PlaceOp>(use.getOwner());
      if (place && use.getOperandNumber() == 1)
        continue; // stays as it is, but for what is placed
      auto window = dyn_cast<WindowOp>(use.getOwner());
      touches.push_back({argument.getArgNumber(), false,
                         window && isFixed(window.getType())
                             ? std::optional(windowAt(window.getAt(), window.getType()))
                             : std::nullopt});
    }
  for (auto [i, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    unsigned operand = body.getNumArguments() + i;
    auto place = value.getDefiningOp<PlaceOp>();
    for (; place; place = value ? value.getDefiningOp<PlaceOp>() : PlaceOp()) {
      touches.push_back({operand, true, windowAt(place.getAt(), place.getPart().getType())});
      value = place.getInput();
    }
    // What parts are placed into is either the memory itself or made here.
    bool isInPlace = isa_and_nonnull<BlockArgument>(value) && value != body.getTerminator()->getOperand(i);
    if (!isInPlace)
      touches.push_back({operand, true, std::nullopt});
  }
  return touches;
}

std::optional<LaunchesAtOnce::Clash> LaunchesAtOnce::add(KernelOp kernel, ValueRange memories,
                                                         const llvm::BitVector &perLayer, int64_t layers) {
  SmallVector<Touch> touches = touchesOf(kernel);
  for (const Touch &touch : touches) {
    Value memory = memories[touch.operand];
    for (const Known &before : known)
      if (before.memory == memory && (before.touch.isWrite || touch.isWrite) && overlap(before.touch, touch))
        return Clash{memory, before.kernel, false};
    if (layers == 1)
      continue;
    // Layers meet in what is not each one's own, whichever of the touches writes it.
    for (const Touch &other : touches)
      if (memories[other.operand] == memory && (touch.isWrite || other.isWrite) &&
          !(perLayer[touch.operand] && perLayer[other.operand]) && overlap(touch, other))
        return Clash{memory, kernel, true};
  }
  for (const Touch &touch : touches)
    known.push_back({memories[touch.operand], kernel, touch});
  return std::nullopt;
}
