//===- InlinePTX.cpp - instructions that kernels write as text -------------------------===//
//
// The text becomes the calls and accesses that the ops of the same meaning become. What is not known here is
// an error with the text.

#include "KernelRewriter.h"
#include "ParsePTX.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::mlora;

namespace mlir::mlora {

/// The text of one op: `$0` and so on are results first and then operands.
class InlinePTX {
public:
  InlinePTX(KernelRewriter &rewriter, Operation *op, SmallVector<Value> inputs, SmallVector<Type> outputs)
      : rewriter(rewriter), op(op), inputs(std::move(inputs)), outputTypes(std::move(outputs)),
        outputs(outputTypes.size()), b(op->getLoc(), op) {}

  /// False: not all of it is known.
  bool run(StringRef text);
  ArrayRef<Value> results() const { return outputs; }

private:
  bool emit(const PTXInstruction &instruction);
  bool emitBarrier(StringRef name);
  bool emitMbarrier(StringRef name);
  bool emitCopy(StringRef name);
  bool emitBulkCopy(StringRef name);
  bool emitMatrix(StringRef name);
  bool emitOther(StringRef name);
  bool emitMemory(StringRef name);
  bool waitInLoop(ArrayRef<PTXInstruction> instructions);

  std::optional<unsigned> numberOf(StringRef text) const;
  Value value(StringRef text); ///< null: none of that name
  Value operand(unsigned i) { return i < current->operands.size() ? value(current->operands[i]) : Value(); }
  SmallVector<Value> values(StringRef text); ///< of a list in braces or brackets
  bool define(StringRef text, Value value);  ///< `_` for none
  Value number(int64_t value) { return rewriter.constant(b, value); }
  bool call(Emulated operation, ArrayRef<Value> values) {
    if (llvm::is_contained(values, Value()))
      return false;
    rewriter.call(b, operation, op, values);
    return true;
  }
  /// The value that comes back is the operand `to`.
  bool callInto(StringRef to, Emulated operation, ArrayRef<Value> values) {
    if (llvm::is_contained(values, Value()))
      return false;
    return define(to, rewriter.call(b, operation, op, values, 1)[0]);
  }

  KernelRewriter &rewriter;
  Operation *op;
  SmallVector<Value> inputs;
  SmallVector<Type> outputTypes;
  SmallVector<Value> outputs;
  llvm::StringMap<Value> registers; ///< that the text declares
  KernelRewriter::Builder b;
  const PTXInstruction *current = nullptr;
};

} // namespace mlir::mlora

std::optional<unsigned> InlinePTX::numberOf(StringRef text) const {
  text.consume_front("{"); // nvvm.inline_ptx: {$w0}, {$r0}
  text.consume_back("}");
  if (!text.consume_front("$") && !text.consume_front("%"))
    return {};
  bool isRead = text.consume_front("r");
  if (!isRead)
    text.consume_front("w");
  unsigned number;
  if (text.getAsInteger(10, number))
    return {};
  return isRead ? number + outputs.size() : number;
}

Value InlinePTX::value(StringRef text) {
  text = text.trim();
  if (text.starts_with("[")) {
    SmallVector<StringRef> parts = partsOf(text);
    return parts.size() == 1 ? value(parts[0]) : Value();
  }
  if (auto [base, offset] = text.split('+'); !offset.empty()) {
    Value from = value(base), by = value(offset);
    if (!from || !by)
      return {};
    return LLVM::AddOp::create(b, rewriter.toSlot(b, from), rewriter.toSlot(b, by));
  }
  if (std::optional<unsigned> number = numberOf(text)) {
    if (*number < outputs.size())
      return outputs[*number];
    return *number - outputs.size() < inputs.size() ? inputs[*number - outputs.size()] : Value();
  }
  int64_t immediate;
  if (!text.getAsInteger(0, immediate))
    return number(immediate);
  return registers.lookup(text);
}

SmallVector<Value> InlinePTX::values(StringRef text) {
  SmallVector<Value> all;
  for (StringRef part : partsOf(text))
    all.push_back(value(part));
  return all;
}

