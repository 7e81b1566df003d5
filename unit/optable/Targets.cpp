#include "CpuTarget.h"

namespace optable {

std::vector<std::unique_ptr<Target>> makeTargets() {
  std::vector<std::unique_ptr<Target>> targets;
  targets.push_back(std::make_unique<CpuTarget>());
  return targets;
}

} // namespace optable
