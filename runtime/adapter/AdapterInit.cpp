#include "AdapterSizes.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Hash.h"

#include <cmath>

namespace mlora {
namespace {

/// splitmix64: word `index` of the stream of `key`, so that any thread can make any part.
uint64_t word(uint64_t key, uint64_t index) {
  uint64_t z = key + (index + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void fillKaimingUniform(AdapterTensor &tensor, uint64_t key) {
  double bound = 1 / std::sqrt(static_cast<double>(tensor.shape.back()));
  for (size_t i = 0; i < tensor.values.size(); ++i) {
    double unit = static_cast<double>(word(key, i) >> 11) * 0x1p-53;
    tensor.values[i] = static_cast<float>((2 * unit - 1) * bound);
  }
}

} // namespace

Adapter sizedAdapter(const ModelConfig &config, const AdapterShape &shape) {
  Adapter adapter;
  adapter.method = shape.method;
  adapter.numBranches = shape.numBranches;
  adapter.rank = shape.rank;
  adapter.alpha = shape.alpha;
  adapter.numLayers = config.numLayers;
  adapter.targets = orderedTargets(shape.targets);
  return adapter;
}

Adapter initialAdapter(const ModelConfig &config, const AdapterShape &shape, uint64_t seed) {
  Adapter adapter = sizedAdapter(config, shape);
  if (shape.method != "multilora" && shape.method != "lora")
    badInput("method '" + shape.method + "' has no adapter; multilora or lora is expected");
  if (shape.method == "lora" && shape.numBranches != 1)
    badInput("method lora has one branch; " + std::to_string(shape.numBranches) + " were asked for");
  if (shape.numBranches < 1 || shape.rank < 1)
    badInput("at least one branch of at least rank 1 is needed");
  for (const AdapterTensorSpec &spec : adapterTensors(adapter, config)) {
    AdapterTensor &tensor = adapter.tensors[spec.name];
    tensor.shape = spec.shape;
    int64_t count = 1;
    for (int64_t size : spec.shape)
      count *= size;
    tensor.values.assign(static_cast<size_t>(count), 0.0f);
    bool random = spec.part == 'A' || (spec.part == 'B' && adapter.hasScales());
    if (random)
      fillKaimingUniform(tensor, hash64(spec.name, seed));
  }
  return adapter;
}

} // namespace mlora
