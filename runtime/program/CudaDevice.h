#pragma once

#include "CudaContext.h"
#include "CudaGraphs.h"
#include "CudaKernels.h"
#include "CudaProducts.h"
#include "CudaRing.h"
#include "CudaStaging.h"
#include "CudaTimer.h"
#include "mlora/Runtime/Program/Device.h"

namespace mlora {

/// A GPU, by NVIDIA's libraries or under the emulator (docs/emulator.md): one stream, one allocation for the
/// arena; with `offload` one more of the host's memory, pinned, and a stream that copies from it. A fault
/// ends the run with an Error; the emulator's names kernel, block, thread and operation.
class CudaDevice : public Device {
public:
  /// Throws Error(Failed), before its memory is allocated, when the program does not fit into free memory,
  /// and when its code is not for this GPU.
  CudaDevice(const cuda::Table &table, const Bundle &bundle, const Layout &layout);
  ~CudaDevice() override;

  void *address(int64_t place) override { return reinterpret_cast<void *>(placeOf(place)); }
  void write(int64_t place, const void *from, int64_t bytes) override;
  void read(void *to, int64_t place, int64_t bytes) override;
  void write(int64_t place, int64_t bytes, int64_t granule, const Fill &fill) override;
  void begin(std::span<const Scalars> scalars) override;
  void replay(size_t section, const Scalars &scalars, const std::function<void()> &launches) override;
  void useLayer(int64_t layer, int64_t next) override { ring.use(layer, next); }
  void launch(int kernel, LaunchBuffers buffers, size_t scalars, int64_t blocks) override;
  void product(int kernel, LaunchBuffers buffers, int64_t rows) override;
  void synchronize() override;
  void timed(int kernel, const std::function<void()> &launch) override { timer.time(kernel, launch); }
  std::vector<std::pair<int, double>> takeTimes() override { return timer.take(); }
  int64_t scratchBytes() const override { return scratchSize + workspaceSize; }

  /// All that it has allocated: arena, scratch, the products' workspace, the scalars, and the module's
  /// constants.
  int64_t allocatedBytes() const {
    return arenaSize + scratchBytes() + scalarBytes() + kernels.constantBytes();
  }
  const CudaGraphs &graphs() const { return sections; }
  const CudaProducts &shapes() const { return products; }

private:
  /// Throws; `refused` is what the driver has no memory for, where the program should fit.
  [[noreturn]] void doesNotFit(int64_t free, int64_t total, const std::string &refused) const;
  cuda::DevicePointer placeOf(int64_t place) const {
    return place < arenaSize ? arena.get() + cuda::DevicePointer(place)
                             : hostAddress + cuda::DevicePointer(place - arenaSize);
  }
  /// Of the host's memory, when nothing that was launched touches it any more; null for a place in the arena.
  std::byte *hostPlace(int64_t place, int64_t bytes, bool writes);
  /// A section's scalars, and those of each chunk.
  int64_t scalarBytes() const { return (1 + layout.mostChunks()) * int64_t(sizeof(Scalars)); }
  void showNextLaunch(LaunchBuffers buffers, const Scalars &scalars) const;

  const cuda::Table &table;
  const Manifest &manifest;
  const Layout &layout;
  CudaContext context;
  int64_t arenaSize, scratchSize, workspaceSize;
  CudaStream stream;
  CudaKernels kernels;
  CudaMemory arena, scratch, workspace, scalarMemory;
  CudaPinned host;
  cuda::DevicePointer hostAddress = 0; ///< as kernels have it
  CudaStaging staging;
  CudaProducts products;
  CudaGraphs sections;
  CudaRing ring;
  CudaTimer timer;
  std::span<const Scalars> shown; ///< what begin() was given
  bool waitsForEach = cuda::waitsForEachLaunch();
};

} // namespace mlora
