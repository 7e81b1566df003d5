// How many parameters a method trains: arithmetic on a configuration, without weights.
#pragma once

#include "mlora/Runtime/Adapter/Adapter.h"

namespace mlora {

/// For `lora` and `multilora`: rank · (in + out) for each branch of each target of each layer, and with
/// `multilora` out scalings too. For `ft`: every weight. Throws Error(BadInput) for another method or an
/// unknown target.
int64_t trainedParameters(const ModelConfig &config, const AdapterShape &shape);

} // namespace mlora