bool InlinePTX::define(StringRef text, Value slot) {
  text = text.trim();
  if (text == "_" || text.empty())
    return true;
  if (std::optional<unsigned> number = numberOf(text)) {
    if (*number >= outputs.size())
      return false;
    Type type = outputTypes[*number];
    outputs[*number] = slot.getType() == type ? slot : rewriter.fromSlot(b, slot, type);
    return true;
  }
  registers[text] = slot;
  return true;
}

bool InlinePTX::emitBarrier(StringRef name) {
  if (name.consume_front("bar.warp.sync"))
    return call(Emulated::WarpSync, {operand(0)});
  if (name.consume_front("barrier.cluster.")) {
    Value isAligned = number(name.contains(".aligned"));
    if (name.starts_with("arrive"))
      return call(Emulated::ClusterArrive, {number(name.contains(".relaxed")), isAligned});
    return name.starts_with("wait") && call(Emulated::ClusterWait, {isAligned});
  }
  if (!name.consume_front("barrier.cta.") && !name.consume_front("barrier.") && !name.consume_front("bar."))
    return false;
  Value count = current->operands.size() > 1 ? operand(1) : number(0);
  if (name == "sync" || name == "sync.aligned")
    return call(Emulated::Barrier, {operand(0), count, number(0), number(0)});
  return (name == "arrive" || name == "arrive.aligned") && call(Emulated::BarrierArrive, {operand(0), count});
}

/// Whether an mbarrier's instruction names a state or `_` before the address.
static bool hasResult(const PTXInstruction &instruction) {
  return !instruction.operands.empty() && !StringRef(instruction.operands[0]).starts_with("[");
}

bool InlinePTX::emitMbarrier(StringRef name) {
  if (!name.consume_front("mbarrier."))
    return false;
  auto isKind = [&](StringRef kind) { return name == kind || name.starts_with((kind + ".").str()); };
  if (isKind("init"))
    return call(Emulated::MbarrierInit, {operand(0), operand(1)});
  if (isKind("inval"))
    return call(Emulated::MbarrierInval, {operand(0)});
  if (isKind("expect_tx"))
    return call(Emulated::MbarrierExpectTx, {operand(0), operand(1)});
  if (isKind("complete_tx"))
    return call(Emulated::MbarrierCompleteTx, {operand(0), operand(1)});
  bool isRelaxed = name.contains(".relaxed");
  if (isKind("arrive") || isKind("arrive_drop")) {
    unsigned at = hasResult(*current);
    StringRef to = at ? StringRef(current->operands[0]) : StringRef("_");
    bool hasCount = current->operands.size() > at + 1, expects = name.contains(".expect_tx");
    Value count = hasCount ? operand(at + 1) : number(1);
    return callInto(to, Emulated::MbarrierArrive,
                    {operand(at), expects ? number(1) : count, expects ? count : number(0),
                     number(isKind("arrive_drop")), number(isRelaxed),
                     number(!name.contains(".noComplete"))});
  }
  if (isKind("test_wait") || isKind("try_wait")) {
    enum { Looks = 0, GivesUp = 2 };
    return callInto(current->operands[0], Emulated::MbarrierWait,
                    {operand(1), operand(2), number(!name.contains(".parity")),
                     number(isKind("test_wait") ? Looks : GivesUp), number(isRelaxed)});
  }
  return false;
}

/// The loop around a try_wait that PTX is written with: the text waits until the phase is over.
bool InlinePTX::waitInLoop(ArrayRef<PTXInstruction> instructions) {
  const PTXInstruction *wait = nullptr;
  bool jumps = false;
  for (const PTXInstruction &instruction : instructions) {
    StringRef name = instruction.name;
    if (name.starts_with("mbarrier.try_wait") || name.starts_with("mbarrier.test_wait")) {
      if (wait || instruction.operands.size() < 3)
        return false;
      wait = &instruction;
    } else if (name == "bra" || name.starts_with("bra.")) {
      jumps = true;
    } else {
      return false;
    }
  }
  if (!wait || !jumps)
    return false;
  current = wait;
  StringRef name = wait->name;
  return callInto("_", Emulated::MbarrierWait,
                  {operand(1), operand(2), number(!name.contains(".parity")), number(/*blocks=*/1),
                   number(name.contains(".relaxed"))});
}

