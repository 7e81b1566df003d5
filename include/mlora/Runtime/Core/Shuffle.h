// Random orders that are the same on every machine and with every compiler.
#pragma once

#include <cstdint>
#include <vector>

namespace mlora {

/// SplitMix64 (Steele, Lea, Flood 2014): state += 0x9e3779b97f4a7c15; the output is a mix of the state.
class SplitMix64 {
public:
  explicit SplitMix64(uint64_t state) : state(state) {}
  uint64_t next();
  /// Uniform in [0, bound); values of the incomplete last interval are drawn again.
  uint64_t below(uint64_t bound);

private:
  uint64_t state;
};

/// A permutation of 0 … n - 1: Fisher-Yates from the back, drawing below(i + 1) for i = n - 1 … 1 from a
/// SplitMix64 whose state is the first output of SplitMix64(seed), plus the first output of
/// SplitMix64(stream). Streams: 0 is the order in which rows are packed, e + 1 the order of sequences in
/// epoch e (streamed data: of rows), 2^63 + d the draw of the rows of dataset d when its weight has a fraction,
/// 2^62 + f the draw of the rows of file f of a dataset that has a seed and a limit.
std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream);

} // namespace mlora
