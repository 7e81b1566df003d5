// What this machine can do at best, measured in the same run as the step.
#pragma once

#include "mlora/Runtime/Bench/StepWork.h"
#include "mlora/Runtime/Program/ThreadPool.h"

#include <string>

namespace mlora {

/// The rate of OpenBLAS's sgemm over the products of a step, rows split over the pool's threads.
struct GemmRate {
  double gflops = 0;
  double secondsPerStep = 0; ///< the floor: a step of nothing but its products
};
GemmRate measureGemm(const StepWork &work, ThreadPool &pool);

/// Large blocks copied by every thread of the pool: bytes read and written a second.
double measureMemory(ThreadPool &pool);

/// Fused multiply-adds from registers, on every thread of the pool.
struct FmaPeak {
  double gflops = 0;
  std::string instructions; ///< "avx512f", "avx2", or "scalar"
};
FmaPeak measureFma(ThreadPool &pool);

} // namespace mlora
