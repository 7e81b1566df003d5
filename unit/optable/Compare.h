// What is right: the f64 interpreter's values.
#pragma once

#include "Case.h"

#include "mlora/Reference/Interpreter.h"

namespace optable {

/// The function's results by the reference; gradients of a run that accumulates are added to `before`.
mlir::FailureOr<mlir::mlora::reference::Tensors> expect(mlir::FunctionOpInterface function,
                                                        const Case &oneCase, const Execution &run,
                                                        const std::vector<std::vector<double>> &arguments,
                                                        const std::vector<std::vector<float>> &before);

} // namespace optable
