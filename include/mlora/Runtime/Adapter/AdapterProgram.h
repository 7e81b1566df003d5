// An adapter and the programs that it is part of.
#pragma once

#include "mlora/Runtime/Adapter/Adapter.h"
#include "mlora/Runtime/Program/Parameters.h"
#include "mlora/Runtime/Program/ProgramRequest.h"

namespace mlora {

/// The request for a program over this adapter; null: every weight for kind `train` (method=ft), none for
/// `generate`.
ProgramRequest programRequest(const std::string &kind, const std::string &model, const Adapter *adapter);

/// Puts an adapter's tensors into a program that was compiled for its sizes.
void loadAdapter(Parameters &parameters, const Adapter &adapter);

} // namespace mlora
