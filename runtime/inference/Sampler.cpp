#include "mlora/Runtime/Inference/Sampler.h"

#include "mlora/Runtime/Core/Shuffle.h"
#include "mlora/Runtime/Inference/Finite.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlora {
namespace {

/// Uniform in [0, 1): number `index` of the stream of `seed`.
double uniform(uint64_t seed, uint64_t index) {
  SplitMix64 stream(SplitMix64(seed).next() + SplitMix64(index).next());
  return double(stream.next() >> 11) * 0x1p-53;
}

} // namespace

int32_t Sampler::next(std::span<const float> logits, std::span<const int32_t> seen) {
  checkFinite(logits, "logits");
  if (options.repetitionPenalty != 1) {
    penalised.assign(logits.begin(), logits.end());
    auto penalty = float(options.repetitionPenalty);
    for (int32_t id : seen) { // once a token: from the logits as they came
      float logit = logits[size_t(id)];
      penalised[size_t(id)] = logit > 0 ? logit / penalty : logit * penalty;
    }
    logits = penalised;
  }
  if (options.temperature == 0)
    return int32_t(std::ranges::max_element(logits) - logits.begin());

  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  auto likelier = [&](int32_t a, int32_t b) {
    return logits[size_t(a)] != logits[size_t(b)] ? logits[size_t(a)] > logits[size_t(b)] : a < b;
  };
  size_t kept = options.topK > 0 ? std::min(size_t(options.topK), order.size()) : order.size();
  std::ranges::partial_sort(order, order.begin() + ptrdiff_t(kept), likelier);
  std::vector<double> mass(kept);
  double top = logits[size_t(order[0])], total = 0;
  for (size_t i = 0; i < kept; ++i)
    total += mass[i] = std::exp((double(logits[size_t(order[i])]) - top) / options.temperature);
  if (options.topP < 1) {
    double sum = 0;
    size_t count = 0;
    while (count < kept && (count == 0 || sum < options.topP * total))
      sum += mass[count++];
    kept = count;
    total = sum;
  }
  double left = uniform(options.seed, drawn++) * total;
  for (size_t i = 0; i + 1 < kept; ++i)
    if ((left -= mass[i]) < 0)
      return order[i];
  return order[kept - 1];
}

} // namespace mlora
