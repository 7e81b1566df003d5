#include "mlora/Runtime/Bench/MachineLimits.h"

#include "mlora/Runtime/Core/Blas.h"

#include <algorithm>
#include <chrono>

namespace mlora {
namespace {

/// Operands large enough to come from memory, as weights do: each product takes the next part.
class Operands {
public:
  explicit Operands(const StepWork &work) {
    for (const auto *list : {&work.layer, &work.lowest, &work.head})
      for (const Product &p : *list) {
        largest = std::max({largest, size_t(p.m * p.k), size_t(p.n * p.k)});
        result = std::max(result, size_t(p.m * p.n));
      }
    values.assign(std::max(largest, size_t(24) << 20), 0.01f);
    output.resize(result);
    input.assign(largest, 0.01f);
  }
  const float *weight(const Product &product) {
    size_t need = size_t(product.n * product.k);
    if (next + need > values.size())
      next = 0;
    const float *part = values.data() + next;
    next += need;
    return part;
  }
  std::vector<float> input, output;

private:
  std::vector<float> values;
  size_t largest = 0, result = 0, next = 0;
};

/// The part of a product that belongs to one of `parts` threads; rows of the result are split, of a reduction
/// over tokens its columns.
void runPart(const Product &p, const float *a, const float *b, float *c, int64_t part, int64_t parts) {
  if (p.kind == ProductKind::TokenReduction) {
    int64_t n0 = p.n * part / parts, n1 = p.n * (part + 1) / parts;
    sgemm(true, false, p.m, n1 - n0, p.k, a, p.m, b + n0, p.n, c + n0, p.n);
    return;
  }
  int64_t m0 = p.m * part / parts, m1 = p.m * (part + 1) / parts;
  bool forward = p.kind == ProductKind::Forward;
  sgemm(false, forward, m1 - m0, p.n, p.k, a + m0 * p.k, p.k, b, forward ? p.k : p.n, c + m0 * p.n, p.n);
}

double secondsOf(const std::vector<Product> &products, Operands &operands, ThreadPool &pool) {
  auto start = std::chrono::steady_clock::now();
  for (const Product &product : products) {
    const float *weight = operands.weight(product);
    pool.forEach(pool.threads(), [&](int64_t part, int64_t) {
      runPart(product, operands.input.data(), weight, operands.output.data(), part, pool.threads());
    });
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The least of several rounds: what disturbs can only make it slower.
double leastSeconds(const std::vector<Product> &products, Operands &operands, ThreadPool &pool) {
  double least = secondsOf(products, operands, pool), total = least;
  for (int round = 0; round < 20 && (round < 2 || total < 1); ++round) {
    double seconds = secondsOf(products, operands, pool);
    least = std::min(least, seconds);
    total += seconds;
  }
  return least;
}

} // namespace

GemmRate measureGemm(const StepWork &work, ThreadPool &pool) {
  Operands operands(work);
  GemmRate rate;
  rate.secondsPerStep = double(work.layers - 1) * leastSeconds(work.layer, operands, pool) +
                        leastSeconds(work.lowest, operands, pool) + leastSeconds(work.head, operands, pool);
  rate.gflops = work.flops() / rate.secondsPerStep / 1e9;
  return rate;
}

} // namespace mlora
