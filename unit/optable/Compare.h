// What a case's kernels left, against the f64 interpreter.
#pragma once

#include "Case.h"
#include "Target.h"

#include "mlora/Reference/Interpreter.h"

namespace optable {

/// The function's results by the reference; gradients of a run that accumulates are added to `before`.
mlir::FailureOr<mlir::mlora::reference::Tensors> expect(mlir::FunctionOpInterface function,
                                                        const Case &oneCase, const Execution &run,
                                                        const std::vector<std::vector<double>> &arguments,
                                                        const std::vector<std::vector<float>> &before);

/// max |a - b| / max |b|; infinite where one is NaN. Of zeros a must be zero.
double relativeError(const std::vector<float> &a, const std::vector<double> &b);

} // namespace optable
