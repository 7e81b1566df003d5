//===- KernelModule.h - where kernels of a GPU are ------------------------------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::mlora {

/// `gpu.module @kernels` of a module, made at its end where there is none.
inline gpu::GPUModuleOp getKernelModule(ModuleOp module) {
  constexpr StringLiteral name = "kernels";
  if (auto kernels = module.lookupSymbol<gpu::GPUModuleOp>(name))
    return kernels;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  return gpu::GPUModuleOp::create(builder, module.getLoc(), name);
}

/// What the module says that it is made for, else the first of the chips.
inline std::string chipOf(ModuleOp module) {
  auto name = module->getAttrOfType<StringAttr>("mlora.chip");
  return name ? name.str() : "sm_80";
}

/// Kernels become what `build` makes of them for the chip, or for the module's where there is none; the others
/// stay.
inline void buildKernels(ModuleOp module, StringRef chip,
                         function_ref<FailureOr<gpu::GPUFuncOp>(KernelOp, OpBuilder &, StringRef)> build) {
  std::string target = chip.empty() ? chipOf(module) : chip.str();
  for (KernelOp kernel : llvm::make_early_inc_range(module.getOps<KernelOp>())) {
    OpBuilder kernels = OpBuilder::atBlockEnd(getKernelModule(module).getBody());
    if (succeeded(build(kernel, kernels, target)))
      kernel.erase();
  }
}

} // namespace mlir::mlora
