#include "CpuTarget.h"
#include "EmulateTarget.h"

namespace optable {

std::vector<std::unique_ptr<Target>> makeTargets() {
  std::vector<std::unique_ptr<Target>> targets;
  targets.push_back(std::make_unique<CpuTarget>());
  targets.push_back(std::make_unique<EmulateTarget>());
  return targets;
}

} // namespace optable
