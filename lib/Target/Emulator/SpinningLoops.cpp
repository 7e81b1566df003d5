//===- SpinningLoops.cpp - loops that wait for another thread's store ------------------===//
//
// A loop that carries no value from turn to turn ends only by what others do: others must get to run, and the
// machine must see that nobody can go on. All other loops count, and cost nothing here.

#include "KernelRewriter.h"

#include "mlir/IR/Dominance.h"

using namespace mlir;
using namespace mlir::mlora;

void KernelRewriter::yieldInSpinningLoops() {
  DominanceInfo dominance(function);
  SmallVector<Operation *> jumps;
  for (Block &block : function.getBody())
    for (Block *to : block.getSuccessors())
      if (to->getNumArguments() == 0 && !to->isEntryBlock() && dominance.dominates(to, &block))
        jumps.push_back(block.getTerminator());
  for (Operation *jump : jumps) {
    Builder b(jump->getLoc(), jump);
    call(b, Emulated::Yield, jump, {});
  }
}
