// Weights of layers that live in the host's memory, copied to the device while the layer before computes.
#pragma once

#include "CudaHandles.h"
#include "mlora/Runtime/Program/Layout.h"

#include <array>

namespace mlora {

/// Copies are on a stream of their own. Events order both ways, in a captured section, too: a copy begins
/// when what was launched on its place before is done, and a layer's launches when its copies are.
class CudaRing {
public:
  /// Launches are on `stream`. All must outlive this object.
  CudaRing(const cuda::Table &table, const Manifest &manifest, const Layout &layout, cuda::Stream *stream);

  ~CudaRing();
  CudaRing(const CudaRing &) = delete;
  CudaRing &operator=(const CudaRing &) = delete;

  /// `arena` and `host` are where the arena and the host's memory begin.
  void open(cuda::DevicePointer arena, const std::byte *host);
  /// What was copied is forgotten: sections may have written the weights.
  void begin() {
    holds.fill(-1);
    current = -1;
  }
  /// Device::useLayer().
  void use(int64_t layer, int64_t next);

private:
  void copy(int64_t layer);

  const cuda::Table &table;
  const Layout &layout;
  cuda::Stream *stream;
  std::vector<size_t> buffers; ///< of the manifest
  cuda::DevicePointer arena = 0;
  const std::byte *host = nullptr;
  CudaStream copies;
  CudaEvent reached; ///< by launches, when a copy is asked for
  std::array<CudaEvent, Layout::ringSlots> copied;
  std::array<int64_t, Layout::ringSlots> holds; ///< layers; -1: none
  int64_t current = -1;                         ///< the layer that launches work on
};

} // namespace mlora
