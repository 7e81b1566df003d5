// Tensor copies: boxes of a tensor of up to five dimensions, swizzled in shared memory. What lies outside the
// tensor is read as zeros and not written.
#include "Tensor.h"

#include <algorithm>

namespace mlora::emulator {

static bool isParameter(const Launch &launch, uint64_t address) {
  if (!launch.tensorMaps)
    return false;
  uint64_t offset = address - reinterpret_cast<uint64_t>(launch.tensorMaps->data());
  return offset % sizeof(TensorMap) == 0 && offset / sizeof(TensorMap) < launch.tensorMaps->size();
}

static const TensorMap &mapAt(Thread &thread, uint32_t site, uint64_t address, uint64_t dimensions) {
  Block &block = *thread.block;
  if (address % 64 ||
      (!isParameter(block.launch, address) && !block.memory.contains(address, sizeof(TensorMap))))
    block.fault(thread, site, "invalid tensor map",
                "the address of the tensor map is " + block.memory.describe(address) +
                    "; a parameter, or a multiple of 64 in global memory is expected");
  const TensorMap &map = *reinterpret_cast<const TensorMap *>(address);
  if (map.magic != TensorMap::kMagic)
    block.fault(thread, site, "invalid tensor map",
                "there is no tensor map " + block.memory.describe(address));
  if (map.rank != dimensions)
    block.fault(thread, site, "invalid tensor map",
                std::to_string(dimensions) + " coordinates for a tensor of " + std::to_string(map.rank) +
                    " dimensions");
  return map;
}

static uint32_t boxBytes(const TensorMap &map) {
  uint32_t bytes = map.elementBytes;
  for (unsigned i = 0; i < map.rank; ++i)
    bytes *= map.box[i];
  return bytes;
}

/// Calls `f(shared address, global address or 0, bytes)` for pieces of at most 16 bytes, in the order of the
/// box.
template <typename F>
static void forPieces(const TensorMap &map, uint64_t shared, const uint64_t *coordinates, F f) {
  uint32_t rowBytes = map.box[0] * map.elementBytes, rows = boxBytes(map) / rowBytes;
  for (uint32_t row = 0; row < rows; ++row) {
    uint64_t global = map.address;
    bool inside = true;
    for (uint32_t i = 1, rest = row; i < map.rank; rest /= map.box[i], ++i) {
      int64_t at = int32_t(coordinates[i]) + int64_t(rest % map.box[i]);
      inside &= at >= 0 && at < map.sizes[i];
      global += at * map.strides[i - 1];
    }
    for (uint32_t byte = 0; byte < rowBytes; byte += 16) {
      uint32_t bytes = std::min(16u, rowBytes - byte);
      uint64_t to = swizzled(shared + uint64_t(row) * rowBytes + byte, map.swizzle);
      int64_t first = int32_t(coordinates[0]) + int64_t(byte / map.elementBytes);
      for (uint32_t i = 0; i < bytes;) { // runs of elements inside or outside
        int64_t at = first + i / map.elementBytes;
        bool isIn = inside && at >= 0 && at < map.sizes[0];
        uint32_t end = i;
        for (; end < bytes; end += map.elementBytes) {
          int64_t here = first + end / map.elementBytes;
          if ((inside && here >= 0 && here < map.sizes[0]) != isIn)
            break;
        }
        f(to + i, isIn ? global + at * map.elementBytes : 0, end - i);
        i = end;
      }
    }
  }
}

static void checkBox(Thread &thread, uint32_t site, const TensorMap &map, uint64_t shared, const char *verb) {
  checkShared(thread, site, shared, boxBytes(map), 128, verb);
  uint32_t rowBytes = map.box[0] * map.elementBytes;
  if (rowBytes % 16 || (map.swizzle && rowBytes > map.swizzle))
    thread.block->fault(thread, site, "invalid tensor map",
                        "the box is " + std::to_string(rowBytes) +
                            " bytes wide; a multiple of 16 up to the swizzle's " +
                            std::to_string(map.swizzle) + " is expected");
}

/// What of a box is inside the tensor must be memory that this launch may touch.
static void checkTensor(Thread &thread, uint32_t site, const TensorMap &map, const uint64_t *coordinates,
                        const char *verb) {
  uint64_t first = map.address, last = map.address + map.elementBytes;
  for (unsigned i = 0; i < map.rank; ++i) {
    int64_t at = int32_t(coordinates[i]), from = std::max<int64_t>(at, 0),
            to = std::min<int64_t>(at + map.box[i], map.sizes[i]);
    if (from >= to)
      return; // all of the box is outside
    uint64_t stride = i ? map.strides[i - 1] : map.elementBytes;
    first += uint64_t(from) * stride;
    last += uint64_t(to - 1) * stride;
  }
  Block &block = *thread.block;
  if (!block.memory.contains(first, last - first))
    block.fault(thread, site, "out-of-bounds access",
                std::string(verb) + " " + std::to_string(last - first) + " bytes " +
                    block.memory.describe(first) + ", which the tensor map says are its tensor's");
}

void runTensorLoad(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  uint64_t shared = toShared(in[0]), at = toShared(in[2]);
  const TensorMap &map = mapAt(thread, site, in[1], in[3]);
  Mbarrier &barrier = findMbarrier(thread, site, at);
  checkBox(thread, site, map, shared, "copies to");
  checkTensor(thread, site, map, in + 4, "copies from");
  Accessor by = thread.accessor();
  by.isAsyncProxy = true;
  by.fenced = &thread.fenced;
  if (!barrier.isVisibleToAsyncProxy)
    block.fault(thread, site, "proxy fence missing",
                "the async proxy reports to the mbarrier at " + hex(at) +
                    ", with no fence.mbarrier.init (or fence.proxy.async) after its initialisation",
                barrier.initSite, "the initialisation");
  block.shared->launch(by, shared, boxBytes(map), site);
  std::array<uint64_t, 5> coordinates = {};
  std::copy_n(in + 4, map.rank, coordinates.begin());
  std::vector<char> data; // the source as it is: it must be so still when the copy lands
  data.reserve(boxBytes(map));
  forPieces(map, shared, in + 4, [&](uint64_t, uint64_t from, uint32_t bytes) {
    if (from)
      data.insert(data.end(), reinterpret_cast<const char *>(from),
                  reinterpret_cast<const char *>(from) + bytes);
    else
      data.resize(data.size() + bytes);
  });
  block.transfers.push_back([&block, &thread, &map, site, shared, at, coordinates, data = std::move(data),
                             engine = barrier.engine] {
    const char *piece = data.data();
    forPieces(map, shared, coordinates.data(), [&](uint64_t to, uint64_t from, uint32_t bytes) {
      if (from && std::memcmp(piece, reinterpret_cast<const char *>(from), bytes) != 0)
        block.fault(thread, site, "source of an asynchronous copy overwritten",
                    "the " + std::to_string(bytes) + " bytes " + block.memory.describe(from) +
                        " changed before the copy was done");
      std::memcpy(block.shared->host(to), piece, bytes);
      piece += bytes;
    });
    auto found = block.mbarriers.find(at);
    if (found == block.mbarriers.end() || found->second.engine != engine)
      return; // the barrier is gone: nobody can wait for this
    Mbarrier &barrier = found->second;
    block.shared->land(engine, ++barrier.moment, shared, boxBytes(map), /*isAsyncProxy=*/true);
    barrier.arriving.raise(engine, barrier.moment);
    barrier.bytes -= boxBytes(map);
    finishPhase(block, barrier);
  });
  block.yield(thread);
}

void runTensorStore(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  uint64_t shared = toShared(in[0]);
  const TensorMap &map = mapAt(thread, site, in[1], in[2]);
  checkBox(thread, site, map, shared, "copies from");
  checkTensor(thread, site, map, in + 3, "copies to");
  if (!thread.storeEngine)
    thread.storeEngine = block.newEngine(Engine::Store);
  // The engine's read lasts until a wait for the copy's group.
  VectorClock before = thread.known;
  before.raise(thread.index, thread.clock);
  Accessor by{&thread, thread.storeEngine, ++thread.storeMoment, &before, &thread.fenced, true};
  block.shared->touch(by, shared, boxBytes(map), Access::Read, site);
  TensorStoreCopy copy;
  copy.site = site;
  forPieces(map, shared, in + 3, [&](uint64_t from, uint64_t to, uint32_t bytes) {
    if (!to)
      return;
    copy.pieces.push_back({from, to, bytes});
    const char *host = block.shared->host(from);
    copy.data.insert(copy.data.end(), host, host + bytes);
  });
  thread.stores.push_back(std::move(copy));
}

static void land(const TensorStoreCopy &copy) {
  const char *data = copy.data.data();
  for (const TensorStoreCopy::Piece &piece : copy.pieces) {
    std::memcpy(reinterpret_cast<char *>(piece.to), data, piece.bytes);
    data += piece.bytes;
  }
}

/// The block has ended: what nobody has waited for is in global memory now.
void finishStores(Thread &thread) {
  for (const StoreGroup &group : thread.storeGroups)
    for (const TensorStoreCopy &copy : group.copies)
      land(copy);
}

/// A copy whose source shared memory must still hold, as far as the thread knows.
const TensorStoreCopy *findUnreadStore(const Thread &thread) {
  for (const StoreGroup &group : thread.storeGroups)
    if (!group.isRead && !group.copies.empty())
      return &group.copies.front();
  return thread.stores.empty() ? nullptr : &thread.stores.front();
}

void runBulkCommit(ThreadContext *context, uint32_t, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  thread.storeGroups.push_back({std::move(thread.stores), thread.storeMoment});
  thread.stores.clear();
}

/// With `.read` the source may be overwritten, and what was written to global memory is not there yet.
void runBulkWait(ThreadContext *context, uint32_t, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  for (size_t i = 0; i + in[0] < thread.storeGroups.size(); ++i) {
    StoreGroup &group = thread.storeGroups[i];
    group.isRead = true;
    if (group.moment)
      thread.known.raise(thread.storeEngine, group.moment);
  }
  if (!in[1])
    for (; thread.storeGroups.size() > in[0]; thread.storeGroups.pop_front())
      for (const TensorStoreCopy &copy : thread.storeGroups.front().copies) {
        if (GlobalHistory *history = thread.block->history)
          for (const TensorStoreCopy::Piece &piece : copy.pieces)
            history->touch(thread, piece.to, piece.bytes, Access::Write, copy.site);
        land(copy);
      }
  thread.block->yield(thread);
}

} // namespace mlora::emulator
