#include "mlora/Runtime/Emulator/GlobalMemory.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Emulator/Abi.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

namespace mlora::emulator {

constexpr size_t kGuardBytes = 1024, kAlignment = 256;
constexpr uint8_t kNothing = 0xff;

GlobalMemory::GlobalMemory(size_t wanted) : capacity((wanted + 4095) / 4096 * 4096) {
  void *pages =
      mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED)
    failed("the emulator's global memory: " + std::to_string(capacity) + " bytes could not be reserved");
  arena = static_cast<char *>(pages);
  granules.assign(capacity / kGranule, kNothing);
}

GlobalMemory::~GlobalMemory() { munmap(arena, capacity); }

char *GlobalMemory::allocate(size_t bytes, std::string name) {
  size_t begin = (used + kGuardBytes + kAlignment - 1) / kAlignment * kAlignment;
  if (begin + bytes + kGuardBytes > capacity)
    failed("the emulator's global memory is full: " + name + " needs " + std::to_string(bytes) + " bytes");
  used = begin + bytes;
  std::fill_n(granules.begin() + begin / kGranule, bytes / kGranule, 0);
  if (bytes % kGranule)
    granules[(begin + bytes) / kGranule] = bytes % kGranule;
  buffers.push_back({base() + begin, bytes, std::move(name)});
  return arena + begin;
}

const GlobalMemory::Buffer *GlobalMemory::before(uint64_t address) const {
  auto after = std::upper_bound(buffers.begin(), buffers.end(), address,
                                [](uint64_t value, const Buffer &buffer) { return value < buffer.begin; });
  return after == buffers.begin() ? nullptr : &*std::prev(after);
}

bool GlobalMemory::contains(uint64_t address, size_t bytes) const {
  const Buffer *buffer = before(address);
  return buffer && address - buffer->begin <= buffer->bytes &&
         bytes <= buffer->bytes - (address - buffer->begin);
}

std::string GlobalMemory::describe(uint64_t address) const {
  if (address - base() >= capacity)
    return "in no buffer at all";
  const Buffer *low = before(address);
  const Buffer *high = !low ? (buffers.empty() ? nullptr : &buffers.front())
                            : (low + 1 < buffers.data() + buffers.size() ? low + 1 : nullptr);
  auto named = [](const Buffer &buffer) {
    return buffer.name + " (" + std::to_string(buffer.bytes) + " bytes)";
  };
  if (low && address < low->begin + low->bytes)
    return "at byte " + std::to_string(address - low->begin) + " of " + named(*low);
  // Nearer to the end of one buffer or to the start of the next.
  if (low && (!high || address - (low->begin + low->bytes) <= high->begin - address))
    return std::to_string(address - (low->begin + low->bytes)) + " bytes after the end of " + named(*low);
  if (high)
    return std::to_string(high->begin - address) + " bytes before " + named(*high);
  return "in no buffer at all";
}

} // namespace mlora::emulator
