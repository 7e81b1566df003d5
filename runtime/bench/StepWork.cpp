#include "mlora/Runtime/Bench/StepWork.h"

#include <algorithm>
#include <string_view>

namespace mlora {
namespace {

/// Columns of the head that are computed at once; the full logits are never held.
constexpr int64_t headChunk = 4096;

struct Projection {
  std::string_view name;
  int64_t in, out;
};

std::vector<Projection> projections(const ModelConfig &config) {
  int64_t hidden = config.hiddenSize, inner = config.intermediateSize,
          queries = config.numHeads * config.headDim, keys = config.numKeyValueHeads * config.headDim;
  return {{"q_proj", hidden, queries}, {"k_proj", hidden, keys},     {"v_proj", hidden, keys},
          {"o_proj", queries, hidden}, {"gate_proj", hidden, inner}, {"up_proj", hidden, inner},
          {"down_proj", inner, hidden}};
}

double sum(const std::vector<Product> &products) {
  double flops = 0;
  for (const Product &product : products)
    flops += product.flops();
  return flops;
}

} // namespace

StepWork::StepWork(const ModelConfig &config, const Adapter *adapter, int64_t rows)
    : layers(config.numLayers) {
  using enum ProductKind;
  bool full = adapter == nullptr;
  for (const Projection &p : projections(config)) {
    bool adapted = adapter && std::find(adapter->targets.begin(), adapter->targets.end(), p.name) !=
                                  adapter->targets.end();
    int64_t rank = adapted ? adapter->numBranches * adapter->rank : 0;
    layer.push_back({rows, p.out, p.in + rank, Forward});
    layer.push_back({rows, p.in, p.out + rank, InputGradient});
    if (full)
      layer.push_back({p.out, p.in, rows, TokenReduction});
    if (!adapted)
      continue;
    layer.push_back({rows, rank, p.in, Forward});         // m = Ã x
    layer.push_back({rows, rank, p.out, InputGradient});  // u = B̃ᵀ dy
    layer.push_back({rank, p.in, rows, TokenReduction});  // dÃ
    layer.push_back({p.out, rank, rows, TokenReduction}); // G
  }
  for (int64_t first = 0; first < config.vocabSize; first += headChunk) {
    int64_t columns = std::min(headChunk, config.vocabSize - first);
    head.push_back({rows, columns, config.hiddenSize, Forward});
    head.push_back({rows, config.hiddenSize, columns, InputGradient});
    if (full)
      head.push_back({columns, config.hiddenSize, rows, TokenReduction});
  }
}

double StepWork::flops() const { return double(layers) * sum(layer) + sum(head); }

} // namespace mlora
