//===- SpinningLoops.cpp - loops that wait for another thread's store ------------------===//
//
// A loop that carries no value from turn to turn ends only by what others do: others must get to run, and the
// machine must see that nobody can go on. One that carries values, and none of them up to a bound that is
// known before it, may be such a loop as well: its turns are counted. All others count, and cost nothing
// here.

#include "KernelRewriter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// A loop by one of its back edges.
class Loop {
public:
  Loop(Block *header, Block *latch, DominanceInfo &dominance)
      : header(header), latch(latch), dominance(dominance) {}

  /// Whether a value that grows by the same step each turn is compared with one that does not change.
  bool counts() const {
    for (BlockArgument argument : header->getArguments())
      for (OpOperand &use : argument.getUses())
        if (Operation *add = use.getOwner();
            isStep(add, argument) && isPassedBack(add->getResult(0), argument))
          if (isCompared(argument) || isCompared(add->getResult(0)))
            return true;
    return false;
  }

private:
  bool isInvariant(Value value) const {
    Block *block = value.getParentBlock();
    return (block != header && dominance.dominates(block, header)) ||
           (value.getDefiningOp() && value.getDefiningOp()->hasTrait<OpTrait::ConstantLike>());
  }
  bool isStep(Operation *op, Value counter) const {
    return isa<LLVM::AddOp, LLVM::SubOp, LLVM::LShrOp, LLVM::AShrOp, LLVM::ShlOp, LLVM::UDivOp, LLVM::SDivOp>(
               op) &&
           llvm::all_of(op->getOperands(),
                        [&](Value value) { return value == counter || isInvariant(value); });
  }
  bool isPassedBack(Value value, BlockArgument to) const {
    auto branch = cast<BranchOpInterface>(latch->getTerminator());
    for (unsigned i = 0, n = latch->getNumSuccessors(); i < n; ++i)
      if (latch->getSuccessor(i) == header && branch.getSuccessorOperands(i)[to.getArgNumber()] == value)
        return true;
    return false;
  }
  bool isCompared(Value value) const {
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      return isa<LLVM::ICmpOp>(user) && llvm::all_of(user->getOperands(), [&](Value other) {
               return other == value || isInvariant(other);
             });
    });
  }

  Block *header, *latch;
  DominanceInfo &dominance;
};

} // namespace

void KernelRewriter::yieldInSpinningLoops() {
  DominanceInfo dominance(function);
  SmallVector<std::pair<Operation *, Emulated>> jumps;
  for (Block &block : function.getBody())
    for (Block *to : block.getSuccessors()) {
      if (to->isEntryBlock() || !dominance.dominates(to, &block))
        continue;
      if (to->getNumArguments() == 0)
        jumps.push_back({block.getTerminator(), Emulated::Yield});
      else if (!Loop(to, &block, dominance).counts())
        jumps.push_back({block.getTerminator(), Emulated::Turn});
    }
  for (auto [jump, operation] : jumps) {
    Builder b(jump->getLoc(), jump);
    call(b, operation, jump, {});
  }
}

/// A comment that says nothing to the machine, and to passes that something happens.
void mlir::mlora::keepSpinningLoops(ModuleOp module) {
  module.walk([](scf::WhileOp loop) {
    if (!loop->use_empty() || !wouldOpBeTriviallyDead(loop))
      return;
    OpBuilder b(loop.getContext());
    b.setInsertionPointToStart(loop.getBeforeBody());
    LLVM::InlineAsmOp::create(b, loop.getLoc(), /*res=*/Type(), ValueRange(), kTurnComment,
                              /*constraints=*/"",
                              /*has_side_effects=*/true, /*is_align_stack=*/false, LLVM::TailCallKind::None,
                              /*asm_dialect=*/LLVM::AsmDialectAttr(), /*operand_attrs=*/ArrayAttr());
  });
}
