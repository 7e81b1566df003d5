// What the two sources of a ModelConfig share.
#pragma once

#include "mlora/Runtime/Model/ModelConfig.h"

namespace mlora {

/// Throws Error(BadInput), its message beginning with `where`, for sizes that cannot be a model's.
void checkSizes(const ModelConfig &config, const std::string &where);

} // namespace mlora
