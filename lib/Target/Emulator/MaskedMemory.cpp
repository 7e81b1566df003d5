//===- MaskedMemory.cpp - accesses under a mask, lane by lane --------------------------===//
//
// NVPTX makes a masked load, store, gather or scatter into one access a lane, each behind a branch. So it is
// here: what a lane that is switched off would touch is nobody's concern.

#include "KernelRewriter.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// One op of this kind: where its lanes are, and what they read or write.
struct MaskedAccess {
  Value base; ///< a pointer, of the lanes one after another, or a vector of pointers
  Value mask;
  Value stored;   ///< a vector; null: the op loads
  Value passThru; ///< of a load, what lanes get that are switched off; null: anything
  VectorType type;
  uint64_t alignment;
  bool packs; ///< only lanes that are switched on have a place in memory
};

class Expansion {
public:
  Expansion(Operation *op, const MaskedAccess &access)
      : op(op), access(access), b(op->getLoc(), op), element(access.type.getElementType()) {}

  void run() {
    Type i64 = b.getI64Type();
    Value result = access.stored     ? Value()
                   : access.passThru ? access.passThru
                                     : LLVM::PoisonOp::create(b, access.type).getResult();
    Value next = access.packs ? number(0) : Value();
    for (int64_t lane = 0, lanes = access.type.getNumElements(); lane < lanes; ++lane) {
      b.setInsertionPoint(op);
      Value isOn = LLVM::ExtractElementOp::create(b, access.mask, number(lane));
      Block *before = op->getBlock(), *after = before->splitBlock(op), *on = new Block();
      on->insertBefore(after);
      SmallVector<Value> off, done;
      auto join = [&](Value &value, Value changed) {
        off.push_back(value);
        done.push_back(changed);
        value = after->addArgument(value.getType(), op->getLoc());
      };
      b.setInsertionPointToStart(on);
      Value place = placeOf(lane, next);
      if (access.stored) {
        Value value = LLVM::ExtractElementOp::create(b, access.stored, number(lane));
        LLVM::StoreOp::create(b, value, place, access.alignment);
      } else {
        Value value = LLVM::LoadOp::create(b, element, place, access.alignment);
        join(result, LLVM::InsertElementOp::create(b, result, value, number(lane)));
      }
      if (next)
        join(next, LLVM::AddOp::create(b, i64, next, number(1)));
      LLVM::BrOp::create(b, done, after);
      b.setInsertionPointToEnd(before);
      LLVM::CondBrOp::create(b, isOn, on, ValueRange{}, after, off);
    }
    if (result)
      op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }

private:
  Value number(int64_t value) {
    return LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(value));
  }
  Value placeOf(int64_t lane, Value next) {
    if (isa<VectorType>(access.base.getType()))
      return LLVM::ExtractElementOp::create(b, access.base, number(lane));
    return LLVM::GEPOp::create(b, access.base.getType(), element, access.base,
                               ValueRange{next ? next : number(lane)});
  }

  Operation *op;
  const MaskedAccess &access;
  ImplicitLocOpBuilder b;
  Type element;
};

} // namespace

static std::optional<MaskedAccess> asMaskedAccess(Operation *op) {
  auto loads = [op](Value base, Value mask, ValueRange passThru, uint64_t alignment, bool packs = false) {
    return MaskedAccess{.base = base,
                        .mask = mask,
                        .stored = {},
                        .passThru = passThru.empty() ? Value() : passThru.front(),
                        .type = dyn_cast<VectorType>(op->getResult(0).getType()),
                        .alignment = alignment,
                        .packs = packs};
  };
  auto stores = [](Value base, Value mask, Value stored, uint64_t alignment, bool packs = false) {
    return MaskedAccess{.base = base,
                        .mask = mask,
                        .stored = stored,
                        .passThru = {},
                        .type = dyn_cast<VectorType>(stored.getType()),
                        .alignment = alignment,
                        .packs = packs};
  };
  return llvm::TypeSwitch<Operation *, std::optional<MaskedAccess>>(op)
      .Case([&](LLVM::MaskedLoadOp load) {
        return loads(load.getData(), load.getMask(), load.getPassThru(), load.getAlignment());
      })
      .Case([&](LLVM::masked_gather gather) {
        return loads(gather.getPtrs(), gather.getMask(), gather.getPassThru(), gather.getAlignment());
      })
      .Case([&](LLVM::masked_expandload expand) {
        return loads(expand.getPtr(), expand.getMask(), expand.getPassthru(), 1, /*packs=*/true);
      })
      .Case([&](LLVM::MaskedStoreOp store) {
        return stores(store.getData(), store.getMask(), store.getValue(), store.getAlignment());
      })
      .Case([&](LLVM::masked_scatter scatter) {
        return stores(scatter.getPtrs(), scatter.getMask(), scatter.getValue(), scatter.getAlignment());
      })
      .Case([&](LLVM::masked_compressstore compress) {
        return stores(compress.getPtr(), compress.getMask(), compress.getValue(), 1, /*packs=*/true);
      })
      .Default([](Operation *) { return std::nullopt; });
}

void mlir::mlora::expandMaskedAccesses(LLVM::LLVMFuncOp function) {
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) { ops.push_back(op); });
  DataLayout layout = DataLayout::closest(function);
  for (Operation *op : ops) {
    std::optional<MaskedAccess> access = asMaskedAccess(op);
    // Of elements that are no whole bytes, or of vectors of no known length, nothing is known here.
    if (!access || !access->type || access->type.isScalable() ||
        layout.getTypeSizeInBits(access->type.getElementType()) % 8)
      continue;
    uint64_t bytes = layout.getTypeSize(access->type.getElementType());
    access->alignment = std::min<uint64_t>(access->alignment, llvm::bit_floor(bytes));
    Expansion(op, *access).run();
  }
}
