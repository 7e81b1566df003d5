#include "CudaRing.h"

namespace mlora {

CudaRing::CudaRing(const cuda::Table &table, const Manifest &manifest, const Layout &layout,
                   cuda::Stream *stream)
    : table(table), layout(layout), stream(stream) {
  begin();
  for (size_t i = 0; i < manifest.buffers.size(); ++i)
    if (layout.isInRing(i))
      buffers.push_back(i);
}

/// A section that ended with an error may have left a copy that nobody has waited for.
CudaRing::~CudaRing() {
  if (copies.get())
    table.driver.streamSynchronize(copies.get());
}

void CudaRing::open(cuda::DevicePointer memory, const std::byte *hostMemory) {
  if (buffers.empty())
    return;
  arena = memory;
  host = hostMemory;
  copies = makeStream(table);
  reached = makeEvent(table, cuda::eventDisableTiming);
  for (CudaEvent &event : copied)
    event = makeEvent(table, cuda::eventDisableTiming);
}

void CudaRing::copy(int64_t layer) {
  const cuda::DriverTable &driver = table.driver;
  size_t place = size_t(layer % Layout::ringSlots);
  check(table, driver.eventRecord(reached.get(), stream), "cuEventRecord");
  check(table, driver.streamWaitEvent(copies.get(), reached.get(), 0), "cuStreamWaitEvent");
  for (size_t buffer : buffers)
    check(table,
          driver.memcpyHtoDAsync(arena + cuda::DevicePointer(layout.ringOffset(buffer, layer)),
                                 host + layout.offset(buffer, layer) - layout.arenaBytes(),
                                 size_t(layout.slotBytes(buffer)), copies.get()),
          "cuMemcpyHtoDAsync");
  check(table, driver.eventRecord(copied[place].get(), copies.get()), "cuEventRecord");
  holds[place] = layer;
}

void CudaRing::use(int64_t layer, int64_t next) {
  size_t place = size_t(layer % Layout::ringSlots);
  if (layer == current)
    return;
  if (holds[place] != layer)
    copy(layer);
  check(table, table.driver.streamWaitEvent(stream, copied[place].get(), 0), "cuStreamWaitEvent");
  current = layer;
  if (next >= 0 && next % Layout::ringSlots != int64_t(place) &&
      holds[size_t(next % Layout::ringSlots)] != next)
    copy(next);
}

} // namespace mlora
