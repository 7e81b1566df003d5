#include "mlora/Runtime/Bench/MachineLimits.h"

#include <chrono>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mlora {
namespace {

constexpr int64_t rounds = 4'000'000;
// Enough independent chains to hide a latency of 4 to 5 cycles at two instructions a cycle.
constexpr int chains = 12;

#if defined(__x86_64__)

__attribute__((target("avx2,fma"))) float fmaAvx2() {
  __m256 sum[chains];
  for (int i = 0; i < chains; ++i)
    sum[i] = _mm256_set1_ps(float(i));
  __m256 factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.001f);
  for (int64_t round = 0; round < rounds; ++round)
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i)
      sum[i] = _mm256_fmadd_ps(sum[i], factor, term);
  for (int i = 1; i < chains; ++i)
    sum[0] = _mm256_add_ps(sum[0], sum[i]);
  return _mm256_cvtss_f32(sum[0]);
}

__attribute__((target("avx512f"))) float fmaAvx512() {
  __m512 sum[chains];
  for (int i = 0; i < chains; ++i)
    sum[i] = _mm512_set1_ps(float(i));
  __m512 factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.001f);
  for (int64_t round = 0; round < rounds; ++round)
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i)
      sum[i] = _mm512_fmadd_ps(sum[i], factor, term);
  for (int i = 1; i < chains; ++i)
    sum[0] = _mm512_add_ps(sum[0], sum[i]);
  return _mm512_cvtss_f32(sum[0]);
}

#endif

float fmaScalar() {
  float sum[chains] = {};
  for (int64_t round = 0; round < rounds; ++round)
    for (float &value : sum)
      value = value * 0.999f + 0.001f;
  return sum[0];
}

struct Variant {
  const char *name;
  int lanes;
  float (*run)();
};

Variant widest() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return {"avx512f", 16, fmaAvx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {"avx2", 8, fmaAvx2};
#endif
  return {"scalar", 1, fmaScalar};
}

} // namespace

ProductPeak measurePeak(ThreadPool &pool) {
  Variant variant = widest();
  std::vector<float> results(size_t(pool.threads())); // used, so that nothing is left out
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    auto start = std::chrono::steady_clock::now();
    pool.forEach(pool.threads(), [&](int64_t part, int64_t) { results[size_t(part)] += variant.run(); });
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    double flops = 2.0 * double(rounds) * chains * variant.lanes * double(pool.threads());
    best = std::max(best, flops / seconds / 1e9);
  }
  return {best, variant.name};
}

} // namespace mlora
