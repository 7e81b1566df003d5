#include "Emulation.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace mlora::cuda {
namespace {

size_t machineMemory() { return size_t(sysconf(_SC_PHYS_PAGES)) * size_t(sysconf(_SC_PAGESIZE)); }

} // namespace

void join(Moment &into, const Moment &other) {
  for (auto [stream, number] : other)
    into[stream] = std::max(into[stream], number);
}

Emulation &Emulation::get() {
  static Emulation device;
  return device;
}

emulator::GlobalMemory &Emulation::memory() {
  if (!globalMemory) { // addresses for holes between allocations, too
    if (total == 0)
      total = machineMemory();
    globalMemory = std::make_unique<emulator::GlobalMemory>(2 * total + (size_t(1) << 30));
  }
  return *globalMemory;
}

const Emulation::Allocation &Emulation::allocationOf(DevicePointer begin, size_t bytes,
                                                     const std::string &what) const {
  auto after = allocations.upper_bound(begin);
  if (after != allocations.begin()) {
    auto &[start, allocation] = *std::prev(after);
    if (begin - start <= allocation.bytes && bytes <= allocation.bytes - (begin - start))
      return allocation;
    if (begin - start < allocation.bytes)
      refuse(Result::InvalidValue, what + ": " + bytesText(bytes) + " from byte " +
                                       std::to_string(begin - start) + " reach beyond the end of " +
                                       allocation.name + " (" + bytesText(allocation.bytes) + ")");
  }
  refuse(Result::InvalidValue, what + ": lies in no allocation: " +
                                   (globalMemory ? globalMemory->describe(begin) : "nothing is allocated"));
}

DevicePointer Emulation::allocate(size_t bytes, const std::string &name) {
  emulator::GlobalMemory &all = memory();
  size_t used = usedBytes();
  if (bytes > total - used)
    refuse(Result::OutOfMemory, bytesText(bytes) + " are asked for, " + bytesText(total - used) + " of " +
                                    bytesText(total) + " are free");
  char *place = all.allocate(bytes, name);
  std::memset(place, 0xcd, bytes); // the real one's memory is not zeroed
  auto begin = reinterpret_cast<DevicePointer>(place);
  allocations[begin] = {bytes, name};
  return begin;
}

void *Emulation::allocateMapped(size_t bytes) {
  if (bytes > machineMemory())
    refuse(Result::OutOfMemory, bytesText(bytes) + " of pinned memory are asked for, and this machine has " +
                                    bytesText(machineMemory()));
  char *place = memory().allocate(bytes, "pinned memory");
  std::memset(place, 0xcd, bytes);
  allocations[reinterpret_cast<DevicePointer>(place)] = {bytes, "pinned memory", true};
  pinned[place] = bytes;
  return place;
}

size_t Emulation::usedBytes() const {
  size_t used = 0;
  for (auto &[begin, allocation] : allocations)
    used += allocation.isHosts ? 0 : allocation.bytes;
  return used;
}

void Emulation::free(DevicePointer place) {
  if (!allocations.contains(place))
    refuse(Result::InvalidValue, "cuMemFree: no allocation begins there: " + memory().describe(place));
  if (allocations[place].isHosts)
    refuse(Result::InvalidValue, "cuMemFree: this is pinned memory of the host: cuMemFreeHost is for it");
  for (Stream *stream : streams) // as the real one, which waits for all that runs
    runAll(*stream);
  allocations.erase(place);
  memory().free(reinterpret_cast<char *>(place));
}

bool Emulation::isPinned(const void *place, size_t bytes) const {
  auto after = pinned.upper_bound(place);
  if (after == pinned.begin())
    return false;
  auto &[begin, size] = *std::prev(after);
  size_t offset = size_t(static_cast<const char *>(place) - static_cast<const char *>(begin));
  return offset <= size && bytes <= size - offset;
}

bool Emulation::isMapped(const void *place) const {
  auto begin = reinterpret_cast<DevicePointer>(place);
  auto after = allocations.upper_bound(begin);
  return after != allocations.begin() && std::prev(after)->second.isHosts &&
         begin - std::prev(after)->first < std::prev(after)->second.bytes;
}

Stream &Emulation::streamOf(Stream *stream) const {
  if (!streams.contains(stream))
    refuse(Result::InvalidHandle,
           "there is no such stream (or it is destroyed; the null stream is not emulated)");
  return *stream;
}

