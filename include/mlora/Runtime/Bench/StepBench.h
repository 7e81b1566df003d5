// The `bench` command's work: a training step on fixed random tokens, measured, beside the machine's limits.
#pragma once

#include "mlora/Runtime/Bench/MachineLimits.h"
#include "mlora/Runtime/Config/Arguments.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mlora {

/// What a kernel takes of a step.
struct KernelShare {
  std::string name, doc;
  double calls = 0, milliseconds = 0, share = 0; ///< per step
  double gflops = 0;                             ///< achieved; 0: no matrix product
  double megabytes = 0;                          ///< operands and results of its calls, each once
  /// The roofline: what its products take at the products' peak, or its operands and results at the memory's rate,
  /// whichever is more.
  double limitMilliseconds = 0;
};

struct BenchResult {
  std::string method, compile; ///< compile: "cold" or "cached"
  int64_t rows = 0, steps = 0, threads = 0, rank = 0;
  double secondsPerStep = 0, tokensPerSecond = 0; ///< of the median step
  std::vector<double> seconds;                    ///< of each measured step
  double compileSeconds = 0;
  double peakMib = 0; ///< the most that the process had resident
  double gpuMib = 0;  ///< cuda: the most that programs and libraries took of the GPU's memory
  /// The plan: the arena, scratch of all threads (blocks and products), and on the CPU what the process held before
  /// any of it was touched (code, libraries, the checkpoint's header).
  double arenaMib = 0, scratchMib = 0, processMib = 0;
  double plannedMib() const { return arenaMib + scratchMib + processMib; }
  double hostMib = 0;     ///< what `offload` has moved to the host's pinned memory; no part of plannedMib()
  double modelGflops = 0; ///< products of a step / median time
  std::string device;     ///< `cpu`, `cuda`, `emulate`
  std::string deviceName; ///< the GPU's
  /// The limits of what computes. An emulated GPU has none.
  bool hasLimits() const { return device != "emulate"; }
  GemmRate gemm;
  ProductPeak peak;
  double memoryBytesPerSecond = 0;
  std::vector<double> losses; ///< of every step, the unmeasured first ones included
  std::vector<KernelShare> kernels;
  double outsideMilliseconds = 0; ///< of a step, between kernels

  nlohmann::ordered_json toJson() const;
  std::string table() const;
};

/// Runs one step to warm up and config.steps measured ones. `message` hears what takes time.
BenchResult benchStep(const Arguments &arguments, const std::function<void(const std::string &)> &message);

} // namespace mlora
