#pragma once

#include "mlora/Runtime/Program/Arena.h"
#include "mlora/Runtime/Program/Device.h"

#include <cstdlib>

namespace mlora {

class CpuDevice : public Device {
public:
  CpuDevice(const Bundle &bundle, const Layout &layout, ThreadPool &pool);

  void *address(int64_t place) override { return memory.at(place); }
  std::byte *hostMemory() override { return memory.at(0); }
  void write(int64_t place, const void *from, int64_t bytes) override;
  void read(void *to, int64_t place, int64_t bytes) override;
  void write(int64_t place, int64_t bytes, int64_t granule, const Fill &fill) override {
    fill(memory.at(place), 0, bytes);
  }
  void begin(std::span<const Scalars> scalars) override { shown = scalars; }
  void launch(int kernel, LaunchBuffers buffers, size_t scalars, int64_t blocks) override;
  void product(int kernel, LaunchBuffers buffers, int64_t rows) override; ///< refused when it is opened
  int64_t scratchBytes() const override { return scratchStride * pool.threads(); }

private:
  std::span<const Scalars> shown; ///< what begin() was given
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
