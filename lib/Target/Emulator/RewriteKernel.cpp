//===- RewriteKernel.cpp - a GPU function to a host function -------------------------===//

#include "KernelRewriter.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;
using ::mlora::emulator::kSharedBase;
using ::mlora::emulator::kSharedWindow;
using ::mlora::emulator::ThreadContext;

//===- helpers -----------------------------------------------------------------------===//

Value KernelRewriter::constant(Builder &b, int64_t value) {
  return LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(value));
}

Value KernelRewriter::constant32(Builder &b, uint32_t value) {
  return LLVM::ConstantOp::create(b, b.getI32Type(), b.getI32IntegerAttr(value));
}

/// Most of the context does not change while its thread runs.
Value KernelRewriter::field(Builder &b, size_t offset, Type type, bool isInvariant) {
  auto host = LLVM::LLVMPointerType::get(context);
  Value place = LLVM::GEPOp::create(b, host, b.getI8Type(), thread, ArrayRef<LLVM::GEPArg>{int32_t(offset)});
  return LLVM::LoadOp::create(b, type, place, /*alignment=*/0, /*isVolatile=*/false, /*isNonTemporal=*/false,
                              isInvariant);
}

Value KernelRewriter::specialRegister(Builder &b, SpecialRegister which) {
  return field(b, offsetof(ThreadContext, registers) + 4 * size_t(which), b.getI32Type());
}

static std::string describe(Location loc) {
  if (auto file = loc->findInstanceOf<FileLineColLoc>())
    return (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" + Twine(file.getColumn()))
        .str();
  return "";
}

uint32_t KernelRewriter::siteOf(Operation *op) {
  result.sites.push_back({op->getName().getStringRef().str(), describe(op->getLoc())});
  result.locations.push_back(op->getLoc());
  return result.sites.size() - 1;
}

static unsigned bitsOf(Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getNumElements() * vector.getElementTypeBitWidth();
  return type.getIntOrFloatBitWidth();
}

Value KernelRewriter::toSlot(Builder &b, Value value) {
  Type type = value.getType();
  if (isa<LLVM::LLVMPointerType>(type))
    return LLVM::PtrToIntOp::create(b, b.getI64Type(), value);
  unsigned bits = bitsOf(type);
  if (!isa<IntegerType>(type))
    value = LLVM::BitcastOp::create(b, b.getIntegerType(bits), value);
  return bits < 64 ? LLVM::ZExtOp::create(b, b.getI64Type(), value).getResult() : value;
}

Value KernelRewriter::fromSlot(Builder &b, Value slot, Type type) {
  if (isa<LLVM::LLVMPointerType>(type))
    return LLVM::IntToPtrOp::create(b, type, slot);
  unsigned bits = bitsOf(type);
  if (bits < 64)
    slot = LLVM::TruncOp::create(b, b.getIntegerType(bits), slot);
  return isa<IntegerType>(type) ? slot : LLVM::BitcastOp::create(b, type, slot).getResult();
}

SmallVector<Value> KernelRewriter::call(Builder &b, Emulated operation, Operation *op, ValueRange values,
                                        unsigned count) {
  auto host = LLVM::LLVMPointerType::get(context);
  mostOperands = std::max<int64_t>(mostOperands, values.size());
  mostResults = std::max<int64_t>(mostResults, count);
  auto slot = [&](Value base, size_t i) -> Value {
    return LLVM::GEPOp::create(b, host, b.getI64Type(), base, ArrayRef<LLVM::GEPArg>{int32_t(i)});
  };
  for (auto [i, value] : llvm::enumerate(values))
    LLVM::StoreOp::create(b, toSlot(b, value), slot(operands, i));
  Value table = field(b, offsetof(ThreadContext, operations), host);
  Value place = LLVM::GEPOp::create(b, host, host, table, ArrayRef<LLVM::GEPArg>{int32_t(operation)});
  Value function = LLVM::LoadOp::create(b, host, place, 8, false, false, /*isInvariant=*/true);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {host, b.getI32Type(), host, host});
  LLVM::CallOp::create(b, type, ValueRange{function, thread, constant32(b, siteOf(op)), operands, results_});
  SmallVector<Value> slots;
  for (unsigned i = 0; i < count; ++i)
    slots.push_back(LLVM::LoadOp::create(b, b.getI64Type(), slot(results_, i)));
  return slots;
}

