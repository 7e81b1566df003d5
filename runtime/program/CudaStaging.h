// Copies between the host and a GPU's memory through pinned chunks: the host's memory stays small, and
// reading a file goes on while the piece before is copied.
#pragma once

#include "CudaHandles.h"
#include "mlora/Runtime/Program/Device.h"

#include <array>

namespace mlora {

class CudaStaging {
public:
  /// All copies are on `stream`.
  CudaStaging(const cuda::Table &table, cuda::Stream *stream) : table(table), stream(stream) {}

  /// `from` is free again when it returns; the copy runs in the order of the stream.
  void upload(cuda::DevicePointer to, const void *from, int64_t bytes);
  void upload(cuda::DevicePointer to, int64_t bytes, int64_t granule, const Device::Fill &fill);
  /// Waits for the stream.
  void download(void *to, cuda::DevicePointer from, int64_t bytes);

  static constexpr int64_t chunkBytes = int64_t(16) << 20;

private:
  /// So many bytes of pinned memory that no copy uses any more.
  std::byte *take(int64_t bytes);

  struct Chunk {
    int64_t bytes = 0, used = 0;
    CudaEvent reached; ///< behind the last copy, when the other chunk's turn began
    CudaPinned memory;
    bool isRecorded = false;
  };
  const cuda::Table &table;
  cuda::Stream *stream;
  std::array<Chunk, 2> chunks;
  size_t current = 0;
};

} // namespace mlora
