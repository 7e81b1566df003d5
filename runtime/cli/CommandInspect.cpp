// `mlora-run inspect`.
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"

namespace mlora {

int runInspect(Arguments &) { badInput("`inspect` is not built yet"); }

} // namespace mlora