Value KernelRewriter::packStruct(Builder &b, Type type, ArrayRef<Value> slots) {
  Value value = LLVM::PoisonOp::create(b, type);
  for (auto [i, element] : llvm::enumerate(cast<LLVM::LLVMStructType>(type).getBody()))
    value = LLVM::InsertValueOp::create(b, value, fromSlot(b, slots[i], element), int64_t(i));
  return value;
}

SmallVector<Value> KernelRewriter::unpackStruct(Builder &b, Value value) {
  SmallVector<Value> elements;
  for (int64_t i = 0, n = cast<LLVM::LLVMStructType>(value.getType()).getBody().size(); i < n; ++i)
    elements.push_back(LLVM::ExtractValueOp::create(b, value, i));
  return elements;
}

LogicalResult KernelRewriter::replaceByCall(Operation *op, Emulated operation, ArrayRef<Value> values) {
  Builder b(op->getLoc(), op);
  Type type = op->getNumResults() ? op->getResult(0).getType() : Type();
  auto fields = dyn_cast_or_null<LLVM::LLVMStructType>(type);
  SmallVector<Value> slots = call(b, operation, op, values, fields ? fields.getBody().size() : type ? 1 : 0);
  if (type)
    op->getResult(0).replaceAllUsesWith(fields ? packStruct(b, type, slots) : fromSlot(b, slots[0], type));
  op->erase();
  return success();
}

void KernelRewriter::guard(Operation *op, Value predicate) {
  if (!predicate)
    return;
  Block *before = op->getBlock(), *then = before->splitBlock(op),
        *after = then->splitBlock(op->getNextNode());
  Builder b(op->getLoc(), context);
  b.setInsertionPointToEnd(before);
  LLVM::CondBrOp::create(b, predicate, then, after);
  b.setInsertionPointToEnd(then);
  LLVM::BrOp::create(b, after);
}

LogicalResult KernelRewriter::notBuilt(Operation *op, const Twine &what) {
  InFlightDiagnostic diagnostic = op->emitError()
                                  << "mlora-emulate: '" << op->getName() << "' is not built yet";
  if (std::string text = what.str(); !text.empty())
    diagnostic << ": " << text;
  return diagnostic;
}

//===- the function ------------------------------------------------------------------===//

static bool isKernel(LLVM::LLVMFuncOp function) {
  return function->hasAttr("nvvm.kernel") || function->hasAttr("gpu.kernel");
}

/// A kernel gets the context alone, its parameters from there; another function gets the context before its
/// arguments.
void KernelRewriter::rewriteSignature() {
  Block &entry = function.getBody().front();
  auto host = LLVM::LLVMPointerType::get(context);
  Builder b(function.getLoc(), context);
  b.setInsertionPointToStart(&entry);
  bool isEntry = isKernel(function);
  thread = entry.insertArgument(0u, host, function.getLoc());
  SmallVector<Type> types = {host};
  if (isEntry) {
    SmallVector<Type> parameters(llvm::drop_begin(entry.getArgumentTypes()));
    Value table = field(b, offsetof(ThreadContext, parameters), host);
    for (auto [i, type] : llvm::enumerate(parameters)) {
      Value place = LLVM::GEPOp::create(b, host, b.getI64Type(), table, ArrayRef<LLVM::GEPArg>{int32_t(i)});
      Value slot = LLVM::LoadOp::create(b, b.getI64Type(), place, 8, false, false, /*isInvariant=*/true);
      entry.getArgument(i + 1).replaceAllUsesWith(fromSlot(b, slot, type));
    }
    entry.eraseArguments(1, parameters.size());
    result.kernels[function.getName()] = parameters;
  } else {
    llvm::append_range(types, llvm::drop_begin(entry.getArgumentTypes()));
    function.setSymVisibility("private");
  }
  function.setFunctionType(LLVM::LLVMFunctionType::get(function.getFunctionType().getReturnType(), types));
  function.removeArgAttrsAttr();
  for (NamedAttribute attribute : llvm::to_vector(function->getDiscardableAttrs()))
    function->removeDiscardableAttr(attribute.getName());
  function.removeTargetCpuAttr();
  function.removeTargetFeaturesAttr();
  function.setCConv(LLVM::CConv::C);
  function.setLinkage(LLVM::Linkage::External);
  // Filled in when all calls are known.
  operands = LLVM::AllocaOp::create(b, host, b.getI64Type(), constant(b, 1), 16);
  results_ = LLVM::AllocaOp::create(b, host, b.getI64Type(), constant(b, 1), 16);
  if (!isEntry)
    call(b, Emulated::Enter, function, {});
}

