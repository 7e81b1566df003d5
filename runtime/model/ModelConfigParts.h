// What the two sources of a ModelConfig share.
#pragma once

#include "mlora/Runtime/Model/ModelConfig.h"

#include <optional>
#include <string>

namespace mlora {

/// The end of both readers: the size of a head where the source does not give it, then everything is checked.
/// Throws Error(BadInput), its message beginning with `where`, for values that cannot be a model's.
void completeConfig(ModelConfig &config, std::optional<int64_t> headDim, const std::string &where);

} // namespace mlora
