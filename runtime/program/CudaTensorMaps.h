// A kernel's tensor maps: what only the driver can encode, from addresses and extents that a launch knows.
#pragma once

#include "mlora/Runtime/Cuda/Cuda.h"
#include "mlora/Runtime/Program/Manifest.h"

namespace mlora {

/// Of the buffers at `addresses`, in the order of the kernel's parameters.
std::vector<cuda::TensorMap> encodeTensorMaps(const cuda::Table &table, const Kernel &kernel,
                                              const std::vector<cuda::DevicePointer> &addresses,
                                              const Scalars &scalars);

} // namespace mlora
