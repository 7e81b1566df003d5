#include "Folding.h"

namespace mlora {

std::vector<float> stackedA(const Adapter &adapter, int64_t layer, const std::string &target) {
  std::vector<float> stacked;
  for (int64_t branch = 0; branch < adapter.numBranches; ++branch) {
    const std::vector<float> &a = adapter.tensor(layer, target, branch, 'A').values;
    stacked.insert(stacked.end(), a.begin(), a.end());
  }
  return stacked;
}

std::vector<float> foldedB(const Adapter &adapter, int64_t layer, const std::string &target) {
  int64_t rank = adapter.rank, width = rank * adapter.numBranches;
  int64_t out = adapter.tensor(layer, target, 0, 'B').shape[0];
  std::vector<float> folded(static_cast<size_t>(out * width));
  for (int64_t branch = 0; branch < adapter.numBranches; ++branch) {
    const std::vector<float> &b = adapter.tensor(layer, target, branch, 'B').values;
    const float *s = adapter.hasScales() ? adapter.tensor(layer, target, branch, 's').values.data() : nullptr;
    for (int64_t row = 0; row < out; ++row) {
      double factor = adapter.scaling() * (s ? s[row] : 1);
      for (int64_t j = 0; j < rank; ++j)
        folded[row * width + branch * rank + j] = static_cast<float>(factor * b[row * rank + j]);
    }
  }
  return folded;
}

} // namespace mlora
