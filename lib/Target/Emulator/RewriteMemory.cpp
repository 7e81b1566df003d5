//===- RewriteMemory.cpp - loads, stores and atomics to checked ones -------------------===//

#include "KernelRewriter.h"

#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;
using ::mlora::emulator::Access;
using ::mlora::emulator::kGranule;
using ::mlora::emulator::ThreadContext;

static bool isShared(Type pointer) {
  unsigned space = cast<LLVM::LLVMPointerType>(pointer).getAddressSpace();
  return space == 3 || space == 7; // shared::cta and shared::cluster: clusters have one block
}

/// The allocation in local memory that a pointer surely points into.
static LLVM::AllocaOp findAlloca(Value pointer) {
  while (Operation *op = pointer.getDefiningOp()) {
    if (auto alloca = dyn_cast<LLVM::AllocaOp>(op))
      return alloca;
    auto gep = dyn_cast<LLVM::GEPOp>(op);
    if (!gep)
      return {};
    pointer = gep.getBase();
  }
  return {};
}

static std::optional<int64_t> sizeOf(LLVM::AllocaOp alloca) {
  APInt count;
  if (!matchPattern(alloca.getArraySize(), m_ConstantInt(&count)))
    return {};
  return count.getSExtValue() * int64_t(DataLayout::closest(alloca).getTypeSize(alloca.getElemType()));
}

/// `refused` decides at run time whether the machine looks at the access; its answer is the address.
Value KernelRewriter::branchToCheck(Builder &b, Operation *op, Value pointer, Value address, Value refused,
                                    uint32_t access) {
  auto host = LLVM::LLVMPointerType::get(context);
  Block *before = op->getBlock(), *after = before->splitBlock(op), *check = new Block();
  check->insertBefore(after);
  BlockArgument checked = after->addArgument(host, op->getLoc());
  b.setInsertionPointToEnd(before);
  LLVM::CondBrOp::create(b, refused, check, ValueRange{}, after, ValueRange{pointer},
                         std::pair<uint32_t, uint32_t>(1, 1u << 20));
  b.setInsertionPointToEnd(check);
  auto type = LLVM::LLVMFunctionType::get(host, {host, b.getI64Type(), b.getI32Type(), b.getI32Type()});
  Value function = field(b, offsetof(ThreadContext, resolve), host);
  Value resolved =
      LLVM::CallOp::create(
          b, type, ValueRange{function, thread, address, constant32(b, access), constant32(b, siteOf(op))})
          .getResult();
  LLVM::BrOp::create(b, ValueRange{resolved}, after);
  b.setInsertionPoint(op);
  return checked;
}

