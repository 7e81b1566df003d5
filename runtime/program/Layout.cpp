#include "mlora/Runtime/Program/Layout.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>

namespace mlora {
namespace {

/// Far beyond any machine's memory, and far from overflow.
constexpr int64_t mostRows = int64_t(1) << 31, mostBytes = int64_t(1) << 46, mostBlocks = int64_t(1) << 40;

std::string named(const Scalars &capacity, int extent) {
  return std::to_string(capacity[extent]) + " " + std::string(scalarNames[size_t(extent)]);
}

[[noreturn]] void tooLarge(const Scalars &capacity) {
  failed("the program cannot be opened for " + named(capacity, 0) + ", " + named(capacity, 1) + " and " +
         named(capacity, 2) + ": lower max_length or per_device_train_batch_size (of generate: max_new_tokens)");
}

/// Only a buffer that lies in another extent's region is bounded by that one's capacity.
void checkRegion(const Buffer &buffer, const Scalars &capacity) {
  if (buffer.region == chunkRegion)
    return; // holds a chunk's rows, whatever the capacity
  for (const Extent &extent : buffer.shape)
    if (!extent.isStatic() && capacity[extent.scalar] > capacity[buffer.region])
      failed("the program cannot be opened for " + named(capacity, extent.scalar) + " and only " +
             named(capacity, buffer.region) + ", where its buffer " + buffer.name + " lies");
}

void checkGrid(const Kernel &kernel, const Scalars &capacity) {
  double blocks = 1;
  for (const GridDimension &dimension : kernel.grid)
    blocks *= double(dimension.extent.at(capacity)) / double(dimension.block) + 1;
  if (blocks > double(mostBlocks))
    tooLarge(capacity);
}

constexpr int64_t alignment = 64;

int64_t roundUp(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

bool isMoment(const Buffer &buffer) { return buffer.role == Role::Moment1 || buffer.role == Role::Moment2; }

/// Frozen, of a layer a slot.
bool isLayersWeight(const Buffer &buffer) {
  return buffer.role == Role::Weight && !buffer.packed && !buffer.tensors.empty() &&
         std::ranges::all_of(buffer.tensors, [](const ParameterView &view) { return namesLayer(view.name); });
}

bool goesToHost(const Buffer &buffer, Offload offload) {
  return buffer.region < 0 &&
         ((offload.optimizer && isMoment(buffer)) || (offload.base && isLayersWeight(buffer)));
}

} // namespace

int64_t chunksOf(const Manifest &manifest, const Scalars &scalars) {
  int64_t rows = manifest.chunkRows;
  return rows == 0 ? 0 : std::max<int64_t>((scalars.countedRows + rows - 1) / rows, 1);
}

/// Buffers of the fixed region: what lives in the host's memory leaves no hole there. Returns the region's
/// bytes.
int64_t Layout::placeFixed(const Manifest &manifest) {
  places.resize(manifest.buffers.size());
  struct Hole {
    int64_t begin, end;
  };
  std::vector<Hole> holes;
  for (const Buffer &buffer : manifest.buffers)
    if (goesToHost(buffer, offload_))
      holes.push_back({buffer.offset, std::min(roundUp(buffer.offset + buffer.slots * buffer.slotBytes),
                                               manifest.arena.fixed)});
  auto bytesBefore = [&holes](int64_t place) {
    int64_t bytes = 0;
    for (const Hole &hole : holes)
      bytes += hole.begin < place ? hole.end - hole.begin : 0;
    return bytes;
  };
  int64_t end = manifest.arena.fixed - bytesBefore(manifest.arena.fixed);
  for (size_t i = 0; i < places.size(); ++i) {
    const Buffer &buffer = manifest.buffers[i];
    if (buffer.region >= 0)
      continue;
    places[i] = {buffer.offset - bytesBefore(buffer.offset), buffer.slotBytes};
    if (!goesToHost(buffer, offload_)) {
      for (const Hole &hole : holes)
        if (buffer.offset < hole.end && hole.begin < buffer.offset + buffer.slots * buffer.slotBytes)
          failed("the program's buffer " + buffer.name +
                 " shares memory with one that offload moves to the " + "host's: give offload=none");
      continue;
    }
    places[i].offset = hostSize; // of the host's memory, until the arena's end is known
    hostSize += roundUp(buffer.slots * buffer.slotBytes);
    if (buffer.role != Role::Weight)
      continue;
    places[i].ring = roundUp(end);
    end = places[i].ring + roundUp(std::min(ringSlots, buffer.slots) * buffer.slotBytes);
  }
  return end;
}

Layout::Layout(const Manifest &manifest, const Scalars &capacity, Offload offload)
    : capacity_(capacity), offload_(offload) {
  // The manifest's numbers are at most 2^46 each: products and sums below fit 128 bits.
  std::array<int64_t, regionCount> begins, rounded;
  int64_t fixed = placeFixed(manifest);
  __int128 end = hostSize > 0 ? roundUp(fixed) : fixed;
  for (int i = 0; i < regionCount; ++i) {
    int64_t rows = i == chunkRegion ? std::min(manifest.chunkRows, capacity.countedRows) : capacity[i];
    if (rows < 0 || rows > mostRows || end > mostBytes)
      tooLarge(capacity);
    begins[size_t(i)] = int64_t(end);
    rounded[size_t(i)] = roundedCapacity(rows);
    end += __int128(manifest.regionBytes(i)) * rounded[size_t(i)];
  }
  if (end > mostBytes)
    tooLarge(capacity);
  bytes = int64_t(end);
  chunks = chunksOf(manifest, capacity);
  // What the manifest's checks have found inside its region is inside the arena now.
  for (size_t i = 0; i < places.size(); ++i) {
    const Buffer &buffer = manifest.buffers[i];
    if (buffer.region < 0) {
      places[i].offset += goesToHost(buffer, offload) ? bytes : 0;
      continue;
    }
    checkRegion(buffer, capacity);
    int64_t rows = rounded[size_t(buffer.region)];
    places[i] = {begins[size_t(buffer.region)] + buffer.offset * rows, buffer.slotBytes * rows};
  }
  for (const Kernel &kernel : manifest.kernels)
    checkGrid(kernel, capacity);
}

} // namespace mlora