bool InlinePTX::emitCopy(StringRef name) {
  if (!name.consume_front("cp.async."))
    return false;
  if (name.starts_with("bulk."))
    return emitBulkCopy(name.drop_front(5));
  if (name == "commit_group")
    return call(Emulated::CpAsyncCommit, {});
  if (name == "wait_group")
    return call(Emulated::CpAsyncWait, {operand(0)});
  if (name == "wait_all")
    return call(Emulated::CpAsyncCommit, {}) && call(Emulated::CpAsyncWait, {number(0)});
  if (name.starts_with("mbarrier.arrive"))
    return call(Emulated::CpAsyncMbarrierArrive, {operand(0), number(name.contains(".noinc"))});
  if (!name.starts_with("ca.") && !name.starts_with("cg."))
    return false;
  return call(Emulated::CpAsync,
              {operand(0), operand(1), operand(2), current->operands.size() > 3 ? operand(3) : operand(2)});
}

bool InlinePTX::emitBulkCopy(StringRef name) {
  if (name == "commit_group")
    return call(Emulated::BulkCommit, {});
  if (name.starts_with("wait_group"))
    return call(Emulated::BulkWait, {operand(0), number(name.ends_with(".read"))});
  if (name.contains("multicast") || name.contains("im2col"))
    return false;
  bool isTensor = name.consume_front("tensor."),
       loads = name.contains("shared::cluster.global") || name.contains("shared::cta.global");
  if (!isTensor)
    return loads ? call(Emulated::BulkLoad, {operand(0), operand(1), operand(3), operand(2)})
                 : name.starts_with("global.shared::cta") &&
                       call(Emulated::BulkStore, {operand(0), operand(1), operand(2)});
  // [destination], [map, {coordinates}], [mbarrier], or [map, {coordinates}], [source].
  unsigned at = loads ? 1 : 0;
  if (current->operands.size() < 2)
    return false;
  SmallVector<StringRef> map = partsOf(current->operands[at]);
  if (map.size() != 2)
    return false;
  SmallVector<Value> coordinates = values(map[1]);
  SmallVector<Value> all = loads ? SmallVector<Value>{operand(0), value(map[0]), operand(2)}
                                 : SmallVector<Value>{operand(1), value(map[0])};
  all.push_back(number(coordinates.size()));
  llvm::append_range(all, coordinates);
  return call(loads ? Emulated::TensorLoad : Emulated::TensorStore, all);
}

bool InlinePTX::emitMatrix(StringRef name) {
  bool loads = name.consume_front("ldmatrix.sync.aligned.m8n8.x"), stores = false;
  if (!loads)
    stores = name.consume_front("stmatrix.sync.aligned.m8n8.x");
  unsigned count;
  if (!(loads || stores) || name.consumeInteger(10, count) || !name.ends_with(".b16") ||
      current->operands.size() != 2)
    return false;
  Value isTransposed = number(name.contains(".trans"));
  SmallVector<StringRef> list = partsOf(current->operands[loads ? 0 : 1]);
  if (list.size() != count)
    return false;
  if (stores) {
    SmallVector<Value> all = {number(count), isTransposed, operand(0)};
    llvm::append_range(all, values(current->operands[1]));
    return call(Emulated::StMatrix, all);
  }
  if (!operand(1))
    return false;
  auto slots = rewriter.call(b, Emulated::LdMatrix, op, {number(count), isTransposed, operand(1)}, count);
  return llvm::all_of(llvm::zip(list, slots),
                      [&](auto pair) { return define(std::get<0>(pair), std::get<1>(pair)); });
}

