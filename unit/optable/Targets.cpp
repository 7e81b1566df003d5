#include "CpuTarget.h"
#include "GpuTarget.h"

namespace optable {

std::vector<std::unique_ptr<Target>> makeTargets() {
  std::vector<std::unique_ptr<Target>> targets;
  targets.push_back(std::make_unique<CpuTarget>());
  targets.push_back(std::make_unique<CpuTarget>(/*columnBlock=*/48));
  targets.push_back(std::make_unique<EmulateTarget>());
  targets.push_back(std::make_unique<EmulateTarget>("sm_90a"));
  if (std::unique_ptr<Target> cuda = CudaTarget::make())
    targets.push_back(std::move(cuda));
  return targets;
}

} // namespace optable