/// What stands for an undefined value, so that a kernel that reads one computes something else: NaN, and integers of
/// these bytes. Null where nothing does.
static Value shownUndefined(OpBuilder &b, Location location, Type type) {
  constexpr uint8_t kByte = 0xa5;
  if (auto fields = dyn_cast<LLVM::LLVMStructType>(type)) { // a product's sums
    Value all = LLVM::PoisonOp::create(b, location, type);
    for (auto [i, field] : llvm::enumerate(fields.getBody())) {
      Value shown = shownUndefined(b, location, field);
      if (!shown)
        return {};
      all = LLVM::InsertValueOp::create(b, location, all, shown, int64_t(i));
    }
    return all;
  }
  Type element = getElementTypeOrSelf(type);
  auto vector = dyn_cast<VectorType>(type);
  TypedAttr value;
  if (auto real = dyn_cast<FloatType>(element))
    value = b.getFloatAttr(real, APFloat::getNaN(real.getFloatSemantics()));
  else if (auto integer = dyn_cast<IntegerType>(element); integer && integer.getWidth() % 8 == 0)
    value = b.getIntegerAttr(integer, APInt::getSplat(integer.getWidth(), APInt(8, kByte)));
  if (!value || (type != element && (!vector || vector.isScalable())))
    return {};
  if (vector)
    value = DenseElementsAttr::get(vector, Attribute(value));
  return LLVM::ConstantOp::create(b, location, type, value);
}

/// Where elements are put into what is undefined, it is nothing that is read.
static void showUndefined(LLVM::LLVMFuncOp function) {
  auto isBase = [](OpOperand &use) {
    return isa<LLVM::InsertElementOp, LLVM::ShuffleVectorOp, LLVM::InsertValueOp>(use.getOwner());
  };
  SmallVector<Operation *> undefined;
  function.walk([&](Operation *op) {
    if (isa<LLVM::UndefOp, LLVM::PoisonOp>(op) && !llvm::all_of(op->getUses(), isBase))
      undefined.push_back(op);
  });
  for (Operation *op : undefined) {
    OpBuilder b(op);
    if (Value shown = shownUndefined(b, op->getLoc(), op->getResult(0).getType()))
      op->getResult(0).replaceUsesWithIf(shown, [&](OpOperand &use) { return !isBase(use); });
  }
}

LogicalResult KernelRewriter::run() {
  showUndefined(function);
  expandMaskedAccesses(function);
  findConstantLoads();
  SmallVector<Operation *> ops;
  function.getBody().walk([&](Operation *op) { ops.push_back(op); });
  rewriteSignature();
  for (Operation *op : ops)
    if (auto alloca = dyn_cast<LLVM::AllocaOp>(op))
      registerLocal(alloca);
  yieldInSpinningLoops();
  tagWgmmaResults();
  for (Operation *op : ops)
    if (failed(rewrite(op)))
      return failure();
  auto resize = [](LLVM::AllocaOp alloca, int64_t count) {
    auto size = alloca.getArraySize().getDefiningOp<LLVM::ConstantOp>();
    size.setValueAttr(IntegerAttr::get(size.getType(), count));
  };
  resize(operands, mostOperands);
  resize(results_, mostResults);
  // An address in any space is 64 bits on the host.
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](LLVM::LLVMPointerType type) { return LLVM::LLVMPointerType::get(context); });
  replacer.recursivelyReplaceElementsIn(function, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  return success();
}

/// PTX has no way to say these; libdevice, which is not there, would.
static bool isLibraryMath(Operation *op) {
  return isa<LLVM::ExpOp, LLVM::Exp10Op, LLVM::LogOp, LLVM::Log10Op, LLVM::PowOp, LLVM::PowIOp, LLVM::TanOp,
             LLVM::ASinOp, LLVM::ACosOp, LLVM::ATanOp, LLVM::SinhOp, LLVM::CoshOp, LLVM::TanhOp,
             LLVM::FRemOp>(op);
}

