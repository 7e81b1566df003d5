#include "mlora/Runtime/Bench/StepBench.h"

#include "mlora/Runtime/Bench/Memory.h"
#include "mlora/Runtime/Cuda/Cuda.h"
#include "mlora/Runtime/Program/BundleCache.h"
#include "mlora/Runtime/Train/Start.h"
#include "mlora/Runtime/Train/Stepper.h"
#include "mlora/Runtime/Train/Trainable.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace mlora {
namespace {

constexpr double mebibyte = 1 << 20;

/// Code pages of kernels and of this program, and stacks, that only computing touches: measured on
/// SmolLM2-135M with two threads.
constexpr double computingMib = 8;

/// Fixed pseudo-random tokens, every label counted.
std::vector<MicroBatch> randomBatches(const Config &config, int64_t vocabSize) {
  std::vector<MicroBatch> batches(static_cast<size_t>(config.accumulation));
  uint64_t state = config.seed;
  for (MicroBatch &batch : batches)
    for (int64_t row = 0; row < config.batchSize; ++row) {
      std::vector<int32_t> ids(static_cast<size_t>(config.maxLength)), positions(ids.size());
      for (int32_t &id : ids) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        id = int32_t((state >> 33) % uint64_t(vocabSize));
      }
      std::iota(positions.begin(), positions.end(), 0);
      batch.documentIds.emplace_back(ids.size(), 0);
      batch.positionIds.push_back(std::move(positions));
      batch.labels.push_back(ids);
      // Nothing predicts the first token.
      batch.labels.back()[0] = ignoredLabel;
      batch.inputIds.push_back(std::move(ids));
    }
  return batches;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// Before the program takes its memory.
void measureGpu(BenchResult &result, CudaRates &gpu, const StepWork &work, const Config &config) {
  ElementType type = config.dtype == "bf16" ? ElementType::BF16 : ElementType::F32;
  result.deviceName = gpu.name();
  result.gemm = measureGemm(work, gpu, type);
  result.peak = measurePeak(gpu, type, result.gemm);
  result.gemm.secondsPerStep *= double(config.accumulation);
  result.memoryBytesPerSecond = gpu.copyRate();
}

/// The machine's limits are known by now, where they are measured.
/// The timings are of `steps` steps.
void addKernels(BenchResult &result, const Program &program, const std::vector<KernelTiming> &timings,
                double steps) {
  double stepMilliseconds =
      std::accumulate(result.seconds.begin(), result.seconds.end(), 0.0) / double(result.steps) * 1e3;
  result.outsideMilliseconds = stepMilliseconds;
  for (size_t i = 0; i < timings.size(); ++i) {
    const KernelTiming &timing = timings[i];
    if (timing.calls == 0)
      continue;
    const Kernel &kernel = program.manifest().kernels[i];
    KernelShare share{kernel.name, kernel.doc};
    share.calls = double(timing.calls) / steps;
    share.milliseconds = timing.seconds / steps * 1e3;
    share.share = share.milliseconds / stepMilliseconds;
    share.gflops = timing.seconds > 0 ? timing.flops / timing.seconds / 1e9 : 0;
    share.megabytes = timing.bytes / steps / 1e6;
    double perStep = 1e3 / steps;
    if (result.hasLimits())
      share.limitMilliseconds = std::max(timing.flops / (result.peak.gflops * 1e9) * perStep,
                                         timing.bytes / result.memoryBytesPerSecond * perStep);
    result.outsideMilliseconds -= share.milliseconds;
    result.kernels.push_back(std::move(share));
  }
  std::stable_sort(result.kernels.begin(), result.kernels.end(),
                   [](const auto &a, const auto &b) { return a.milliseconds > b.milliseconds; });
}

} // namespace

BenchResult benchStep(const Arguments &arguments, const std::function<void(const std::string &)> &message) {
  const Config &config = arguments.config;
  auto base = config.weights == "random" ? Checkpoint::random(config.model) : Checkpoint::open(config.model);
  BenchResult result;
  result.device = config.device;
  bool isCpu = config.device == "cpu";
  if (isCpu)
    result.processMib = residentMib() + computingMib;
  std::optional<Adapter> adapter = startingAdapter(arguments, *base);
  int64_t rows = config.batchSize * config.maxLength;
  BundleCache cache;
  cache.message = message;
  ProgramRequest request = programRequest("train", config.model, adapter ? &*adapter : nullptr);
  request.setDevice(config.device, config.chip);
  request.dtype = config.dtype;
  request.memoryBudget = config.memoryBudget;
  request.offload = config.offload;
  request.capacity = {.rows = rows, .countedRows = rows, .kvRows = rows};
  StepWork work(base->config(), adapter ? &*adapter : nullptr, rows);
  std::optional<CudaRates> gpu; // holds the context, which is no part of what a program takes
  int64_t freeBytes = 0;
  if (config.device == "cuda") {
    message("measuring the GPU");
    gpu.emplace(cuda::nvidia());
    measureGpu(result, *gpu, work, config);
    freeBytes = gpu->freeBytes();
  }
  Bundle bundle = cache.get(request);
  result.compile = bundle.cached ? "cached" : "cold";
  result.compileSeconds = bundle.compileSeconds;
  Program program(std::move(bundle), request.capacity, config.numThreads, Offload::of(config.offload));
  Parameters parameters(program);
  loadStart(program, parameters, *base, adapter);
  Stepper stepper(program, config);

  result.method = adapter ? adapter->method : "ft";
  result.rank = adapter ? adapter->numBranches * adapter->rank : 0;
  result.rows = rows * config.accumulation;
  result.steps = config.steps;
  result.threads = program.threads();
  std::vector<MicroBatch> batches = randomBatches(config, base->config().vocabSize);
  // Where sections are graphs, whose kernels are not timed, steps and kernels are timed apart. The first
  // steps touch every page, choose algorithms, and become graphs.
  bool isApart = !isCpu;
  int64_t first = isApart ? 3 : 1, last = first + config.steps;
  for (int64_t step = 0; step < last + (isApart ? 1 : 0); ++step) {
    if (step == (isApart ? last : first)) {
      program.executor().measure(true);
      program.executor().clearTimings();
    }
    auto start = std::chrono::steady_clock::now();
    result.losses.push_back(stepper.step(batches, step, config.rate()).loss);
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (step >= first && step < last)
      result.seconds.push_back(seconds);
  }
  const std::vector<KernelTiming> timings = program.executor().timings();
  result.peakMib = peakResidentMib();
  if (gpu)
    result.gpuMib = double(freeBytes - gpu->freeBytes()) / mebibyte;
  result.arenaMib = double(program.arenaBytes()) / mebibyte;
  result.hostMib = double(program.hostBytes()) / mebibyte;
  result.scratchMib = double(program.executor().scratchBytes()) / mebibyte;
  result.secondsPerStep = median(result.seconds);
  result.tokensPerSecond = double(result.rows) / result.secondsPerStep;

  if (isCpu) {
    message("measuring the machine");
    result.gemm = measureGemm(work, program.pool());
    result.gemm.secondsPerStep *= double(config.accumulation);
    result.peak = measurePeak(program.pool());
    result.memoryBytesPerSecond = measureMemory(program.pool());
  }
  addKernels(result, program, timings, isApart ? 1 : double(config.steps));
  result.modelGflops = work.flops() * double(config.accumulation) / result.secondsPerStep / 1e9;
  return result;
}

} // namespace mlora
