//===- WgmmaTags.cpp - who reads a wgmma's results before its wait --------------------===//
//
// In SSA a product's sums are its result; on the device they are registers that the tensor cores write until
// a wait. A tag beside each such value, carried through structs and branches, says which product it comes
// from (or that an ordinary instruction wrote it, after how many fences): where an ordinary instruction uses
// the value, code in line asks whether a wait has covered that product; a product asks whether a fence has
// followed the write of its accumulators. Structs alone are not uses: they are gone in PTX.

#include "KernelRewriter.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::mlora;
using ::mlora::emulator::kWrittenTag;
using ::mlora::emulator::ThreadContext;

/// Calls `f(block argument, value)` for what every branch to a block passes.
template <typename F> static void forPassedValues(Operation *terminator, F f) {
  auto branch = dyn_cast<BranchOpInterface>(terminator);
  if (!branch)
    return;
  for (unsigned i = 0; i < terminator->getNumSuccessors(); ++i) {
    SuccessorOperands operands = branch.getSuccessorOperands(i);
    Block *to = terminator->getSuccessor(i);
    for (unsigned k = operands.getProducedOperandCount(); k < operands.size(); ++k)
      f(to->getArgument(k), operands[k]);
  }
}

namespace {
/// The values that have tags of their own: what comes from a product's results, and what leads to its sums.
struct TaggedValues {
  explicit TaggedValues(LLVM::LLVMFuncOp function) {
    function.walk([&](Operation *op) {
      if (op->hasTrait<OpTrait::IsTerminator>())
        forPassedValues(op, [&](BlockArgument to, Value from) { passed.push_back({to, from}); });
    });
    function.walk([&](NVVM::WgmmaMmaAsyncOp product) {
      addResult(product.getResult());
      addSource(product.getInouts());
    });
  }
  /// From a product on.
  void addResult(Value value) {
    if (!results.insert(value))
      return;
    for (Operation *user : value.getUsers())
      if (isa<LLVM::ExtractValueOp, LLVM::InsertValueOp>(user))
        addResult(user->getResult(0));
    for (auto [to, from] : passed)
      if (from == value)
        addResult(to);
  }
  /// Back from a product.
  void addSource(Value value) {
    if (!sources.insert(value))
      return;
    if (auto insert = value.getDefiningOp<LLVM::InsertValueOp>()) {
      addSource(insert.getContainer());
      addSource(insert.getValue());
    } else if (auto extract = value.getDefiningOp<LLVM::ExtractValueOp>()) {
      addSource(extract.getContainer());
    }
    for (auto [to, from] : passed)
      if (to == value)
        addSource(from);
  }
  bool contains(Value value) const { return results.contains(value) || sources.contains(value); }

  SmallVector<std::pair<BlockArgument, Value>> passed;
  llvm::SetVector<Value> results, sources;
};
} // namespace