/// A GPU divides by zero without a trap; what comes out is not specified. Here it is what a divisor of one
/// gives, for the least number over minus one as well.
static void guardDivision(Operation *op) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Value divisor = op->getOperand(1);
  Type type = divisor.getType();
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(type));
  auto splat = [&](int64_t value) -> Value {
    TypedAttr element = b.getIntegerAttr(integer, value);
    if (auto vector = dyn_cast<VectorType>(type))
      return LLVM::ConstantOp::create(b, type, DenseElementsAttr::get(vector, Attribute(element)));
    return LLVM::ConstantOp::create(b, type, element);
  };
  APInt known;
  if (matchPattern(divisor, m_ConstantInt(&known)) && !known.isZero() && !known.isAllOnes())
    return;
  Value traps = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, divisor, splat(0));
  if (isa<LLVM::SDivOp, LLVM::SRemOp>(op) && integer.getWidth() > 1) {
    TypedAttr least = b.getIntegerAttr(integer, APInt::getSignedMinValue(integer.getWidth()));
    Value leastValue = isa<VectorType>(type)
                           ? LLVM::ConstantOp::create(
                                 b, type, DenseElementsAttr::get(cast<VectorType>(type), Attribute(least)))
                           : LLVM::ConstantOp::create(b, type, least);
    Value overflows =
        LLVM::AndOp::create(b, LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, divisor, splat(-1)),
                            LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, op->getOperand(0), leastValue));
    traps = LLVM::OrOp::create(b, traps, overflows);
  }
  op->setOperand(1, LLVM::SelectOp::create(b, traps, splat(1), divisor));
}

/// An op that takes pointers and does more with them than to pass them on: an access that nobody would check.
static bool mayAccessMemory(Operation *op) {
  auto isPointer = [](Type type) { return isa<LLVM::LLVMPointerType>(getElementTypeOrSelf(type)); };
  return llvm::any_of(op->getOperandTypes(), isPointer) && !op->hasTrait<OpTrait::IsTerminator>() &&
         !isMemoryEffectFree(op) &&
         !isa<LLVM::LifetimeStartOp, LLVM::LifetimeEndOp, LLVM::InvariantStartOp, LLVM::InvariantEndOp,
              LLVM::AssumeOp, LLVM::StackRestoreOp, LLVM::DbgDeclareOp, LLVM::DbgValueOp, LLVM::VarAnnotation,
              LLVM::PtrAnnotation, LLVM::LaunderInvariantGroupOp, LLVM::StripInvariantGroupOp,
              LLVM::Prefetch>(op);
}

static bool isBF16(Type type) { return getElementTypeOrSelf(type).isBF16(); }

/// An op that is right in f32, its result rounded once.
static bool isRightInF32(Operation *op) {
  return isa<LLVM::FAddOp, LLVM::FSubOp, LLVM::FMulOp, LLVM::FDivOp, LLVM::FNegOp, LLVM::FMAOp,
             LLVM::FMulAddOp, LLVM::MaxNumOp, LLVM::MinNumOp, LLVM::MaximumOp, LLVM::MinimumOp,
             LLVM::FPTruncOp, LLVM::FPExtOp, LLVM::FCmpOp, LLVM::SIToFPOp, LLVM::UIToFPOp, LLVM::FPToSIOp,
             LLVM::FPToUIOp, LLVM::FAbsOp, LLVM::CopySignOp, LLVM::SqrtOp, LLVM::FFloorOp, LLVM::FCeilOp,
             LLVM::FTruncOp, LLVM::RintOp, LLVM::NearbyintOp, LLVM::RoundOp, LLVM::RoundEvenOp,
             LLVM::vector_reduce_fmax, LLVM::vector_reduce_fmin, LLVM::vector_reduce_fmaximum,
             LLVM::vector_reduce_fminimum>(op);
}

/// An op that only moves numbers.
static bool isMove(Operation *op) {
  return isa<LLVM::BitcastOp, LLVM::SelectOp, LLVM::FreezeOp, LLVM::ConstantOp, LLVM::UndefOp, LLVM::PoisonOp,
             LLVM::ZeroOp, LLVM::ExtractElementOp, LLVM::InsertElementOp, LLVM::ExtractValueOp,
             LLVM::InsertValueOp, LLVM::ShuffleVectorOp, LLVM::vector_extract, LLVM::vector_insert,
             LLVM::vector_interleave2, LLVM::vector_deinterleave2, LLVM::CallOp, LLVM::CallIntrinsicOp,
             LLVM::InlineAsmOp>(op) ||
         op->hasTrait<OpTrait::IsTerminator>();
}

