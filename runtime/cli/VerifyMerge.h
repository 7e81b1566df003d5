// `merge --verify`: the logits of base and adapter beside those of the merged model.
#pragma once

#include "mlora/Runtime/Config/Arguments.h"

#include <nlohmann/json.hpp>

namespace mlora {

struct Verification {
  int64_t tokens = 0;    ///< positions compared
  double largest = 0;    ///< max |difference| / max |logit|
  double divergence = 0; ///< mean KL(base and adapter ‖ merged) a position, nats
  double sameBest = 0;   ///< share of positions with the same likeliest token
  nlohmann::ordered_json toJson() const;
};

/// Before the work: throws Error(BadInput) for what cannot be verified afterwards.
void checkVerifiable(const Arguments &arguments);

/// Runs both through programs of kind `generate`, in f32 on the CPU, over `prompt` or a text of our own.
Verification verifyMerge(const Arguments &arguments);

} // namespace mlora
