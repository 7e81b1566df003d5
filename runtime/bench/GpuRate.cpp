#include "mlora/Runtime/Bench/MachineLimits.h"

#include <algorithm>
#include <map>

namespace mlora {

GemmRate measureGemm(const StepWork &work, CudaRates &rates, ElementType type) {
  std::map<CudaRates::Product, double> seconds; // layers have the same shapes many times
  auto total = [&](const std::vector<Product> &products) {
    double sum = 0;
    for (const Product &product : products) {
      CudaRates::Product shape{product.m, product.n, product.k, product.kind == ProductKind::InputGradient,
                               type};
      auto found = seconds.find(shape);
      if (found == seconds.end())
        found = seconds.emplace(shape, rates.secondsOf(shape)).first;
      sum += found->second;
    }
    return sum;
  };
  GemmRate rate;
  rate.secondsPerStep = double(work.layers - 1) * total(work.layer) + total(work.lowest) + total(work.head);
  rate.gflops = work.flops() / rate.secondsPerStep / 1e9;
  return rate;
}

ProductPeak measurePeak(CudaRates &rates, ElementType type, const GemmRate &step, int64_t size) {
  double gflops =
      2.0 * double(size) * double(size) * double(size) / rates.secondsOf({size, size, size, false, type}) / 1e9;
  if (step.gflops > gflops)
    return {step.gflops, "cuBLASLt, a step's shapes"};
  std::string each = std::to_string(size);
  return {gflops, "cuBLASLt, " + each + " x " + each + " x " + each};
}

} // namespace mlora
