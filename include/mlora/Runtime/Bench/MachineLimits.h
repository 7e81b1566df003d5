// What this machine can do at best, measured in the same run as the step.
#pragma once

#include "mlora/Runtime/Bench/StepWork.h"
#include "mlora/Runtime/Program/CudaRates.h"
#include "mlora/Runtime/Program/ThreadPool.h"

#include <string>

namespace mlora {

/// A library's rate over the products of a step.
struct GemmRate {
  double gflops = 0;
  double secondsPerStep = 0; ///< the floor: a step of nothing but its products
};
/// OpenBLAS's sgemm, rows split over the pool's threads.
GemmRate measureGemm(const StepWork &work, ThreadPool &pool);
/// cuBLASLt, operands and results of `type`, sums in f32. Reductions over tokens are measured as products y = a·wᵀ
/// of the same size.
GemmRate measureGemm(const StepWork &work, CudaRates &rates, ElementType type);

/// Large blocks copied by every thread of the pool: bytes read and written a second.
double measureMemory(ThreadPool &pool);

/// What no product can be faster than. CPU: fused multiply-adds from registers, on every thread of the pool.
/// GPU: cuBLASLt's rate of one product of `size` in all dimensions, or of a step's shapes where that is higher.
struct ProductPeak {
  double gflops = 0;
  std::string of; ///< "avx512f", "avx2", "scalar"; "cuBLASLt, 8192 x 8192 x 8192"
};
ProductPeak measurePeak(ThreadPool &pool);
ProductPeak measurePeak(CudaRates &rates, ElementType type, const GemmRate &step, int64_t size = 8192);

} // namespace mlora
