#include "Folding.h"

namespace mlora {

static BranchTensor tensorsOf(const Adapter &adapter, int64_t layer, const std::string &target) {
  return [&adapter, layer, target](int64_t branch, char part) {
    return adapter.tensor(layer, target, branch, part).values;
  };
}

std::vector<float> stackedA(const Adapter &sizes, const BranchTensor &tensor) {
  std::vector<float> stacked;
  for (int64_t branch = 0; branch < sizes.numBranches; ++branch) {
    std::vector<float> a = tensor(branch, 'A');
    stacked.reserve(a.size() * static_cast<size_t>(sizes.numBranches));
    stacked.insert(stacked.end(), a.begin(), a.end());
  }
  return stacked;
}

std::vector<float> foldedB(const Adapter &sizes, const BranchTensor &tensor) {
  int64_t rank = sizes.rank, width = rank * sizes.numBranches;
  std::vector<float> folded;
  for (int64_t branch = 0; branch < sizes.numBranches; ++branch) {
    std::vector<float> b = tensor(branch, 'B'), s;
    if (sizes.hasScales())
      s = tensor(branch, 's');
    int64_t out = static_cast<int64_t>(b.size()) / rank;
    folded.resize(static_cast<size_t>(out * width));
    for (int64_t row = 0; row < out; ++row) {
      double factor = sizes.scaling() * (s.empty() ? 1 : s[row]);
      for (int64_t j = 0; j < rank; ++j)
        folded[row * width + branch * rank + j] = static_cast<float>(factor * b[row * rank + j]);
    }
  }
  return folded;
}

std::vector<float> stackedA(const Adapter &adapter, int64_t layer, const std::string &target) {
  return stackedA(adapter, tensorsOf(adapter, layer, target));
}

std::vector<float> foldedB(const Adapter &adapter, int64_t layer, const std::string &target) {
  return foldedB(adapter, tensorsOf(adapter, layer, target));
}

} // namespace mlora
