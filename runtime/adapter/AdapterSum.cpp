// Several adapters as one: their factors stacked along the rank.
#include "AdapterReaders.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <algorithm>

namespace mlora {
namespace {

class SumSource : public AdapterSource {
public:
  explicit SumSource(std::vector<const AdapterSource *> given) : adapters(std::move(given)) {
    for (const AdapterSource *adapter : adapters) {
      place += (place.empty() ? "" : ", ") + adapter->where();
      layers = std::max(layers, adapter->numLayers());
    }
  }

  int64_t rank(int64_t layer, const std::string &target) const override {
    int64_t sum = 0;
    for (const AdapterSource *adapter : adapters)
      sum += adapter->rank(layer, target);
    return sum;
  }
  LowRank factors(int64_t layer, const std::string &target) const override {
    std::vector<LowRank> parts;
    for (const AdapterSource *adapter : adapters)
      if (adapter->rank(layer, target))
        parts.push_back(adapter->factors(layer, target));
    if (parts.size() == 1)
      return std::move(parts.front());
    LowRank sum{rank(layer, target), {}, {}};
    int64_t begin = 0;
    for (const LowRank &part : parts) {
      sum.a.insert(sum.a.end(), part.a.begin(), part.a.end());
      int64_t out = int64_t(part.b.size()) / part.rank;
      sum.b.resize(size_t(out * sum.rank));
      for (int64_t row = 0; row < out; ++row)
        std::copy_n(part.b.data() + row * part.rank, part.rank, sum.b.data() + row * sum.rank + begin);
      begin += part.rank;
    }
    return sum;
  }
  std::string fingerprint() const override {
    Hasher hasher;
    for (const AdapterSource *adapter : adapters)
      hasher.update(adapter->fingerprint());
    return hasher.hex();
  }

private:
  std::vector<const AdapterSource *> adapters;
};

} // namespace

std::unique_ptr<AdapterSource> AdapterSource::sum(std::vector<const AdapterSource *> adapters) {
  return std::make_unique<SumSource>(std::move(adapters));
}

Adapter asLora(const AdapterSource &source, const ModelConfig &config) {
  Adapter lora;
  lora.method = "lora";
  lora.rank = source.largestRank();
  lora.alpha = double(lora.rank);
  lora.numLayers = config.numLayers;
  lora.targets = source.targets();
  lora.baseModel = source.baseModel();
  lora.baseFingerprint = source.baseFingerprint();
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    for (const std::string &target : lora.targets) {
      auto [out, in] = projectionShape(config, target);
      LowRank update = paddedFactors(source, layer, target, lora.rank, config);
      lora.tensors[adapterTensorName(layer, target, 0, 'A')] = {{lora.rank, in}, std::move(update.a)};
      lora.tensors[adapterTensorName(layer, target, 0, 'B')] = {{out, lora.rank}, std::move(update.b)};
    }
  return lora;
}

} // namespace mlora
