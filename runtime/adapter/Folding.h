// n branches as one product: y = W x + B̃ (Ã x), exactly (DESIGN section 2).
#pragma once

#include "mlora/Runtime/Adapter/Adapter.h"

#include <functional>

namespace mlora {

/// Values of one tensor of a projection: branch, and part 'A', 'B' or 's'.
using BranchTensor = std::function<std::vector<float>(int64_t branch, char part)>;

/// Ã [n·r, in]: the A's one under another.
std::vector<float> stackedA(const Adapter &sizes, const BranchTensor &tensor);
std::vector<float> stackedA(const Adapter &adapter, int64_t layer, const std::string &target);

/// B̃ [out, n·r]: c · diag(s_i) · B_i side by side, each product rounded once. Of `sizes`, method, branches,
/// rank and alpha count.
std::vector<float> foldedB(const Adapter &sizes, const BranchTensor &tensor);
std::vector<float> foldedB(const Adapter &adapter, int64_t layer, const std::string &target);

} // namespace mlora
