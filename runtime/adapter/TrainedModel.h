// A model whose own weights were trained (method=ft), beside the base it was trained from.
#pragma once

#include "mlora/Runtime/Model/Checkpoint.h"

namespace mlora {

/// Throws Error(BadInput) unless `trained` has the base's tensors and conventions, and was trained on that
/// base as far as it says.
void checkTrained(const Checkpoint &base, const Checkpoint &trained);

} // namespace mlora
