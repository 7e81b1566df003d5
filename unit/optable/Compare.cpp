#include "Compare.h"

using namespace mlir;
using ::mlir::mlora::reference::Tensor;
using ::mlir::mlora::reference::Tensors;

namespace optable {

FailureOr<Tensors> expect(FunctionOpInterface function, const Case &oneCase, const Execution &run,
                          const std::vector<std::vector<double>> &arguments,
                          const std::vector<std::vector<float>> &before) {
  Tensors tensors;
  for (auto [argument, values] : llvm::zip_equal(oneCase.arguments, arguments)) {
    SmallVector<int64_t> shape;
    for (int64_t dimension : argument.shape)
      shape.push_back(sizeOf(dimension, run));
    Tensor tensor(shape);
    tensor.data = values;
    tensors.push_back(std::move(tensor));
  }
  FailureOr<Tensors> results = ::mlir::mlora::reference::evaluate(function, tensors);
  if (failed(results))
    return results;
  for (auto [result, tensor, old] : llvm::zip_equal(oneCase.results, *results, before))
    if (result.kind == Result::Gradient && run.accumulate)
      for (size_t i = 0; i < old.size(); ++i)
        tensor.data[i] += double(old[i]);
  return results;
}

} // namespace optable
