//===- RewriteMemory.cpp - loads, stores and atomics to checked ones -------------------===//

#include "KernelRewriter.h"

#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;
using ::mlora::emulator::Access;
using ::mlora::emulator::kGranule;
using ::mlora::emulator::kSharedWindow;
using ::mlora::emulator::ThreadContext;

static bool isShared(Type pointer) {
  unsigned space = cast<LLVM::LLVMPointerType>(pointer).getAddressSpace();
  return space == 3 || space == 7; // shared::cta and shared::cluster: clusters have one block
}

/// What has been inserted where an op extracts it.
static Value findInserted(LLVM::ExtractValueOp extract) {
  Value container = extract.getContainer();
  while (auto insert = container.getDefiningOp<LLVM::InsertValueOp>()) {
    if (insert.getPosition() == extract.getPosition())
      return insert.getValue();
    container = insert.getContainer();
  }
  return {};
}

/// The allocation in local memory that a pointer surely points into.
static LLVM::AllocaOp findAlloca(Value pointer) {
  while (Operation *op = pointer.getDefiningOp()) {
    if (auto alloca = dyn_cast<LLVM::AllocaOp>(op))
      return alloca;
    if (auto gep = dyn_cast<LLVM::GEPOp>(op)) {
      pointer = gep.getBase();
    } else if (auto extract = dyn_cast<LLVM::ExtractValueOp>(op)) { // a memref's descriptor
      pointer = findInserted(extract);
      if (!pointer)
        return {};
    } else {
      return {};
    }
  }
  return {};
}

static std::optional<int64_t> sizeOf(LLVM::AllocaOp alloca) {
  APInt count;
  if (!matchPattern(alloca.getArraySize(), m_ConstantInt(&count)))
    return {};
  return count.getSExtValue() * int64_t(DataLayout::closest(alloca).getTypeSize(alloca.getElemType()));
}

/// Loads that say that nobody writes in this launch what they read: invariant ones, and those of arguments of
/// kernels that are readonly and noalias.
void KernelRewriter::findConstantLoads() {
  auto isConstantArgument = [&](Value pointer) {
    while (Operation *op = pointer.getDefiningOp()) {
      if (!isa<LLVM::GEPOp, LLVM::AddrSpaceCastOp>(op))
        return false;
      pointer = op->getOperand(0);
    }
    auto argument = cast<BlockArgument>(pointer);
    if (!argument.getOwner()->isEntryBlock() || !function->hasAttr("nvvm.kernel"))
      return false;
    auto has = [&](StringRef name) { return bool(function.getArgAttr(argument.getArgNumber(), name)); };
    return has("llvm.noalias") && (has("llvm.readonly") || has("llvm.readnone"));
  };
  function.walk([&](LLVM::LoadOp load) {
    if (load.getInvariant() || (load.getOrdering() == LLVM::AtomicOrdering::not_atomic &&
                                !load.getVolatile_() && isConstantArgument(load.getAddr())))
      constantLoads.insert(load);
    load.setInvariant(false); // no licence to move the load, so that what it reads can be told
  });
}

Value KernelRewriter::genericAddress(Builder &b, Value pointer) {
  Value address = LLVM::PtrToIntOp::create(b, b.getI64Type(), pointer);
  return isShared(pointer.getType()) ? LLVM::AddOp::create(b, address, constant(b, kSharedWindow)).getResult()
                                     : address;
}

void KernelRewriter::registerLocal(LLVM::AllocaOp op) {
  Builder b(op.getLoc(), op);
  int64_t each = std::max<int64_t>(1, DataLayout::closest(op).getTypeSize(op.getElemType()).getFixedValue());
  // Room behind it that is nobody's, so that the next allocation does not begin where this ends.
  int64_t room = (15 + each) / each;
  std::optional<int64_t> size = sizeOf(op);
  Value bytes;
  if (size) {
    result.localBytes += *size;
    bytes = constant(b, *size);
    op.getArraySizeMutable().assign(constant(b, *size / each + room));
  } else {
    Value count = op.getArraySize();
    if (count.getType() != b.getI64Type())
      count = LLVM::ZExtOp::create(b, b.getI64Type(), count);
    bytes = LLVM::MulOp::create(b, count, constant(b, each));
    op.getArraySizeMutable().assign(LLVM::AddOp::create(b, count, constant(b, room)));
  }
  // A byte for each of its bytes: whether it has been written.
  Value written =
      LLVM::AllocaOp::create(b, LLVM::LLVMPointerType::get(context), b.getI8Type(), bytes, /*alignment=*/16);
  if (size)
    locals[op] = {*size, written};
  b.setInsertionPointAfter(op);
  call(b, Emulated::Local, op, {op.getResult(), bytes, written});
}

