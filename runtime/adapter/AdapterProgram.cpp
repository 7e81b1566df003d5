#include "mlora/Runtime/Adapter/AdapterProgram.h"

#include "mlora/Runtime/Core/Error.h"

namespace mlora {

ProgramRequest programRequest(const std::string &kind, const std::string &model, const Adapter *adapter) {
  ProgramRequest request;
  request.kind = kind;
  request.model = model;
  request.method = kind == "train" ? "ft" : "none";
  if (!adapter)
    return request;
  request.method = adapter->method;
  request.numBranches = adapter->numBranches;
  request.loraR = adapter->rank;
  request.loraAlpha = adapter->alpha;
  request.targets = adapter->targets;
  return request;
}

void loadAdapter(Parameters &parameters, const Adapter &adapter) {
  for (const ParameterTensor &tensor : parameters.tensors()) {
    auto found = adapter.tensors.find(tensor.name);
    if (found == adapter.tensors.end() || found->second.shape != tensor.shape)
      failed("the program's tensor " + tensor.name + " is not in the adapter, or of another shape there");
    parameters.write(tensor, ParameterPart::Value, found->second.values);
  }
  if (parameters.tensors().size() != adapter.tensors.size())
    failed("the program has " + std::to_string(parameters.tensors().size()) +
           " adapter tensors, the adapter " + std::to_string(adapter.tensors.size()));
}

} // namespace mlora
