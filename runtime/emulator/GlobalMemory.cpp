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
  granules.resize(kGuardBytes / kGranule, kNothing); // what the check in line reads for other addresses
}

GlobalMemory::~GlobalMemory() { munmap(arena, capacity); }

/// Where so many bytes fit, guard zones around them: in a hole, or behind everything.
uint64_t GlobalMemory::place(size_t bytes) {
  size_t taken = (bytes + kGuardBytes + kAlignment - 1) / kAlignment * kAlignment;
  for (Buffer &hole : freed)
    if (hole.bytes >= taken) {
      uint64_t begin = hole.begin;
      hole.begin += taken;
      hole.bytes -= taken;
      if (hole.bytes == 0)
        std::erase_if(freed, [](const Buffer &empty) { return empty.bytes == 0; });
      return begin;
    }
  size_t begin = (used + kGuardBytes + kAlignment - 1) / kAlignment * kAlignment;
  if (bytes > capacity || begin + bytes + kGuardBytes > capacity)
    return 0;
  used = begin + bytes;
  granules.resize((used + kGuardBytes + kGranule - 1) / kGranule, kNothing);
  return base() + begin;
}

char *GlobalMemory::allocate(size_t bytes, std::string name) {
  uint64_t begin = place(bytes);
  if (!begin)
    failed("the emulator's global memory is full: " + name + " needs " + std::to_string(bytes) + " bytes");
  mark(begin, bytes);
  Buffer buffer{begin, bytes, std::move(name)};
  auto after = std::upper_bound(buffers.begin(), buffers.end(), begin,
                                [](uint64_t value, const Buffer &known) { return value < known.begin; });
  buffers.insert(after, std::move(buffer));
  return reinterpret_cast<char *>(begin);
}

/// No part of an allocation may be accessed.
void GlobalMemory::hide(const Buffer &whole) {
  std::erase_if(buffers, [&](const Buffer &buffer) {
    return buffer.begin >= whole.begin && buffer.begin < whole.begin + std::max<uint64_t>(whole.bytes, 1);
  });
  std::fill_n(granules.begin() + (whole.begin - base()) / kGranule, (whole.bytes + kGranule - 1) / kGranule,
              kNothing);
}

void GlobalMemory::rename(char *allocation, std::string name) {
  for (std::vector<Buffer> *list : {&buffers, &hidden})
    for (Buffer &buffer : *list)
      if (buffer.begin == reinterpret_cast<uint64_t>(allocation))
        buffer.name = name;
}

void GlobalMemory::free(char *allocation) {
  uint64_t begin = reinterpret_cast<uint64_t>(allocation);
  auto isWhole = [begin](const Buffer &buffer) { return buffer.begin == begin; };
  auto found = std::find_if(hidden.begin(), hidden.end(), isWhole);
  bool isHidden = found != hidden.end();
  if (!isHidden)
    found = std::find_if(buffers.begin(), buffers.end(), isWhole);
  if (found == (isHidden ? hidden.end() : buffers.end()))
    failed("the emulator's global memory: no allocation begins there");
  Buffer whole = *found;
  if (isHidden)
    hidden.erase(found);
  hide(whole);
  // Zeros again, without pages where there are whole ones.
  uint64_t first = (begin + 4095) / 4096 * 4096, last = (begin + whole.bytes) / 4096 * 4096;
  if (first < last) {
    std::memset(allocation, 0, first - begin);
    madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
    std::memset(reinterpret_cast<void *>(last), 0, begin + whole.bytes - last);
  } else {
    std::memset(allocation, 0, whole.bytes);
  }
  whole.bytes = (whole.bytes + kGuardBytes + kAlignment - 1) / kAlignment * kAlignment;
  whole.name = "what was " + whole.name + ", which is freed";
  auto next = std::upper_bound(freed.begin(), freed.end(), begin,
                               [](uint64_t value, const Buffer &hole) { return value < hole.begin; });
  next = freed.insert(next, std::move(whole));
  if (next + 1 != freed.end() && next->begin + next->bytes == (next + 1)->begin) {
    next->bytes += (next + 1)->bytes;
    freed.erase(next + 1);
  }
  if (next != freed.begin() && (next - 1)->begin + (next - 1)->bytes == next->begin) {
    (next - 1)->bytes += next->bytes;
    freed.erase(next);
  }
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
  hide(*whole);
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

void GlobalMemory::showAll() {
  for (Buffer &whole : hidden) {
    hide(whole);
    mark(whole.begin, whole.bytes);
    buffers.push_back(std::move(whole));
  }
  hidden.clear();
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
  for (const Buffer &hole : freed)
    if (address - hole.begin < hole.bytes)
      return "at byte " + std::to_string(address - hole.begin) + " of " + hole.name;
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
