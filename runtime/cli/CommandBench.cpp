// `mlora-run bench`.
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"

namespace mlora {

int runBench(Arguments &) { badInput("`bench` is not built yet"); }

} // namespace mlora
