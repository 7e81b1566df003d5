#include "mlora/Runtime/Bench/StepBench.h"

#include <cstdio>

namespace mlora {
namespace {

template <typename... Values> std::string format(const char *pattern, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

} // namespace

nlohmann::ordered_json BenchResult::toJson() const {
  nlohmann::ordered_json json = {{"seconds_per_step", secondsPerStep},
                                 {"tokens_per_second", tokensPerSecond},
                                 {"peak_resident_mib", peakMib},
                                 {"planned_peak_mib", plannedMib()},
                                 {"compile_seconds", compileSeconds},
                                 {"compile", compile},
                                 {"gemm_gflops", gemm.gflops},
                                 {"gemm_floor_seconds", gemm.secondsPerStep},
                                 {device == "cuda" ? "product_peak_gflops" : "fma_peak_gflops", peak.gflops},
                                 {device == "cuda" ? "product_peak_of" : "fma_instructions", peak.of},
                                 {"memory_gb_per_second", memoryBytesPerSecond / 1e9},
                                 {"model_gflops", modelGflops},
                                 {"losses", losses},
                                 {"device", device},
                                 {"method", method},
                                 {"stacked_rank", rank},
                                 {"tokens_per_step", rows},
                                 {"steps", steps},
                                 {"step_seconds", seconds},
                                 {"num_threads", threads},
                                 {"planned",
                                  {{"arena_mib", arenaMib},
                                   {"scratch_mib", scratchMib},
                                   {"process_mib", processMib},
                                   {"host_mib", hostMib}}}};
  for (const KernelShare &kernel : kernels)
    json["kernels"].push_back({{"name", kernel.name},
                               {"calls", kernel.calls},
                               {"milliseconds", kernel.milliseconds},
                               {"share", kernel.share},
                               {"gflops", kernel.gflops},
                               {"megabytes", kernel.megabytes},
                               {"limit_milliseconds", kernel.limitMilliseconds}});
  json["outside_kernels_milliseconds"] = outsideMilliseconds;
  if (!deviceName.empty())
    json["device_name"] = deviceName;
  if (device == "cuda")
    json["gpu_memory_mib"] = gpuMib;
  if (!hasLimits()) // absent, not 0
    for (const char *key : {"gemm_gflops", "gemm_floor_seconds", "fma_peak_gflops", "fma_instructions",
                            "memory_gb_per_second", "planned_peak_mib"})
      json.erase(key);
  return json;
}

std::string BenchResult::table() const {
  std::string text;
  text += format("%-26s %.4f s (median of %lld; %lld tokens, %lld threads)\n", "step", secondsPerStep,
                 (long long)steps, (long long)rows, (long long)threads);
  text += format("%-26s %.1f tokens/s\n", "throughput", tokensPerSecond);
  text += format("%-26s %.1f GFLOP/s\n", "achieved", modelGflops);
  if (hasLimits()) {
    bool isCpu = device == "cpu";
    text += format("%-26s %.1f GFLOP/s: %.4f s a step of nothing else, %.2f of ours\n",
                   isCpu ? "sgemm, these shapes" : "cuBLASLt, these shapes", gemm.gflops, gemm.secondsPerStep,
                   gemm.secondsPerStep / secondsPerStep);
    text += format("%-26s %.1f GFLOP/s (%s)\n", isCpu ? "FMA peak" : "peak of products", peak.gflops,
                   peak.of.c_str());
    text += format("%-26s %.1f GB/s\n", "memory, copying", memoryBytesPerSecond / 1e9);
    text += format("%-26s %.0f MiB\n", isCpu ? "peak resident" : "of the GPU's memory", isCpu ? peakMib : gpuMib);
  }
  text += format("%-26s %.0f MiB: arena %.0f, scratch %.1f", "planned", plannedMib(), arenaMib, scratchMib);
  text += processMib > 0 ? format(", process %.0f\n", processMib) : "\n";
  if (hostMib > 0)
    text += format("%-26s %.0f MiB, pinned (offload)\n", "planned of the host", hostMib);
  text += format("%-26s %.3f s (%s)\n", "compile", compileSeconds, compile.c_str());
  text += format("%-26s %.5f to %.5f\n\n", "loss", losses.front(), losses.back());
  text += format("%-64s %5s %9s %6s %8s %9s %8s\n", "kernel", "calls", "ms", "share", "GFLOP/s", "limit ms",
                 "reached");
  auto row = [&](const std::string &name, double calls, double milliseconds, double share, double gflops,
                 double limit) {
    text += format("%-64s %5s %9.2f %5.1f%% %8s %9s %8s\n", name.substr(0, 64).c_str(),
                   calls > 0 ? format("%.0f", calls).c_str() : "", milliseconds, 100 * share,
                   gflops > 0 ? format("%.1f", gflops).c_str() : "",
                   limit > 0 ? format("%.2f", limit).c_str() : "",
                   limit > 0 ? format("%.0f%%", 100 * limit / milliseconds).c_str() : "");
  };
  double total = outsideMilliseconds, limits = 0;
  for (const KernelShare &kernel : kernels) {
    row(kernel.name, kernel.calls, kernel.milliseconds, kernel.share, kernel.gflops,
        kernel.limitMilliseconds);
    total += kernel.milliseconds;
    limits += kernel.limitMilliseconds;
  }
  row("between kernels", 0, outsideMilliseconds, total > 0 ? outsideMilliseconds / total : 0, 0, 0);
  row("a step (mean)", 0, total, 1, 0, limits);
  return text;
}

} // namespace mlora
