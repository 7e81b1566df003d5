// `mlora-run generate`.
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"

namespace mlora {

int runGenerate(Arguments &) { badInput("`generate` is not built yet"); }

} // namespace mlora
