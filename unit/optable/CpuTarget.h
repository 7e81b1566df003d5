// Kernels as programs have them: formed, lowered, linked to a shared object, loaded.
#pragma once

#include "Target.h"

namespace optable {

class CpuTarget : public Target {
public:
  const char *name() const override { return "cpu"; }
  bool takesBF16() const override { return false; } // not built
  std::unique_ptr<CompiledCases> compile(mlir::OwningOpRef<mlir::ModuleOp> module,
                                         const std::vector<Case> &cases) override;
};

} // namespace optable
