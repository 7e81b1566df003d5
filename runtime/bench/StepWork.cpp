#include "mlora/Runtime/Bench/StepWork.h"

#include <algorithm>
#include <limits>
#include <string_view>

namespace mlora {
namespace {

/// Columns of the head that are computed at once; the full logits are never held.
constexpr int64_t headChunk = 4096;

struct Projection {
  std::string_view name;
  int64_t in, out;
  int stage; ///< number of layers on the way to it from the decoder layer's input
};

std::vector<Projection> projections(const ModelConfig &config) {
  int64_t hidden = config.hiddenSize, inner = config.intermediateSize,
          queries = config.numHeads * config.headDim, keys = config.numKeyValueHeads * config.headDim;
  return {{"q_proj", hidden, queries, 0}, {"k_proj", hidden, keys, 0},     {"v_proj", hidden, keys, 0},
          {"o_proj", queries, hidden, 1}, {"gate_proj", hidden, inner, 2}, {"up_proj", hidden, inner, 2},
          {"down_proj", inner, hidden, 3}};
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
  bool nothing = adapter && adapter->targets.empty();
  // The lowest; an embedding is before all.
  int trainedStage = full || nothing ? -1 : std::numeric_limits<int>::max();
  for (const Projection &p : projections(config)) {
    bool adapted = adapter && std::find(adapter->targets.begin(), adapter->targets.end(), p.name) !=
                                  adapter->targets.end();
    int64_t rank = adapted ? adapter->numBranches * adapter->rank : 0;
    std::vector<Product> products{{rows, p.out, p.in + rank, Forward}};
    if (full)
      products.push_back({p.out, p.in, rows, TokenReduction});
    if (adapted) {
      trainedStage = std::min(trainedStage, p.stage);
      products.push_back({rows, rank, p.in, Forward});         // m = Ã x
      products.push_back({rows, rank, p.out, InputGradient});  // u = B̃ᵀ dy
      products.push_back({rank, p.in, rows, TokenReduction});  // dÃ
      products.push_back({p.out, rank, rows, TokenReduction}); // G
    }
    layer.insert(layer.end(), products.begin(), products.end());
    lowest.insert(lowest.end(), products.begin(), products.end());
    Product inputGradient{rows, p.in, p.out + rank, InputGradient};
    layer.push_back(inputGradient);
    if (trainedStage < p.stage)
      lowest.push_back(inputGradient);
  }
  for (int64_t first = 0; first < config.vocabSize; first += headChunk) {
    int64_t columns = std::min(headChunk, config.vocabSize - first);
    head.push_back({rows, columns, config.hiddenSize, Forward});
    head.push_back({rows, config.hiddenSize, columns, InputGradient});
    if (full)
      head.push_back({columns, config.hiddenSize, rows, TokenReduction});
  }
}

double StepWork::flops() const { return double(layers - 1) * sum(layer) + sum(lowest) + sum(head); }

} // namespace mlora
