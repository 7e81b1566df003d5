#include "mlora/Runtime/Program/CudaChip.h"

#include "CudaContext.h"
#include "mlora/Runtime/Core/Error.h"

#include <cstdlib>

namespace mlora {

std::string chipFor(int major, int minor, const std::string &gpu) {
  // PTX runs on later capabilities of its generation; sm_90a is for 9.0 alone.
  if (major == 8)
    return "sm_80";
  if (major == 9 && minor == 0)
    return "sm_90a";
  if (major == 10)
    return "sm_100";
  badInput("device=cuda: " + gpu + " has compute capability " + std::to_string(major) + "." +
           std::to_string(minor) +
           ", and kernels are made for 8.x (sm_80), 9.0 (sm_90a) and 10.x (sm_100): use another GPU "
           "(CUDA_VISIBLE_DEVICES chooses), or device=cpu");
}

bool runsCodeFor(const std::string &chip, int major, int minor) {
  if (!chip.starts_with("sm_"))
    return false;
  int capability = 10 * major + minor, least = std::atoi(chip.c_str() + 3);
  return chip.ends_with('a') ? capability == least : capability >= least;
}

bool isChip(const std::string &chip, int major, int minor) {
  return chip.starts_with("sm_") && std::atoi(chip.c_str() + 3) == 10 * major + minor;
}

std::string installedChip(const std::string &wanted) {
  CudaGpu gpu(cuda::nvidia());
  auto [major, minor] = gpu.computeCapability();
  std::string own = chipFor(major, minor, gpu.name());
  if (wanted == "auto")
    return own;
  if (!runsCodeFor(wanted, major, minor))
    badInput("chip: " + gpu.name() + " does not run code for " + wanted + ": leave chip out, or give " + own);
  return wanted;
}

} // namespace mlora
