#include "mlora/Runtime/Adapter/ParameterCount.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/ModelTensors.h"

namespace mlora {

int64_t trainedParameters(const ModelConfig &config, const AdapterShape &shape) {
  int64_t count = 0;
  if (shape.method == "ft") {
    for (const ModelTensor &tensor : modelTensors(config))
      count += tensor.shape[0] * (tensor.shape.size() == 2 ? tensor.shape[1] : 1);
    return count;
  }
  if (shape.method != "lora" && shape.method != "multilora")
    badInput("method '" + shape.method + "' is unknown; multilora, lora or ft is expected");
  for (const std::string &target : orderedTargets(shape.targets)) {
    auto [out, in] = projectionShape(config, target);
    count += shape.numBranches * (shape.rank * (in + out) + (shape.method == "multilora" ? out : 0));
  }
  return count * config.numLayers;
}

} // namespace mlora
