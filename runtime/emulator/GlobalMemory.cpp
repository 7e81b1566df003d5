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
  mark(base() + begin, bytes);
  buffers.push_back({base() + begin, bytes, std::move(name)});
  return arena + begin;
}

/// Lets code access a buffer: the last granule has as many bytes as it has.
void GlobalMemory::mark(uint64_t begin, size_t bytes) {
  size_t first = (begin - base()) / kGranule;
  std::fill_n(granules.begin() + first, bytes / kGranule, 0);
  if (bytes % kGranule)
    granules[first + bytes / kGranule] = bytes % kGranule;
}

void GlobalMemory::showOnly(char *allocation, std::vector<View> views) {
  uint64_t begin = reinterpret_cast<uint64_t>(allocation);
  auto isWhole = [begin](const Buffer &buffer) { return buffer.begin == begin; };
  auto whole = std::find_if(hidden.begin(), hidden.end(), isWhole);
  if (whole == hidden.end()) {
    auto shown = std::find_if(buffers.begin(), buffers.end(), isWhole);
    if (shown == buffers.end())
      failed("the emulator's global memory: no allocation begins there");
    hidden.push_back(*shown);
    whole = hidden.end() - 1;
  }
  uint64_t end = begin + whole->bytes;
  std::erase_if(buffers, [&](const Buffer &buffer) { return buffer.begin >= begin && buffer.begin < end; });
  std::fill_n(granules.begin() + (begin - base()) / kGranule, (whole->bytes + kGranule - 1) / kGranule,
              kNothing);
  for (View &view : views) {
    uint64_t address = reinterpret_cast<uint64_t>(view.begin);
    if (address < begin || address + view.bytes > end || address % kGranule)
      failed("the emulator's global memory: " + view.name + " does not lie in " + whole->name);
    if (std::any_of(buffers.begin(), buffers.end(),
                    [&](const Buffer &known) { return known.begin == address; }))
      continue;
    mark(address, view.bytes);
    buffers.push_back({address, view.bytes, std::move(view.name)});
  }
  std::sort(buffers.begin(), buffers.end(),
            [](const Buffer &a, const Buffer &b) { return a.begin < b.begin; });
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
