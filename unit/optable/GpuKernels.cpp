#include "GpuKernels.h"

#include "mlora/Dialect/MLora.h"
#include "mlora/Target/GPU.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace optable {

FailureOr<gpu::GPUModuleOp> lowerToGpu(ModuleOp module, StringRef chip) {
  if (!chip.empty())
    module->setAttr("mlora.chip", StringAttr::get(module.getContext(), chip));
  for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
    if (!isa<::mlir::mlora::KernelOp, ::mlir::mlora::JoinedKernelOp>(op) || op.hasAttr("library"))
      op.erase();
  PassManager lower(module.getContext());
  ::mlir::mlora::buildToGPUPipeline(lower);
  if (failed(lower.run(module)))
    return failure();
  return *module.getOps<gpu::GPUModuleOp>().begin();
}

} // namespace optable
