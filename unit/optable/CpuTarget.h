// Kernels as programs have them: formed, lowered, linked to a shared object, loaded.
#pragma once

#include "Target.h"

namespace optable {

class CpuTarget : public Target {
public:
  /// Linear layers are cut into blocks of so many columns, as in programs that generate; 0: by rows alone.
  explicit CpuTarget(int64_t columnBlock = 0) : columnBlock(columnBlock) {}
  const char *name() const override { return columnBlock ? "cpu_columns" : "cpu"; }
  bool takesBF16() const override { return false; } // not built
  bool takes(const std::string &group) const override {
    return !columnBlock || group == "linear" || group == "products" || group == "chains";
  }
  std::unique_ptr<CompiledCases> compile(mlir::OwningOpRef<mlir::ModuleOp> module,
                                         const std::vector<Case> &cases) override;

private:
  int64_t columnBlock;
};

} // namespace optable
