// n branches as one product: y = W x + B̃ (Ã x), exactly (DESIGN section 2).
#pragma once

#include "mlora/Runtime/Adapter/Adapter.h"

namespace mlora {

/// Ã [n·r, in]: the A's one under another.
std::vector<float> stackedA(const Adapter &adapter, int64_t layer, const std::string &target);

/// B̃ [out, n·r]: c · diag(s_i) · B_i side by side, each product rounded once.
std::vector<float> foldedB(const Adapter &adapter, int64_t layer, const std::string &target);

} // namespace mlora