bool InlinePTX::emitOther(StringRef name) {
  if (name.starts_with("membar.") || name.starts_with("fence.acq_rel.") || name.starts_with("fence.sc."))
    return call(Emulated::Fence, {number(name.ends_with(".cta") || name.ends_with(".cluster"))});
  if (name == "fence.mbarrier_init.release.cluster")
    return call(Emulated::FenceMbarrierInit, {});
  if (name == "fence.proxy.async" || name == "fence.proxy.async.shared::cta" ||
      name == "fence.proxy.async.shared::cluster" || name == "fence.proxy.async.global")
    return call(Emulated::FenceProxyAsync,
                {number(!name.ends_with(".global")), number(!name.contains(".shared"))});
  if (name == "wgmma.fence.sync.aligned")
    return call(Emulated::WgmmaFence, {});
  if (name == "wgmma.commit_group.sync.aligned")
    return call(Emulated::WgmmaCommit, {});
  if (name == "wgmma.wait_group.sync.aligned")
    return call(Emulated::WgmmaWait, {operand(0)});
  if (name == "setmaxnreg.inc.sync.aligned.u32" || name == "setmaxnreg.dec.sync.aligned.u32")
    return call(Emulated::SetMaxRegisters, {operand(0), number(name.contains(".inc."))});
  if (name.starts_with("griddepcontrol.") || name.starts_with("prefetch"))
    return true;
  if (name == "nanosleep.u32")
    return call(Emulated::Yield, {});
  if (name == "trap")
    return call(Emulated::Trap, {});
  if (name == "exit")
    return call(Emulated::Exit, {});
  if (name.starts_with("selp.") && current->operands.size() == 4) {
    Value yes = operand(1), no = operand(2), which = operand(3);
    if (!yes || !no || !which)
      return false;
    if (!which.getType().isInteger(1))
      which = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, rewriter.toSlot(b, which), number(0));
    return define(current->operands[0],
                  LLVM::SelectOp::create(b, which, rewriter.toSlot(b, yes), rewriter.toSlot(b, no)));
  }
  return false;
}

/// A type of PTX, by the end of an instruction's name.
static Type typeOf(ImplicitLocOpBuilder &b, StringRef suffix) {
  unsigned bits;
  if (suffix.size() < 2 || suffix.drop_front().getAsInteger(10, bits))
    return {};
  if (suffix.front() == 'f')
    return bits == 32 ? Type(b.getF32Type()) : bits == 64 ? Type(b.getF64Type()) : Type();
  bool isNumber =
      StringRef("bsu").contains(suffix.front()) && (bits == 8 || bits == 16 || bits == 32 || bits == 64);
  return isNumber ? Type(b.getIntegerType(bits)) : Type();
}

/// ld and st, with what they order.
bool InlinePTX::emitMemory(StringRef name) {
  SmallVector<StringRef> parts;
  name.split(parts, '.');
  bool loads = parts[0] == "ld";
  if ((!loads && parts[0] != "st") || current->operands.size() != 2)
    return false;
  Type element = typeOf(b, parts.back());
  unsigned space = 0, count = 1;
  bool isVolatile = false, isConstant = false;
  auto ordering = LLVM::AtomicOrdering::not_atomic;
  StringRef scope;
  for (StringRef part : llvm::drop_begin(ArrayRef(parts).drop_back())) {
    if (part == "global" || part == "shared" || part == "shared::cta")
      space = part == "global" ? 1 : 3;
    else if (part == "volatile")
      isVolatile = true;
    else if (part == "nc")
      isConstant = true;
    else if (part == "relaxed" || part == "acquire" || part == "release")
      ordering = part == "relaxed"   ? LLVM::AtomicOrdering::monotonic
                 : part == "acquire" ? LLVM::AtomicOrdering::acquire
                                     : LLVM::AtomicOrdering::release;
    else if (part == "cta" || part == "cluster" || part == "gpu" || part == "sys")
      scope = part == "cta" ? "block" : part == "gpu" ? "device" : part == "sys" ? "" : part;
    else if (part == "v2" || part == "v4")
      count = part == "v2" ? 2 : 4;
    else if (part != "weak" && !part.starts_with("L1::") && !part.starts_with("L2::") && part != "cg" &&
             part != "ca" && part != "cs" && part != "lu" && part != "cv" && part != "wb" && part != "wt")
      return false;
  }
  Value address = operand(loads ? 1 : 0);
  if (!element || !address || (count > 1 && ordering != LLVM::AtomicOrdering::not_atomic))
    return false;
  Type type = count > 1 ? VectorType::get({count}, element) : element;
  auto pointerType = LLVM::LLVMPointerType::get(b.getContext(), space);
  if (address.getType() != pointerType)
    address = LLVM::IntToPtrOp::create(b, pointerType, rewriter.toSlot(b, address));
  unsigned alignment = count * element.getIntOrFloatBitWidth() / 8;
  SmallVector<StringRef> list = partsOf(current->operands[loads ? 0 : 1]);
  if (list.size() != count)
    return false;
  auto lane = [&](unsigned i) { return rewriter.constant32(b, i); };
  if (loads) {
    auto load = LLVM::LoadOp::create(b, type, address, alignment, isVolatile, /*isNonTemporal=*/false,
                                     /*isInvariant=*/false, /*isInvariantGroup=*/false, ordering, scope);
    if (isConstant)
      rewriter.constantLoads.insert(load);
    Value loaded = load;
    for (unsigned i = 0; i < count; ++i) {
      Value one = count > 1 ? LLVM::ExtractElementOp::create(b, loaded, lane(i)).getResult() : loaded;
      // A register may be wider than what is loaded.
      if (!define(list[i], one.getType().isInteger() && one.getType().getIntOrFloatBitWidth() < 64
                               ? rewriter.toSlot(b, one)
                               : one))
        return false;
    }
    return succeeded(rewriter.rewriteMemory(load));
  }
  Value stored = count > 1 ? LLVM::PoisonOp::create(b, type).getResult() : Value();
  for (unsigned i = 0; i < count; ++i) {
    Value one = value(list[i]);
    if (!one)
      return false;
    if (one.getType() != element)
      one = rewriter.fromSlot(b, rewriter.toSlot(b, one), element);
    stored = count > 1 ? LLVM::InsertElementOp::create(b, stored, one, lane(i)).getResult() : one;
  }
  auto store = LLVM::StoreOp::create(b, stored, address, alignment, isVolatile, /*isNonTemporal=*/false,
                                     /*isInvariantGroup=*/false, ordering, scope);
  return succeeded(rewriter.rewriteMemory(store));
}

