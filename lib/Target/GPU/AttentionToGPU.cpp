//===- AttentionToGPU.cpp - attention kernels on tensor cores -------------------------===//

#include "Attention.h"
#include "KernelModule.h"
#include "mlora/Transforms/Passes.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_ATTENTIONTOGPU
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {
struct AttentionToGPU : mlir::mlora::impl::AttentionToGPUBase<AttentionToGPU> {
  using AttentionToGPUBase::AttentionToGPUBase;
  void runOnOperation() override {
    std::string target = chip.empty() ? chipOf(getOperation()) : std::string(chip);
    for (KernelOp kernel : llvm::make_early_inc_range(getOperation().getOps<KernelOp>())) {
      Operation *attention = attentionIn(kernel);
      if (!attention)
        continue;
      OpBuilder kernels = OpBuilder::atBlockEnd(getKernelModule(getOperation()).getBody());
      if (succeeded(buildAttention(kernel, kernels, target)))
        kernel.erase();
      else if (!llvm::hasSingleElement(kernel.getBody().front().without_terminator())) {
        attention->emitOpError(
            "shares its kernel with other ops, which takes a schedule on tensor cores, and no "
            "schedule is for its types, heads and columns; expected it alone, as "
            "mlora-form-kernels without tensor-cores leaves it");
        return signalPassFailure();
      }
    }
  }
};
} // namespace
