// `mlora-run train`.
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"

namespace mlora {

int runTrain(Arguments &) { badInput("`train` is not built yet"); }

} // namespace mlora