bool InlinePTX::emit(const PTXInstruction &instruction) {
  current = &instruction;
  b.setInsertionPoint(op); // an access has split the block
  StringRef name = instruction.name;
  if (!instruction.predicate.empty())
    return false;
  return emitBarrier(name) || emitMbarrier(name) || emitCopy(name) || emitMatrix(name) || emitOther(name) ||
         emitMemory(name);
}

bool InlinePTX::run(StringRef text) {
  SmallVector<PTXInstruction> instructions = parsePTX(text);
  if (instructions.empty())
    return false;
  return (waitInLoop(instructions) ||
          llvm::all_of(instructions, [&](const PTXInstruction &one) { return emit(one); })) &&
         !llvm::is_contained(outputs, Value());
}

LogicalResult KernelRewriter::rewriteAssembly(LLVM::InlineAsmOp op) {
  Builder b(op->getLoc(), op);
  if (op.getAsmString() == kTurnComment)
    return replaceByCall(op, Emulated::Yield, {});
  SmallVector<Type> types;
  auto fields = op->getNumResults() ? dyn_cast<LLVM::LLVMStructType>(op->getResult(0).getType())
                                    : LLVM::LLVMStructType();
  if (fields)
    llvm::append_range(types, fields.getBody());
  else if (op->getNumResults())
    types.push_back(op->getResult(0).getType());
  InlinePTX text(*this, op, llvm::to_vector(op.getOperands()), types);
  if (!text.run(op.getAsmString()))
    return notBuilt(op, "\"" + op.getAsmString() + "\"");
  if (op->getNumResults()) {
    b.setInsertionPoint(op);
    Value result = fields ? LLVM::PoisonOp::create(b, fields).getResult() : text.results()[0];
    for (auto [i, part] : llvm::enumerate(text.results()))
      if (fields)
        result = LLVM::InsertValueOp::create(b, result, part, int64_t(i));
    op->getResult(0).replaceAllUsesWith(result);
  }
  op.erase();
  return success();
}

LogicalResult KernelRewriter::rewriteInlinePTX(Operation *operation) {
  auto op = cast<NVVM::InlinePtxOp>(operation);
  if (!op.getReadWriteArgs().empty() || (op.getPredicate() && op->getNumResults()))
    return notBuilt(op, "\"" + op.getPtxCode() + "\"");
  if (op.getPredicate())
    guard(op, op.getPredicate());
  InlinePTX text(*this, op, llvm::to_vector(op.getReadOnlyArgs()), llvm::to_vector(op->getResultTypes()));
  if (!text.run(op.getPtxCode()))
    return notBuilt(op, "\"" + op.getPtxCode() + "\"");
  op->replaceAllUsesWith(text.results());
  op.erase();
  return success();
}
