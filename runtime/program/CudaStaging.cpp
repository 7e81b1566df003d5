#include "CudaStaging.h"

#include <algorithm>
#include <cstring>

namespace mlora {

std::byte *CudaStaging::take(int64_t bytes) {
  constexpr int64_t alignment = 64;
  if (chunks[current].used + bytes > chunks[current].bytes) {
    if (chunks[current].bytes > 0) {
      check(table, table.driver.eventRecord(chunks[current].reached.get(), stream), "cuEventRecord");
      chunks[current].isRecorded = true;
    }
    current = 1 - current;
    Chunk &next = chunks[current];
    if (next.isRecorded)
      check(table, table.driver.eventSynchronize(next.reached.get()), "cuEventSynchronize");
    next.isRecorded = false;
    next.used = 0;
    if (next.bytes < bytes) {
      next.memory = {};
      next.bytes = 0;
      next.memory = makePinned(table, std::max(bytes, chunkBytes));
      next.bytes = std::max(bytes, chunkBytes);
      if (!next.reached.get())
        next.reached = makeEvent(table, cuda::eventDisableTiming);
    }
  }
  Chunk &chunk = chunks[current];
  std::byte *place = static_cast<std::byte *>(chunk.memory.get()) + chunk.used;
  chunk.used += (bytes + alignment - 1) / alignment * alignment;
  if (table.isEmulated())
    check(table, table.emulator.hostAccess(place, size_t(bytes), true), "pinned memory");
  return place;
}

void CudaStaging::upload(cuda::DevicePointer to, const void *from, int64_t bytes) {
  upload(to, bytes, 1, [from](std::byte *piece, int64_t first, int64_t count) {
    std::memcpy(piece, static_cast<const std::byte *>(from) + first, size_t(count));
  });
}

void CudaStaging::upload(cuda::DevicePointer to, int64_t bytes, int64_t granule, const Device::Fill &fill) {
  granule = std::max<int64_t>(granule, 1);
  int64_t most = std::max(granule, chunkBytes / granule * granule);
  for (int64_t first = 0; first < bytes; first += most) {
    int64_t count = std::min(most, bytes - first);
    std::byte *piece = take(count);
    fill(piece, first, count);
    check(table, table.driver.memcpyHtoDAsync(to + cuda::DevicePointer(first), piece, size_t(count), stream),
          "cuMemcpyHtoDAsync");
  }
}

void CudaStaging::download(void *to, cuda::DevicePointer from, int64_t bytes) {
  for (int64_t first = 0; first < bytes; first += chunkBytes) {
    int64_t count = std::min(chunkBytes, bytes - first);
    std::byte *piece = take(count);
    check(table,
          table.driver.memcpyDtoHAsync(piece, from + cuda::DevicePointer(first), size_t(count), stream),
          "cuMemcpyDtoHAsync");
    cuda::synchronize(table, stream);
    if (table.isEmulated())
      check(table, table.emulator.hostAccess(piece, size_t(count), false), "pinned memory");
    std::memcpy(static_cast<std::byte *>(to) + first, piece, size_t(count));
  }
}

} // namespace mlora
