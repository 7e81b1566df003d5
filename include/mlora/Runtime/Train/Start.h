// Where a run starts: the adapter it begins with, or the checkpoint it goes on from.
#pragma once

#include "mlora/Runtime/Adapter/Adapter.h"
#include "mlora/Runtime/Config/Arguments.h"
#include "mlora/Runtime/Model/Checkpoint.h"

#include <optional>

namespace mlora {

/// The adapter that `adapter` names, or a fresh one by the configuration; nothing for method=ft, one without
/// targets and tensors for method=none. Keys that were given and contradict the named adapter are an error.
std::optional<Adapter> startingAdapter(const Arguments &arguments, const Checkpoint &base);

} // namespace mlora