Value KernelRewriter::hostAddress(Operation *op, Value pointer, uint32_t bytes, uint32_t alignment,
                                  uint32_t flags) {
  Builder b(op->getLoc(), op);
  auto host = LLVM::LLVMPointerType::get(context);
  Value address = LLVM::PtrToIntOp::create(b, b.getI64Type(), pointer);
  uint32_t access = Access::encode(bytes, llvm::Log2_32(alignment), flags);
  if (isShared(pointer.getType())) { // who wrote it, and when: that is more than what fits in line
    auto type = LLVM::LLVMFunctionType::get(host, {host, b.getI64Type(), b.getI32Type(), b.getI32Type()});
    Value function = field(b, offsetof(ThreadContext, shared), host);
    return LLVM::CallOp::create(
               b, type,
               ValueRange{function, thread, address, constant32(b, access), constant32(b, siteOf(op))})
        .getResult();
  }
  auto both = [&](Value x, Value y) -> Value { return LLVM::OrOp::create(b, x, y); };
  auto compare = [&](LLVM::ICmpPredicate predicate, Value x, Value y) -> Value {
    return LLVM::ICmpOp::create(b, predicate, x, y);
  };
  Value unaligned = compare(LLVM::ICmpPredicate::ne,
                            LLVM::AndOp::create(b, address, constant(b, alignment - 1)), constant(b, 0));
  if (LLVM::AllocaOp alloca = findAlloca(pointer)) {
    if (std::optional<int64_t> size = sizeOf(alloca)) {
      Value offset = LLVM::SubOp::create(b, address, LLVM::PtrToIntOp::create(b, b.getI64Type(), alloca));
      Value outside = *size < bytes
                          ? LLVM::ConstantOp::create(b, b.getI1Type(), b.getBoolAttr(true)).getResult()
                          : compare(LLVM::ICmpPredicate::ugt, offset, constant(b, *size - bytes));
      return branchToCheck(b, op, pointer, address, both(outside, unaligned), access | Access::Local);
    }
  }
  // In the arena, and in granules that are all memory. Outside the arena the shadow of its first granule is
  // read: none.
  Value offset =
      LLVM::SubOp::create(b, address, field(b, offsetof(ThreadContext, globalBase), b.getI64Type()));
  Value limit = LLVM::SubOp::create(b, field(b, offsetof(ThreadContext, globalBytes), b.getI64Type()),
                                    constant(b, bytes));
  Value outside = compare(LLVM::ICmpPredicate::ugt, offset, limit);
  Value inside = LLVM::SelectOp::create(b, outside, constant(b, 0), offset);
  Value shadow = field(b, offsetof(ThreadContext, globalShadow), host);
  auto granule = [&](Value at) -> Value {
    Value index = LLVM::LShrOp::create(b, at, constant(b, llvm::Log2_64(kGranule)));
    Value place = LLVM::GEPOp::create(b, host, b.getI8Type(), shadow, ValueRange{index});
    return LLVM::LoadOp::create(b, b.getI8Type(), place, 1);
  };
  Value shadows = granule(inside);
  if (bytes > alignment || bytes > kGranule)
    shadows = both(shadows, granule(LLVM::AddOp::create(b, inside, constant(b, bytes - 1))));
  Value guarded = compare(LLVM::ICmpPredicate::ne, shadows,
                          LLVM::ConstantOp::create(b, b.getI8Type(), b.getI8IntegerAttr(0)));
  return branchToCheck(b, op, pointer, address, both(both(outside, guarded), unaligned), access);
}

LogicalResult KernelRewriter::rewriteMemory(Operation *op) {
  DataLayout dataLayout = DataLayout::closest(op);
  auto bytesOf = [&](Type type) { return uint32_t(dataLayout.getTypeSize(type).getFixedValue()); };
  auto alignmentOf = [&](Type type, std::optional<uint64_t> stated) {
    return uint32_t(stated ? *stated : dataLayout.getTypeABIAlignment(type));
  };
  auto afterwards = [&](LLVM::AtomicOrdering) { // others may run, so that a thread can wait for a value
    Builder b(op->getLoc(), context);
    b.setInsertionPointAfter(op);
    call(b, Emulated::Yield, op, {});
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](LLVM::LoadOp load) {
        bool isAtomic = load.getOrdering() != LLVM::AtomicOrdering::not_atomic;
        load.getAddrMutable().assign(hostAddress(op, load.getAddr(), bytesOf(load.getType()),
                                                 alignmentOf(load.getType(), load.getAlignment()),
                                                 isAtomic ? Access::Atomic : Access::Read));
        if (isAtomic || load.getVolatile_())
          afterwards(load.getOrdering());
        return success();
      })
      .Case([&](LLVM::StoreOp store) {
        Type type = store.getValue().getType();
        bool isAtomic = store.getOrdering() != LLVM::AtomicOrdering::not_atomic;
        store.getAddrMutable().assign(hostAddress(op, store.getAddr(), bytesOf(type),
                                                  alignmentOf(type, store.getAlignment()),
                                                  isAtomic ? Access::Atomic : Access::Write));
        if (isAtomic)
          afterwards(store.getOrdering());
        return success();
      })
      .Case([&](LLVM::AtomicRMWOp atomic) {
        Type type = atomic.getVal().getType();
        atomic.getPtrMutable().assign(
            hostAddress(op, atomic.getPtr(), bytesOf(type), bytesOf(type), Access::Atomic));
        afterwards(atomic.getOrdering());
        return success();
      })
      .Case([&](LLVM::AtomicCmpXchgOp atomic) {
        Type type = atomic.getVal().getType();
        atomic.getPtrMutable().assign(
            hostAddress(op, atomic.getPtr(), bytesOf(type), bytesOf(type), Access::Atomic));
        afterwards(atomic.getSuccessOrdering());
        return success();
      })
      .Default([&](Operation *) { return notBuilt(op); });
}
