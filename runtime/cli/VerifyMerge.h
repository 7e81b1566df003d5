// `merge --verify`: the logits of base and adapters beside those of the merged model.
#pragma once

#include "mlora/Runtime/Config/Arguments.h"
#include "mlora/Runtime/Model/ModelConfig.h"

#include <nlohmann/json.hpp>

namespace mlora {

struct Verification {
  int64_t tokens = 0;    ///< positions compared
  double largest = 0;    ///< max |difference| / max |logit|
  double divergence = 0; ///< mean KL(base and adapters ‖ merged) a position, nats
  double sameBest = 0;   ///< share of positions with the same likeliest token
  nlohmann::ordered_json toJson() const;
};

/// Before the work: the tokens of `prompt`, or of a text of our own. Throws Error(BadInput) for what could
/// not be verified afterwards: an empty text or no UTF-8, a tokenizer that is missing or another model's.
std::vector<int32_t> verificationTokens(const Arguments &arguments, const ModelConfig &base);

/// Runs both through programs of kind `generate`, in f32 on the CPU.
Verification verifyMerge(const Arguments &arguments, const std::vector<int32_t> &tokens);

} // namespace mlora
