//===- KernelModule.h - where kernels of a GPU are ------------------------------------===//

#pragma once

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

} // namespace mlir::mlora
