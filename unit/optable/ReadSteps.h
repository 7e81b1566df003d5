// Steps of a compiled function, from IR.
#pragma once

#include "Steps.h"
#include "mlora/Runtime/Program/Manifest.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace optable {

/// `grid` of a launch.
std::vector<std::pair<int64_t, int64_t>> readGrid(mlir::ArrayAttr grid);

/// `mlora.tensor_maps` of a kernel of a GPU; none: it has no such attribute.
std::vector<::mlora::TensorMap> readTensorMaps(mlir::ArrayAttr maps);

/// After mlora-form-kernels; failure with a diagnostic where an op is in no kernel.
mlir::FailureOr<Steps> readSteps(mlir::func::FuncOp function);

} // namespace optable