/// A number whose bytes are all 1, as wide as an access of local memory.
static Value allWritten(ImplicitLocOpBuilder &b, uint32_t bytes) {
  Type type = b.getIntegerType(8 * bytes);
  return LLVM::ConstantOp::create(b, type, b.getIntegerAttr(type, APInt::getSplat(8 * bytes, APInt(8, 1))));
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
    if (auto found = locals.find(alloca); found != locals.end()) {
      auto [size, written] = found->second;
      Value offset = LLVM::SubOp::create(b, address, LLVM::PtrToIntOp::create(b, b.getI64Type(), alloca));
      if (size < bytes) {
        Value always = LLVM::ConstantOp::create(b, b.getI1Type(), b.getBoolAttr(true));
        return branchToCheck(b, op, pointer, address, always, access | Access::Local);
      }
      Value outside = compare(LLVM::ICmpPredicate::ugt, offset, constant(b, size - bytes));
      Value marks = LLVM::GEPOp::create(
          b, host, b.getI8Type(), written,
          ValueRange{LLVM::SelectOp::create(b, outside, constant(b, 0), offset).getResult()});
      Value refused = both(outside, unaligned), all = allWritten(b, bytes);
      if (flags & (Access::Read | Access::Update))
        refused = both(
            refused, compare(LLVM::ICmpPredicate::ne, LLVM::LoadOp::create(b, all.getType(), marks, 1), all));
      Value checked = branchToCheck(b, op, pointer, address, refused, access | Access::Local);
      if (flags & (Access::Write | Access::Update))
        LLVM::StoreOp::create(b, all, marks, 1);
      return checked;
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

/// Threads take turns, and others run only where one lets them: an atomic that the host has not is a load,
/// an operation and a store.
LogicalResult KernelRewriter::splitAtomic(LLVM::AtomicRMWOp atomic) {
  Builder b(atomic.getLoc(), atomic);
  Value with = atomic.getVal();
  Type type = with.getType();
  uint64_t alignment = DataLayout::closest(atomic).getTypeSize(type).getFixedValue();
  Value old = LLVM::LoadOp::create(b, type, atomic.getPtr(), alignment);
  Operation *changed = nullptr;
  switch (atomic.getBinOp()) {
  case LLVM::AtomicBinOp::xchg:
    break;
  case LLVM::AtomicBinOp::fadd:
    changed = LLVM::FAddOp::create(b, old, with);
    break;
  case LLVM::AtomicBinOp::fsub:
    changed = LLVM::FSubOp::create(b, old, with);
    break;
  case LLVM::AtomicBinOp::fmax:
    changed = LLVM::MaxNumOp::create(b, old, with);
    break;
  case LLVM::AtomicBinOp::fmin:
    changed = LLVM::MinNumOp::create(b, old, with);
    break;
  default:
    return notBuilt(atomic, "anything but xchg, fadd, fsub, fmax and fmin of small floats and vectors");
  }
  LLVM::StoreOp::create(b, changed ? changed->getResult(0) : with, atomic.getPtr(), alignment);
  atomic.replaceAllUsesWith(old);
  atomic.erase();
  return changed ? rewrite(changed) : success();
}

LogicalResult KernelRewriter::rewriteMemory(Operation *op) {
  DataLayout dataLayout = DataLayout::closest(op);
  // Padding is not accessed: a vector of three elements is stored as three.
  auto bytesOf = [&](Type type) {
    if (auto vector = dyn_cast<VectorType>(type); vector && vector.getElementType().isIntOrFloat())
      return uint32_t((vector.getNumElements() * vector.getElementTypeBitWidth() + 7) / 8);
    return uint32_t(dataLayout.getTypeSize(type).getFixedValue());
  };
  auto alignmentOf = [&](Type type, std::optional<uint64_t> stated) {
    return uint32_t(stated ? *stated : dataLayout.getTypeABIAlignment(type));
  };
  // In global memory volatile means what relaxed does (PTX ISA); in shared memory it is no licence to race.
  auto isStrong = [](LLVM::AtomicOrdering ordering, bool isVolatile, Value pointer) {
    return ordering != LLVM::AtomicOrdering::not_atomic || (isVolatile && !isShared(pointer.getType()));
  };
  // Of atomics, Read is said of those beside which an ordinary read is no race: loads, and compare-and-swaps, since
  // loops around one begin with an ordinary read.

  // Others may run, so that a thread can wait for a value.
  auto afterwards = [&](Value pointer, bool reads, bool writes, LLVM::AtomicOrdering ordering,
                        std::optional<StringRef> scope) {
    Builder b(op->getLoc(), context);
    b.setInsertionPointAfter(op);
    using Ordering = LLVM::AtomicOrdering;
    bool isBoth = ordering == Ordering::acq_rel || ordering == Ordering::seq_cst;
    auto flag = [&](bool value) { return constant(b, value); };
    call(b, Emulated::AfterAtomic, op,
         {genericAddress(b, pointer), flag(reads), flag(writes),
          flag(isBoth || ordering == Ordering::acquire), flag(isBoth || ordering == Ordering::release),
          flag(isOfBlock(scope))});
  };
  auto scopeFlag = [](std::optional<StringRef> scope) -> uint32_t {
    return isOfBlock(scope) ? uint32_t(Access::OfBlock) : 0u;
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](LLVM::LoadOp load) {
        bool isAtomic = isStrong(load.getOrdering(), load.getVolatile_(), load.getAddr());
        Value pointer = load.getAddr();
        load.getAddrMutable().assign(hostAddress(
            op, load.getAddr(), bytesOf(load.getType()), alignmentOf(load.getType(), load.getAlignment()),
            isAtomic ? Access::Atomic | Access::Read | scopeFlag(load.getSyncscope())
                     : Access::Read | (constantLoads.contains(op) ? uint32_t(Access::Constant) : 0u)));
        if (isAtomic || load.getVolatile_())
          afterwards(pointer, /*reads=*/isAtomic, /*writes=*/false, load.getOrdering(), load.getSyncscope());
        return success();
      })
      .Case([&](LLVM::StoreOp store) {
        Type type = store.getValue().getType();
        bool isAtomic = isStrong(store.getOrdering(), store.getVolatile_(), store.getAddr());
        Value pointer = store.getAddr();
        store.getAddrMutable().assign(
            hostAddress(op, store.getAddr(), bytesOf(type), alignmentOf(type, store.getAlignment()),
                        isAtomic ? Access::Atomic | Access::Write | scopeFlag(store.getSyncscope())
                                 : uint32_t(Access::Write)));
        if (isAtomic)
          afterwards(pointer, /*reads=*/false, /*writes=*/true, store.getOrdering(), store.getSyncscope());
        return success();
      })
      .Case([&](LLVM::AtomicRMWOp atomic) {
        Type type = atomic.getVal().getType();
        Value pointer = atomic.getPtr();
        atomic.getPtrMutable().assign(
            hostAddress(op, pointer, bytesOf(type), bytesOf(type),
                        Access::Atomic | Access::Update | scopeFlag(atomic.getSyncscope())));
        afterwards(pointer, /*reads=*/true, /*writes=*/true, atomic.getOrdering(), atomic.getSyncscope());
        bool isSmall = isa<VectorType>(type) || type.isBF16() || type.isF16();
        return isSmall ? splitAtomic(atomic) : success();
      })
      .Case([&](LLVM::AtomicCmpXchgOp atomic) {
        Type type = atomic.getVal().getType();
        Value pointer = atomic.getPtr();
        atomic.getPtrMutable().assign(
            hostAddress(op, pointer, bytesOf(type), bytesOf(type),
                        Access::Atomic | Access::Update | Access::Read | scopeFlag(atomic.getSyncscope())));
        afterwards(pointer, /*reads=*/true, /*writes=*/true, atomic.getSuccessOrdering(),
                   atomic.getSyncscope());
        return success();
      })
      .Default([&](Operation *) { return notBuilt(op); });
}