LogicalResult KernelRewriter::rewrite(Operation *op) {
  if (op->getName().getDialectNamespace() == NVVM::NVVMDialect::getDialectNamespace())
    return rewriteNVVM(op);
  if (isa<LLVM::LoadOp, LLVM::StoreOp, LLVM::AtomicRMWOp, LLVM::AtomicCmpXchgOp>(op))
    return rewriteMemory(op);
  if (isLibraryMath(op))
    return op->emitError() << "mlora-emulate: NVPTX has no '" << op->getName()
                           << "': lower it to what it has (exp2, log2, …)";
  if (llvm::any_of(op->getOperandTypes(), isBF16) || llvm::any_of(op->getResultTypes(), isBF16)) {
    if (isRightInF32(op))
      return rewriteBF16(op);
    if (!isMove(op))
      return notBuilt(op, "of bf16");
  }
  if (isa<LLVM::MaxNumOp, LLVM::MinNumOp, LLVM::MaximumOp, LLVM::MinimumOp>(op) &&
      getElementTypeOrSelf(op->getResult(0).getType()).isF16()) {
    widenF16(op);
    return success();
  }
  if (isa<LLVM::SDivOp, LLVM::SRemOp, LLVM::UDivOp, LLVM::URemOp>(op)) {
    guardDivision(op);
    return success();
  }
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](LLVM::AddressOfOp address) { return rewriteAddress(address); })
      .Case([&](LLVM::AddrSpaceCastOp cast) {
        rewriteCast(cast);
        return success();
      })
      .Case([&](LLVM::CallOp callOp) { return rewriteCall(callOp); })
      .Case([&](LLVM::CallIntrinsicOp intrinsic) { return rewriteIntrinsic(intrinsic); })
      .Case<LLVM::Exp2Op>([&](auto) { return rewriteUnaryMath(op, Emulated::Exp2); })
      .Case<LLVM::Log2Op>([&](auto) { return rewriteUnaryMath(op, Emulated::Log2); })
      .Case<LLVM::SinOp>([&](auto) { return rewriteUnaryMath(op, Emulated::Sin); })
      .Case<LLVM::CosOp>([&](auto) { return rewriteUnaryMath(op, Emulated::Cos); })
      .Case([&](LLVM::FenceOp fence) {
        Builder b(op->getLoc(), op);
        return replaceByCall(op, Emulated::Fence, {constant(b, isOfBlock(fence.getSyncscope()))});
      })
      .Case([&](LLVM::UnreachableOp) { // behind an exit or a trap it is not
        Builder b(op->getLoc(), op);
        call(b, Emulated::Trap, op, {});
        return success();
      })
      .Case<LLVM::Trap, LLVM::DebugTrap>([&](auto) { return replaceByCall(op, Emulated::Trap, {}); })
      .Case([&](LLVM::InlineAsmOp code) { return rewriteAssembly(code); })
      .Case<LLVM::MemcpyOp, LLVM::MemmoveOp, LLVM::MemsetOp, LLVM::MemcpyInlineOp, LLVM::MemsetInlineOp>(
          [&](auto) { return rewriteMemoryCopy(op); })
      .Default([&](Operation *) {
        if (!isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()) || mayAccessMemory(op))
          return notBuilt(op);
        return success(); // everything else of the llvm dialect means the same here and there
      });
}

LogicalResult KernelRewriter::rewriteAddress(LLVM::AddressOfOp op) {
  Builder b(op.getLoc(), op);
  Value address;
  if (auto shared = layout.shared.find(op.getGlobalName()); shared != layout.shared.end()) {
    address = constant(b, shared->second);
  } else if (auto other = layout.others.find(op.getGlobalName()); other != layout.others.end()) {
    if (!isKernel(function) && !result.kernels.count(function.getName()))
      return notBuilt(op, "a global outside shared memory, used by a function that is no kernel");
    unsigned slot = result.kernels[function.getName()].size() + other->second;
    Value table = field(b, offsetof(ThreadContext, parameters), LLVM::LLVMPointerType::get(context));
    Value place =
        LLVM::GEPOp::create(b, table.getType(), b.getI64Type(), table, ArrayRef<LLVM::GEPArg>{int32_t(slot)});
    address = LLVM::LoadOp::create(b, b.getI64Type(), place, 8, false, false, /*isInvariant=*/true);
  } else {
    return notBuilt(op, "the address of a function");
  }
  op.replaceAllUsesWith(LLVM::IntToPtrOp::create(b, op.getType(), address).getResult());
  op.erase();
  return success();
}

