// The functions that kernels may call.
#pragma once

#include "mlora/Runtime/Program/Library.h"

namespace mlora {

/// sgemm of OpenBLAS, kept to the calling thread: the pool's blocks are the parallelism.
const mlora_library &libraryTable();

} // namespace mlora
