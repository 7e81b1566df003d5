// Steps of a compiled function, from IR.
#pragma once

#include "Steps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace optable {

/// `grid` of a launch.
std::vector<std::pair<int64_t, int64_t>> readGrid(mlir::ArrayAttr grid);

/// After mlora-form-kernels; failure with a diagnostic where an op is in no kernel.
mlir::FailureOr<Steps> readSteps(mlir::func::FuncOp function);

} // namespace optable
