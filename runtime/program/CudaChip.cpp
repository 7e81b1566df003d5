#include "mlora/Runtime/Program/CudaChip.h"

#include "CudaContext.h"
#include "mlora/Runtime/Core/Error.h"

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

std::string installedChip() {
  CudaContext context(cuda::nvidia());
  return chipFor(context.attribute(cuda::DeviceAttribute::ComputeCapabilityMajor),
                 context.attribute(cuda::DeviceAttribute::ComputeCapabilityMinor), context.name());
}

} // namespace mlora
