// The list that the build makes of the files in list/.
#pragma once

#include "mlora/Runtime/Tasks/Task.h"

namespace mlora {

const std::vector<const Task *> &taskList();

} // namespace mlora
