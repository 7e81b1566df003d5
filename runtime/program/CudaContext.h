// The GPU that a program runs on, and how much of its memory is free.
#pragma once

#include "mlora/Runtime/Cuda/Cuda.h"

#include <string>

namespace mlora {

/// Retains the primary context of the first device, current for the calling thread.
class CudaContext {
public:
  explicit CudaContext(const cuda::Table &table);
  ~CudaContext();
  CudaContext(const CudaContext &) = delete;
  CudaContext &operator=(const CudaContext &) = delete;

  const std::string &name() const { return deviceName; }
  int attribute(cuda::DeviceAttribute attribute) const;
  /// Bytes: free, and in all.
  std::pair<int64_t, int64_t> memory() const;

private:
  const cuda::Table &table;
  cuda::DeviceId device = 0;
  std::string deviceName;
};

} // namespace mlora
