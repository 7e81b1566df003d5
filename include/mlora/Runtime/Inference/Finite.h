// What a model computes must be numbers before anything is chosen by it: of NaN none is the largest.
#pragma once

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace mlora {

/// Throws Error(Failed) that begins with `what`, "logits" for example, unless all values are finite.
template <typename Values> void checkFinite(const Values &values, const std::string &what) {
  if (!std::ranges::all_of(values, [](auto value) { return std::isfinite(value); }))
    failed(what + " are not finite: the model's weights (or the adapter's) hold NaN or infinity, or its "
                  "activations overflow");
}

} // namespace mlora
