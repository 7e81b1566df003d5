// From logits to a token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mlora {

/// Hugging Face's generation parameters, in the order in which they act.
struct SamplingOptions {
  /// Logits of tokens that were seen are divided by it where positive, multiplied where negative (Keskar et al.,
  /// CTRL); 1: no penalty.
  double repetitionPenalty = 1;
  double temperature = 0; ///< logits are divided by it; 0: greedy, the first of the largest
  int64_t topK = 0;       ///< only so many of the likeliest; 0: all
  double topP = 1;        ///< only the fewest of the likeliest whose probabilities reach it
  uint64_t seed = 42;
};

/// Token number n of a text depends on the seed, n and the logits alone.
class Sampler {
public:
  explicit Sampler(const SamplingOptions &options) : options(options) {}

  /// `seen` are prompt and text so far.
  int32_t next(std::span<const float> logits, std::span<const int32_t> seen);

private:
  SamplingOptions options;
  uint64_t drawn = 0;
  std::vector<float> penalised;
};

} // namespace mlora