void KernelRewriter::tagWgmmaResults() {
  SmallVector<NVVM::WgmmaMmaAsyncOp> products;
  function.walk([&](NVVM::WgmmaMmaAsyncOp product) { products.push_back(product); });
  if (products.empty())
    return;
  TaggedValues tagged(function);
  Builder b(function.getLoc(), context);
  Type i64 = b.getI64Type();
  llvm::DenseMap<Value, Value> tags;
  llvm::DenseMap<Operation *, Value> fencesAfter;
  llvm::DenseMap<Block *, Value> fencesAt;
  Block *entry = &function.getBody().front();
  b.setInsertionPointToStart(entry);
  Value zero = constant(b, 0);
  auto fences = [&] { // where the builder stands
    return LLVM::OrOp::create(b, field(b, offsetof(ThreadContext, wgmmaFences), i64, /*isInvariant=*/false),
                              constant(b, kWrittenTag))
        .getResult();
  };
  // The tag of what an ordinary instruction writes: loaded once behind each fence.
  auto written = [&](Operation *op) {
    for (Operation *at = op; at; at = at->getPrevNode())
      if (isa<NVVM::WgmmaFenceAlignedOp>(at)) {
        Value &known = fencesAfter[at];
        if (!known) {
          b.setInsertionPointAfter(at);
          known = fences();
        }
        return known;
      }
    Value &known = fencesAt[op->getBlock()];
    if (!known) {
      b.setInsertionPointToStart(op->getBlock());
      if (op->getBlock() == entry)
        b.setInsertionPointAfter(zero.getDefiningOp());
      known = fences();
    }
    return known;
  };

  for (Value value : llvm::concat<const Value>(tagged.results.getArrayRef(), tagged.sources.getArrayRef())) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getOwner() != entry && !tags.count(value))
      tags[value] = argument.getOwner()->addArgument(i64, function.getLoc());
  }
  std::function<Value(Value)> tagOf = [&](Value value) -> Value {
    if (Value known = tags.lookup(value))
      return known;
    Operation *op = value.getDefiningOp();
    Value tag;
    if (!op || op->hasTrait<OpTrait::ConstantLike>() ||
        isa<LLVM::UndefOp, LLVM::PoisonOp, LLVM::ZeroOp>(op)) {
      tag = zero;
    } else if (isa<NVVM::WgmmaMmaAsyncOp>(op)) {
      b.setInsertionPointAfter(op);
      tag = field(b, offsetof(ThreadContext, wgmmaMoment), i64, /*isInvariant=*/false);
    } else if (auto extract = dyn_cast<LLVM::ExtractValueOp>(op)) {
      tag = tagged.contains(value) ? tagOf(extract.getContainer()) : written(op);
    } else if (auto insert = dyn_cast<LLVM::InsertValueOp>(op); insert && tagged.contains(value)) {
      Value container = tagOf(insert.getContainer()), inserted = tagOf(insert.getValue());
      if (container == inserted || inserted == zero) {
        tag = container;
      } else if (container == zero) {
        tag = inserted;
      } else {
        b.setInsertionPointAfter(op);
        tag = LLVM::UMaxOp::create(b, container, inserted);
      }
    } else {
      tag = written(op);
    }
    tags[value] = tag;
    return tag;
  };

  for (NVVM::WgmmaMmaAsyncOp product : products) {
    Value tag = tagOf(product.getInouts());
    tagOf(product.getResult());
    b.setInsertionPoint(product);
    Value place =
        LLVM::GEPOp::create(b, LLVM::LLVMPointerType::get(context), b.getI8Type(), thread,
                            ArrayRef<LLVM::GEPArg>{int32_t(offsetof(ThreadContext, wgmmaAccumulators))});
    LLVM::StoreOp::create(b, tag, place);
  }
  // Every branch to a block passes the tags of what it passes, in the order of their arguments.
  for (Block &block : function.getBody()) {
    Operation *terminator = block.getTerminator();
    auto branch = dyn_cast<BranchOpInterface>(terminator);
    if (!branch)
      continue;
    for (unsigned i = 0; i < terminator->getNumSuccessors(); ++i) {
      SmallVector<std::pair<unsigned, Value>> added; // (number of the tag's argument, what it speaks of)
      SuccessorOperands operands = branch.getSuccessorOperands(i);
      for (unsigned k = operands.getProducedOperandCount(), n = operands.size(); k < n; ++k)
        if (Value tag = tags.lookup(terminator->getSuccessor(i)->getArgument(k)))
          if (auto argument = dyn_cast<BlockArgument>(tag);
              argument && argument.getOwner() == terminator->getSuccessor(i))
            added.push_back({argument.getArgNumber(), operands[k]});
      llvm::sort(added, [](auto &x, auto &y) { return x.first < y.first; });
      for (auto &[number, value] : added)
        branch.getSuccessorOperands(i).append(tagOf(value));
    }
  }

  // Uses by ordinary instructions, once in a block and behind each fence for each tag: what is readable stays
  // readable, and what has been read stays so until a fence.
  SmallVector<std::pair<Operation *, Value>> checks;
  llvm::DenseSet<std::pair<unsigned, Value>> isChecked;
  unsigned part = 0; // of a block, between two fences
  Block *last = nullptr;
  function.walk([&](Operation *op) {
    if (op->getBlock() != last || isa<NVVM::WgmmaFenceAlignedOp>(op))
      ++part;
    last = op->getBlock();
    if (isa<LLVM::ExtractValueOp, NVVM::WgmmaMmaAsyncOp>(op))
      return;
    llvm::SetVector<Value> values;
    if (auto insert = dyn_cast<LLVM::InsertValueOp>(op)) {
      // An element that is written anew is one of the registers.
      if (tagged.results.contains(insert.getContainer()) && !tagged.results.contains(insert.getValue()))
        values.insert(insert.getContainer());
    } else {
      llvm::SmallDenseSet<Value> carried;
      forPassedValues(op, [&](BlockArgument, Value from) { carried.insert(from); });
      for (Value operand : op->getOperands())
        if (tagged.results.contains(operand) && !carried.contains(operand))
          values.insert(operand);
    }
    for (Value value : values) {
      Value tag = tags.lookup(value);
      if (!tag)
        tag = tagOf(value);
      if (tag != zero && isChecked.insert({part, tag}).second)
        checks.push_back({op, tag});
    }
  });
  for (auto [op, tag] : checks) {
    Block *before = op->getBlock(), *after = before->splitBlock(op), *check = new Block();
    check->insertBefore(after);
    b.setInsertionPointToEnd(before);
    Value retired = field(b, offsetof(ThreadContext, wgmmaRetired), i64, /*isInvariant=*/false);
    Value isLater = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ugt, tag, retired);
    Value isProduct = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ult, tag, constant(b, kWrittenTag));
    LLVM::CondBrOp::create(b, LLVM::AndOp::create(b, isLater, isProduct), check, ValueRange{}, after,
                           ValueRange{}, std::pair<uint32_t, uint32_t>(1, 1u << 20));
    b.setInsertionPointToEnd(check);
    call(b, Emulated::WgmmaInFlight, op, {});
    LLVM::BrOp::create(b, ValueRange{}, after);
    b.setInsertionPoint(op);
    call(b, Emulated::WgmmaRead, op, {tag});
  }
}