void Emulation::enqueue(Stream &stream, Operation operation) {
  if (stream.capture) {
    stream.capture->add(stream.lane, {.operation = std::move(operation)});
    return;
  }
  join(stream.order, host);
  for (Stream *other : streams)
    for (const Operation &earlier : other->pending) {
      if (other == &stream || earlier.number <= stream.order[other->number])
        continue;
      for (const Range &mine : operation.ranges)
        for (const Range &its : earlier.ranges)
          if ((mine.writes || its.writes) && mine.overlaps(its))
            refuse(Result::IllegalState, operation.name + " on stream " + std::to_string(stream.number) +
                                             " touches the bytes of " + earlier.name + " on stream " +
                                             std::to_string(other->number) +
                                             ", and no event orders the two: cuStreamWaitEvent is missing");
    }
  operation.number = ++stream.enqueued;
  stream.order[stream.number] = operation.number;
  stream.pending.push_back(std::move(operation));
}

void Emulation::waitFor(Stream &stream, Stream *other, uint64_t number, const Moment &order) {
  join(stream.order, order);
  enqueue(stream, {"cuStreamWaitEvent", {}, [this, other, number] {
                     if (streams.contains(other))
                       runUntil(*other, number);
                   }});
}

void Emulation::runUntil(Stream &stream, uint64_t number) {
  while (!stream.pending.empty() && stream.pending.front().number <= number) {
    Operation operation = std::move(stream.pending.front());
    stream.pending.pop_front();
    try {
      operation.run();
    } catch (const Refusal &refusal) {
      sticky = refusal.result; // as the real one: a fault is the context's end
      throw;
    }
  }
}

void Emulation::checkHostAccess(const void *place, size_t bytes, bool writes) const {
  Range access{reinterpret_cast<uint64_t>(place), bytes, writes};
  for (Stream *stream : streams)
    for (const Operation &operation : stream->pending)
      for (const Range &range : operation.ranges)
        if ((range.writes || writes) && range.overlaps(access))
          refuse(Result::IllegalState, std::string("the host ") + (writes ? "writes" : "reads") +
                                           " memory that " + operation.name + " may still be " +
                                           (range.writes ? "writing" : "reading") + ": wait for stream " +
                                           std::to_string(stream->number) + ", or for an event behind it");
}

bool Emulation::isCapturing() const {
  return std::ranges::any_of(streams, [](Stream *stream) { return stream->capture != nullptr; });
}

void Emulation::checkNotCapturing(const char *function) const {
  if (isCapturing())
    refuse(Result::StreamCaptureUnsupported, std::string(function) + " while a stream is captured");
}

std::string Emulation::leaks() const {
  std::string text;
  for (auto &[begin, allocation] : allocations)
    if (!allocation.isHosts) // counted below
      text += (text.empty() ? "" : ", ") + allocation.name + " (" + bytesText(allocation.bytes) + ")";
  auto count = [&text](size_t number, const char *what) {
    if (number)
      text += (text.empty() ? "" : ", ") + std::to_string(number) + " " + what;
  };
  count(pinned.size(), "pinned allocations");
  count(streams.size(), "streams");
  count(events.size(), "events");
  count(modules.size(), "modules");
  count(graphs.size(), "graphs");
  return text;
}

void Emulation::releaseContext() {
  std::string left = leaks();
  bool isWhole = sticky == Result::Success;
  // Handles that are left stay valid as memory, so that a late use of one is a refusal.
  for (auto &[begin, bytes] : pinned)
    if (!allocations.contains(reinterpret_cast<DevicePointer>(begin)))
      std::free(const_cast<void *>(begin));
  pinned.clear();
  allocations.clear();
  streams.clear();
  events.clear();
  modules.clear();
  graphs.clear();
  globalMemory.reset();
  host.clear();
  nextViews = {};
  sticky = Result::Success;
  current = nullptr;
  streamNumbers = 0;
  launches = 0;
  if (isWhole && !left.empty())
    refuse(Result::IllegalState, "the context is released, and what it held is lost: " + left);
}

EmulatedMemory emulatedMemory() {
  Emulation &device = Emulation::get();
  size_t pinned = 0;
  for (auto &[begin, bytes] : device.pinned)
    pinned += bytes;
  return {device.total ? device.total : machineMemory(), device.usedBytes(), pinned};
}

void setEmulatedMemory(size_t total) {
  Emulation &device = Emulation::get();
  if (device.retained)
    failed("the emulated device's memory cannot change while a context exists");
  device.total = total;
}

Table &emulated() {
  static Table table = [] {
    Table made;
#define MLORA_DRIVER_FUNCTION(name, symbol, parameters) made.driver.name = emulated_##name;
#include "mlora/Runtime/Cuda/DriverFunctions.def"
#define MLORA_BLASLT_FUNCTION(name, symbol, parameters) made.blas.name = emulated_##name;
#include "mlora/Runtime/Cuda/BlasLtFunctions.def"
    made.blas.statusString = emulated_statusString;
    made.blas.version = [] { return size_t(130000); };
    made.emulator = {emulated_showNextLaunch, emulated_hostAccess, emulated_nameAllocation,
                     [] { return Emulation::get().explanation; }};
    return made;
  }();
  return table;
}

} // namespace mlora::cuda