/// Shared memory is a window of the generic space; the other spaces are parts of it as they are.
void KernelRewriter::rewriteCast(LLVM::AddrSpaceCastOp op) {
  auto spaceOf = [](Type type) {
    unsigned space = cast<LLVM::LLVMPointerType>(type).getAddressSpace();
    return space == 7 ? 3u : space;
  };
  Builder b(op.getLoc(), op);
  unsigned from = spaceOf(op.getArg().getType()), to = spaceOf(op.getType());
  Value value = op.getArg();
  if ((from == 3) != (to == 3)) {
    Value address = LLVM::PtrToIntOp::create(b, b.getI64Type(), value);
    address = from == 3 ? LLVM::AddOp::create(b, address, constant(b, kSharedWindow)).getResult()
                        : LLVM::SubOp::create(b, address, constant(b, kSharedWindow)).getResult();
    value = LLVM::IntToPtrOp::create(b, op.getType(), address);
  }
  op.replaceAllUsesWith(value);
  op.erase();
}

LogicalResult KernelRewriter::rewriteCall(LLVM::CallOp op) {
  if (op->getParentOfType<ModuleOp>() && op.getCallee()) {
    auto callee = SymbolTable::lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(op, op.getCalleeAttr());
    if (!callee || callee.isExternal()) {
      if (std::optional<LogicalResult> done = rewriteExternalCall(op, *op.getCallee()))
        return *done;
      return op.emitError() << "mlora-emulate: calls '" << *op.getCallee()
                            << "', which the module does not define and NVPTX does not have";
    }
  } else {
    return notBuilt(op, "an indirect call");
  }
  op.getCalleeOperandsMutable().assign(llvm::to_vector(
      llvm::concat<Value>(SmallVector<Value>{thread}, SmallVector<Value>(op.getCalleeOperands()))));
  return success();
}

LogicalResult KernelRewriter::rewriteUnaryMath(Operation *op, Emulated function) {
  if (!op->getResult(0).getType().isF32())
    return notBuilt(op, "on anything but f32");
  return replaceByCall(op, function, {op->getOperand(0)});
}

//===- bf16 --------------------------------------------------------------------------===//

/// The same shape with elements of another type.
static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

static Value splat(ImplicitLocOpBuilder &b, Type type, uint32_t bits) {
  auto element = b.getIntegerAttr(getElementTypeOrSelf(type), bits);
  if (auto vector = dyn_cast<VectorType>(type))
    return LLVM::ConstantOp::create(b, type, DenseElementsAttr::get(vector, Attribute(element)));
  return LLVM::ConstantOp::create(b, type, element);
}

static Value extend(ImplicitLocOpBuilder &b, Value value) {
  Type i16 = withElement(value.getType(), b.getI16Type()), i32 = withElement(value.getType(), b.getI32Type());
  Value bits = LLVM::ZExtOp::create(b, i32, LLVM::BitcastOp::create(b, i16, value));
  return LLVM::BitcastOp::create(b, withElement(value.getType(), b.getF32Type()),
                                 LLVM::ShlOp::create(b, bits, splat(b, i32, 16)));
}

/// To the nearest, ties to even; any NaN becomes 0x7fff, as cvt.rn.bf16.f32 makes it.
static Value truncate(ImplicitLocOpBuilder &b, Value value) {
  Type i32 = withElement(value.getType(), b.getI32Type()), i16 = withElement(value.getType(), b.getI16Type());
  Value bits = LLVM::BitcastOp::create(b, i32, value);
  Value isOdd = LLVM::AndOp::create(b, LLVM::LShrOp::create(b, bits, splat(b, i32, 16)), splat(b, i32, 1));
  Value rounded = LLVM::AddOp::create(b, bits, LLVM::AddOp::create(b, isOdd, splat(b, i32, 0x7fff)));
  Value high = LLVM::TruncOp::create(b, i16, LLVM::LShrOp::create(b, rounded, splat(b, i32, 16)));
  Value isNaN = LLVM::FCmpOp::create(b, LLVM::FCmpPredicate::uno, value, value);
  Value chosen = LLVM::SelectOp::create(b, isNaN, splat(b, i16, 0x7fff), high);
  return LLVM::BitcastOp::create(b, withElement(value.getType(), b.getBF16Type()), chosen);
}

