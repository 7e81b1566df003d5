// The GPU's kernels, run by the emulator: after all lowering, every access checked.
#pragma once

#include "Target.h"

namespace optable {

class EmulateTarget : public Target {
public:
  const char *name() const override { return "emulate"; }
  std::unique_ptr<CompiledCases> compile(mlir::OwningOpRef<mlir::ModuleOp> module,
                                         const std::vector<Case> &cases) override;
};

} // namespace optable
