#include "mlora/Runtime/Core/Shuffle.h"

#include <numeric>
#include <utility>

namespace mlora {

uint64_t SplitMix64::next() {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t SplitMix64::below(uint64_t bound) {
  // 2^64 mod bound values are too many: the lowest ones are refused.
  uint64_t excess = (0 - bound) % bound;
  uint64_t value = next();
  while (value < excess)
    value = next();
  return value % bound;
}

std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream) {
  SplitMix64 random(SplitMix64(seed).next() + SplitMix64(stream).next());
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = n - 1; i > 0; --i)
    std::swap(order[i], order[random.below(uint64_t(i) + 1)]);
  return order;
}

} // namespace mlora
