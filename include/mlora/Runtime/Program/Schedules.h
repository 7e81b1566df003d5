// Which schedules the kernels of a program have, for the log.
#pragma once

#include "mlora/Runtime/Program/Manifest.h"

namespace mlora {

/// A table, line by line: each schedule and how many kernels have it; those of the general one, which serves
/// every shape and is fast for none, by name. Empty where kernels have none (the CPU's).
std::vector<std::string> describeSchedules(const Manifest &manifest);

} // namespace mlora
