//===- WgmmaRegisters.cpp - sums of wgmma between product and wait ---------------------===//
//
// A wgmma's sums are registers that the tensor cores write until the wait. In SSA they are the product's
// result, and nothing says that what reads them may not come before the wait: LLVM does move it there. Here
// they pass, behind the wait, through an empty piece of inline PTX, which as all that has side effects stays
// where it is, and the reads behind it (CUTLASS: warpgroup_fence_operand).

#include "Warpgroup.h"

using namespace mlir;
using namespace mlir::mlora;

/// The struct's elements in and out of nothing, in the same registers.
static Value pass(OpBuilder &b, Location location, Value sums) {
  auto type = cast<LLVM::LLVMStructType>(sums.getType());
  int64_t count = type.getBody().size();
  Values elements;
  std::string constraints;
  for (int64_t i = 0; i < count; ++i) {
    elements.push_back(LLVM::ExtractValueOp::create(b, location, sums, i));
    constraints += "=f,";
  }
  for (int64_t i = 0; i < count; ++i)
    constraints += std::to_string(i) + (i + 1 < count ? "," : "");
  return LLVM::InlineAsmOp::create(b, location, type, elements, /*asm_string=*/"", constraints,
                                   /*has_side_effects=*/true, /*is_align_stack=*/false,
                                   LLVM::TailCallKind::None, /*asm_dialect=*/LLVM::AsmDialectAttr(),
                                   /*operand_attrs=*/ArrayAttr())
      .getResult(0);
}

static LogicalResult hold(NVVM::WgmmaMmaAsyncOp product) {
  SmallVector<Operation *> reads;
  for (Operation *user : product->getUsers())
    if (!isa<NVVM::WgmmaMmaAsyncOp>(user))
      reads.push_back(user);
  if (reads.empty())
    return success();
  Operation *first = reads.front();
  for (Operation *read : reads) {
    if (read->getBlock() != first->getBlock())
      return product.emitOpError(
          "is read in two places: its sums are to be read behind one wgmma.wait_group");
    if (read->isBeforeInBlock(first))
      first = read;
  }
  Operation *wait = first->getPrevNode();
  while (wait && !isa<NVVM::WgmmaWaitGroupSyncOp>(wait) && wait != product)
    wait = wait->getPrevNode();
  if (!wait || wait == product)
    return product.emitOpError(
        "has sums that are read with no wgmma.wait_group in front, in the block of what reads them");
  OpBuilder b(wait->getContext());
  b.setInsertionPointAfter(wait);
  Value held = pass(b, wait->getLoc(), product.getResult());
  for (Operation *read : reads)
    read->replaceUsesOfWith(product.getResult(), held);
  return success();
}

LogicalResult mlir::mlora::holdSumsUntilWait(Operation *kernels) {
  return failure(kernels
                     ->walk([](NVVM::WgmmaMmaAsyncOp product) {
                       return failed(hold(product)) ? WalkResult::interrupt() : WalkResult::advance();
                     })
                     .wasInterrupted());
}