/// The greater or lesser of two in f32, which hosts have instructions for; none calls a library.
void KernelRewriter::widenF16(Operation *op) {
  Builder b(op->getLoc(), op);
  Type type = op->getResult(0).getType(), wide = withElement(type, b.getF32Type());
  for (OpOperand &operand : op->getOpOperands())
    operand.set(LLVM::FPExtOp::create(b, wide, operand.get()));
  op->getResult(0).setType(wide);
  b.setInsertionPointAfter(op);
  auto narrow = LLVM::FPTruncOp::create(b, type, op->getResult(0));
  op->getResult(0).replaceAllUsesExcept(narrow, narrow);
}

LogicalResult KernelRewriter::rewriteBF16(Operation *op) {
  Builder b(op->getLoc(), op);
  Type f32 = b.getF32Type();
  auto wide = [&](Value value) { return isBF16(value.getType()) ? extend(b, value) : value; };
  Type type = op->getResult(0).getType();
  Value result;
  if (isa<LLVM::FPExtOp>(op)) {
    result = wide(op->getOperand(0));
    if (result.getType() != type)
      result = LLVM::FPExtOp::create(b, type, result);
  } else if (isa<LLVM::FPTruncOp>(op)) {
    result = op->getOperand(0);
    if (!getElementTypeOrSelf(result.getType()).isF32())
      result = LLVM::FPTruncOp::create(b, withElement(type, f32), result);
    result = truncate(b, result);
  } else {
    Operation *copy = op->clone();
    b.insert(copy);
    for (OpOperand &operand : copy->getOpOperands()) {
      b.setInsertionPoint(copy);
      operand.set(wide(operand.get()));
    }
    b.setInsertionPointAfter(copy);
    result = copy->getResult(0);
    if (isBF16(type)) {
      result.setType(withElement(type, f32));
      result = truncate(b, result);
    }
  }
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return success();
}

