// The GPU's kernels by CUDA's driver API: run by the emulator, after all lowering and with every access checked, or
// by this machine's GPU, where there is one.
#pragma once

#include "GpuCases.h"
#include "Target.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace optable {

class EmulateTarget : public Target {
public:
  /// `chip` decides between schedules; none: sm_80. Another target then, of the groups for which that chip has others.
  explicit EmulateTarget(std::string chip = "")
      : chip(std::move(chip)), label(this->chip.empty() ? "emulate" : "emulate_" + this->chip) {}
  const char *name() const override { return label.c_str(); }
  bool takes(const std::string &group) const override {
    return chip.empty() || (group.ends_with(".bf16") && (group.starts_with("attention") || group.starts_with("token_outer") ||
                                                         group.starts_with("products")));
  }
  std::unique_ptr<CompiledCases> compile(mlir::OwningOpRef<mlir::ModuleOp> module,
                                         const std::vector<Case> &cases) override;

private:
  std::string chip, label;
};

class CudaTarget : public Target {
public:
  /// Null where there is no GPU.
  static std::unique_ptr<Target> make();

  const char *name() const override { return "cuda"; }
  std::unique_ptr<CompiledCases> compile(mlir::OwningOpRef<mlir::ModuleOp> module,
                                         const std::vector<Case> &cases) override;
};

/// A module of functions to kernels, and what running them needs; symbols are those of the gpu.module.
struct GpuModule {
  mlir::gpu::GPUModuleOp kernels;
  GpuCases cases;
};
mlir::FailureOr<GpuModule> compileForGpu(mlir::ModuleOp module, llvm::StringRef chip);

} // namespace optable
