// Runs compiled cases by CUDA's driver API: on NVIDIA's driver, or on the emulator's own.
#pragma once

#include "GpuCases.h"
#include "Outcome.h"

#include "../../../runtime/program/CudaContext.h"
#include "../../../runtime/program/CudaHandles.h"

#include <map>

namespace optable {

class GpuRunner {
public:
  /// `image` as cuModuleLoadDataEx takes it: PTX, or what the emulator takes instead. Throws mlora::Error where the
  /// driver refuses.
  GpuRunner(const mlora::cuda::Table &table, GpuCases cases, const void *image);
  GpuRunner(const GpuRunner &) = delete;
  GpuRunner &operator=(const GpuRunner &) = delete;

  /// Throws mlora::Error that names the kernel where the driver reports a fault: nothing runs in this process after one.
  Outcome run(const Case &oneCase, const Execution &run, const std::vector<std::vector<double>> &arguments,
              const std::vector<std::vector<float>> &before);

  /// Microseconds of each kernel in the last run, of its longest launch. Measured where `times` is set.
  bool times = false;
  const std::map<std::string, double> &microseconds() const { return longest; }

private:
  struct Place;
  /// What a launch passes, besides how many blocks.
  struct Parameters {
    std::vector<mlora::cuda::DevicePointer> pointers;
    std::vector<mlora::cuda::TensorMap> maps; ///< behind them
  };
  void launch(const Launch &step, Parameters parameters, unsigned blocks);
  double timeOf(const Launch &step, const Parameters &parameters, unsigned blocks);

  const mlora::cuda::Table &table;
  GpuCases cases;
  mlora::CudaContext context;
  mlora::CudaStream stream;
  mlora::CudaModule module;
  std::map<std::string, mlora::cuda::Function *> functions;
  std::map<std::string, double> longest;
};

} // namespace optable
