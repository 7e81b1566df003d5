// An adapter before it has tensors.
#pragma once

#include "mlora/Runtime/Adapter/Adapter.h"

namespace mlora {

/// Method, branches, rank, alpha and targets of the shape, layers of the model. Throws Error(BadInput) for a
/// target that matches no projection.
Adapter sizedAdapter(const ModelConfig &config, const AdapterShape &shape);

} // namespace mlora
