#include "mlora/Runtime/Bench/MachineLimits.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

namespace mlora {

double measureMemory(ThreadPool &pool) {
  // More than caches hold, for all threads together.
  const size_t part = (size_t(128) << 20) / size_t(pool.threads());
  std::vector<std::vector<char>> from(size_t(pool.threads())), to(from.size());
  auto each = [&](const auto &work) {
    pool.forEach(pool.threads(),
                 [&](int64_t thread, int64_t) { work(from[size_t(thread)], to[size_t(thread)]); });
  };
  each([&](auto &source, auto &target) {
    source.assign(part, 1);
    target.assign(part, 0);
  });
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    auto start = std::chrono::steady_clock::now();
    each([&](auto &source, auto &target) { std::memcpy(target.data(), source.data(), part); });
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, 2.0 * double(part) * double(from.size()) / seconds);
  }
  return best;
}

} // namespace mlora
