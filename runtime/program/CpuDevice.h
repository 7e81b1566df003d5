#pragma once

#include "mlora/Runtime/Program/Device.h"

#include <cstdlib>

namespace mlora {

class CpuDevice : public Device {
public:
  CpuDevice(const Bundle &bundle, const Layout &layout, ThreadPool &pool);

  Arena &arena() override { return memory; }
  void launch(int kernel, LaunchBuffers buffers, const Scalars &scalars, int64_t blocks) override;
  int64_t scratchBytes() const override { return scratchStride * pool.threads(); }

private:
  struct Free {
    void operator()(std::byte *memory) const { std::free(memory); }
  };

  ThreadPool &pool;
  Arena memory;
  std::vector<mlora_kernel> functions;
  int64_t scratchStride;
  std::unique_ptr<std::byte, Free> scratch;
};

} // namespace mlora
