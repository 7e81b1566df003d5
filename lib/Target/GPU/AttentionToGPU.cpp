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

/// What the module says that it is made for, else the first of the chips.
static std::string chipOf(ModuleOp module) {
  auto name = module->getAttrOfType<StringAttr>("mlora.chip");
  return name ? name.str() : "sm_80";
}

namespace {
struct AttentionToGPU : mlir::mlora::impl::AttentionToGPUBase<AttentionToGPU> {
  using AttentionToGPUBase::AttentionToGPUBase;
  void runOnOperation() override {
    auto hasAttention = [](KernelOp kernel) {
      Operation &first = kernel.getBody().front().front();
      return isa<AttentionOp, AttentionQueryGradOp, AttentionKeyValueGradOp>(first);
    };
    std::string target = chip.empty() ? chipOf(getOperation()) : std::string(chip);
    for (KernelOp kernel : llvm::make_early_inc_range(getOperation().getOps<KernelOp>())) {
      if (!hasAttention(kernel))
        continue;
      OpBuilder kernels = OpBuilder::atBlockEnd(getKernelModule(getOperation()).getBody());
      if (succeeded(buildAttention(kernel, kernels, target)))
        kernel.erase();
    }
  }
};
} // namespace