/// What is left of bf16 once arithmetic is in f32 only moves: as its bits. CPUs without the type would widen and round
/// it to take an element out of a vector, and call a library to do so.
static void keepBF16AsBits(ModuleOp program) {
  AttrTypeReplacer replacer;
  Type i16 = IntegerType::get(program.getContext(), 16);
  replacer.addReplacement([=](BFloat16Type) { return i16; });
  replacer.addReplacement([=](FloatAttr value) -> std::optional<std::pair<Attribute, WalkResult>> {
    if (!value.getType().isBF16())
      return std::nullopt;
    return std::make_pair(Attribute(IntegerAttr::get(i16, value.getValue().bitcastToAPInt())), WalkResult::skip());
  });
  replacer.addReplacement([=](DenseFPElementsAttr values) -> std::optional<std::pair<Attribute, WalkResult>> {
    if (!values.getElementType().isBF16())
      return std::nullopt;
    return std::make_pair(Attribute(values.bitcast(i16)), WalkResult::skip());
  });
  replacer.recursivelyReplaceElementsIn(program, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
}

//===- the module --------------------------------------------------------------------===//

/// Bytes of a global's initial value; none: zeros.
static FailureOr<std::vector<char>> initialBytes(LLVM::GlobalOp global, size_t size) {
  std::vector<char> bytes(size);
  auto value = global.getValueOrNull();
  if (!value)
    return global.getInitializerBlock() ? FailureOr<std::vector<char>>() : bytes;
  if (auto text = dyn_cast<StringAttr>(value)) {
    std::copy_n(text.data(), std::min(size, text.size()), bytes.begin());
    return bytes;
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense || dense.getElementType().getIntOrFloatBitWidth() % 8)
    return failure();
  ArrayRef<char> raw = dense.getRawData();
  for (size_t at = 0; at < size; at += raw.size()) // a splat has one element
    std::copy_n(raw.begin(), std::min(raw.size(), size - at), bytes.begin() + at);
  return bytes;
}

/// Static shared memory that a kernel and the functions that it calls name.
static uint64_t sharedBytesOf(LLVM::LLVMFuncOp kernel, gpu::GPUModuleOp module) {
  DataLayout dataLayout = DataLayout::closest(module);
  llvm::SetVector<Operation *> functions;
  llvm::DenseSet<StringAttr> named;
  functions.insert(kernel);
  for (unsigned i = 0; i < functions.size(); ++i)
    functions[i]->walk([&](Operation *op) {
      if (auto address = dyn_cast<LLVM::AddressOfOp>(op))
        named.insert(address.getGlobalNameAttr().getAttr());
      if (auto call = dyn_cast<LLVM::CallOp>(op); call && call.getCallee())
        if (auto callee = module.lookupSymbol<LLVM::LLVMFuncOp>(*call.getCallee()))
          functions.insert(callee);
    });
  uint64_t bytes = 0;
  for (auto global : module.getOps<LLVM::GlobalOp>())
    if (global.getAddrSpace() == 3 && named.contains(global.getSymNameAttr())) {
      bytes = llvm::alignTo(
          bytes, global.getAlignment().value_or(dataLayout.getTypeABIAlignment(global.getType())));
      bytes += dataLayout.getTypeSize(global.getType()).getFixedValue();
    }
  return bytes;
}

FailureOr<EmulatedModule> mlir::mlora::rewriteForEmulator(gpu::GPUModuleOp module, bool leavesGaps) {
  EmulatedModule result;
  GlobalLayout layout;
  DataLayout dataLayout = DataLayout::closest(module);
  auto alignmentOf = [&](LLVM::GlobalOp global) -> uint64_t {
    return global.getAlignment().value_or(dataLayout.getTypeABIAlignment(global.getType()));
  };
  // Gaps are of the greatest alignment, so that addresses lie in patterns of swizzles where they would
  // without them; all together of no more than descriptors can still address.
  uint64_t gap = 1024, gaps = 0, shared = kSharedBase;
  constexpr uint64_t mostGaps = 24 << 10;
  for (auto global : module.getOps<LLVM::GlobalOp>())
    if (global.getAddrSpace() == 3)
      gap = std::max(gap, alignmentOf(global));
  auto leaveGap = [&] { // behind the array that ends at `shared`
    if (!leavesGaps || shared == kSharedBase || gaps + gap > mostGaps)
      return;
    result.sharedGaps.push_back({shared + gaps, gap});
    gaps += gap;
  };
  SmallVector<LLVM::GlobalOp> dynamic;
  for (auto global : module.getOps<LLVM::GlobalOp>()) {
    uint64_t size = dataLayout.getTypeSize(global.getType()).getFixedValue();
    uint64_t alignment = alignmentOf(global);
    if (global.getAddrSpace() == 3) {
      if (size == 0) {
        dynamic.push_back(global);
        continue;
      }
      leaveGap();
      shared = llvm::alignTo(shared, alignment);
      layout.shared[global.getSymName()] = shared + gaps;
      shared += size;
      continue;
    }
    FailureOr<std::vector<char>> bytes = initialBytes(global, size);
    if (failed(bytes)) {
      global.emitError(
          "mlora-emulate: this initial value is not built yet: only dense ones of whole bytes are");
      return failure();
    }
    layout.others[global.getSymName()] = result.globals.size();
    result.globals.push_back({"global @" + global.getSymName().str(), std::move(*bytes)});
  }
  // Dynamic shared memory begins after the static: every symbol without a size is its start.
  if (!dynamic.empty())
    leaveGap();
  for (LLVM::GlobalOp global : dynamic)
    shared = llvm::alignTo(shared, std::max<uint64_t>(16, global.getAlignment().value_or(16)));
  for (LLVM::GlobalOp global : dynamic)
    layout.shared[global.getSymName()] = shared + gaps;
  result.staticSharedBytes = shared - kSharedBase;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    if (!function.isExternal() && isKernel(function))
      result.staticSharedOf[function.getName()] = sharedBytesOf(function, module);

  result.program = ModuleOp::create(module.getLoc());
  OpBuilder builder = OpBuilder::atBlockEnd(result.program->getBody());
  SmallVector<LLVM::LLVMFuncOp> functions;
  for (Operation &op : *module.getBody()) {
    if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op)) {
      auto copy = cast<LLVM::LLVMFuncOp>(builder.clone(op));
      if (!copy.isExternal())
        functions.push_back(copy);
    } else if (!isa<LLVM::GlobalOp>(op)) {
      op.emitError() << "mlora-emulate: '" << op.getName() << "' is left in the gpu.module after lowering";
      return failure();
    }
  }
  for (LLVM::LLVMFuncOp function : functions)
    if (failed(KernelRewriter(function, result, layout).run()))
      return failure();
  for (auto function : llvm::to_vector(result.program->getOps<LLVM::LLVMFuncOp>()))
    if (function.isExternal())
      function.erase();
  keepBF16AsBits(*result.program);
  return result;
}
