// The GPU that a program runs on, and how much of its memory is free.
#pragma once

#include "mlora/Runtime/Cuda/Cuda.h"

#include <string>
#include <utility>

namespace mlora {

/// The first device, as the driver describes it without a context.
class CudaGpu {
public:
  explicit CudaGpu(const cuda::Table &table);

  const std::string &name() const { return deviceName; }
  int attribute(cuda::DeviceAttribute attribute) const;
  /// Major and minor: 9, 0 of sm_90.
  std::pair<int, int> computeCapability() const {
    return {attribute(cuda::DeviceAttribute::ComputeCapabilityMajor),
            attribute(cuda::DeviceAttribute::ComputeCapabilityMinor)};
  }

protected:
  const cuda::Table &table;
  cuda::DeviceId device = 0;

private:
  std::string deviceName;
};

/// Retains its primary context, current for the calling thread. NVIDIA's is not released: making it takes
/// some tenths of a second, and the process ends it.
class CudaContext : public CudaGpu {
public:
  explicit CudaContext(const cuda::Table &table);
  ~CudaContext();
  CudaContext(const CudaContext &) = delete;
  CudaContext &operator=(const CudaContext &) = delete;

  /// Bytes: free, and in all.
  std::pair<int64_t, int64_t> memory() const;
};

} // namespace mlora
