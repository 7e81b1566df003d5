// A target of the op table: compiles a module of functions and runs them. Cases and comparisons do not know
// how.
#pragma once

#include "Outcome.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>

namespace optable {

class CompiledCases {
public:
  virtual ~CompiledCases() = default;
  /// `before` holds what lies in the results' memory: gradients may be added to.
  virtual Outcome run(const Case &oneCase, const Execution &run,
                      const std::vector<std::vector<double>> &arguments,
                      const std::vector<std::vector<float>> &before) = 0;
};

class Target {
public:
  virtual ~Target() = default;
  virtual const char *name() const = 0;
  virtual bool takesBF16() const { return true; }
  /// Whether cases of a group are worth another way of making kernels.
  virtual bool takes(const std::string &) const { return true; }
  /// Takes a module of the cases' functions; null with diagnostics when it does not compile.
  virtual std::unique_ptr<CompiledCases> compile(mlir::OwningOpRef<mlir::ModuleOp> module,
                                                 const std::vector<Case> &cases) = 0;
};

/// By name; a new target is a new line in Targets.cpp.
std::vector<std::unique_ptr<Target>> makeTargets();

} // namespace optable
