// `mlora-run merge`.
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"

namespace mlora {

int runMerge(Arguments &) { badInput("`merge` is not built yet"); }

} // namespace mlora
