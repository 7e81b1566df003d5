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

/// The box's pieces, as lists of them are.
static std::vector<CopyPiece> piecesOf(const TensorMap &map, uint64_t shared, const uint64_t *coordinates) {
  std::vector<CopyPiece> pieces;
  forPieces(map, shared, coordinates, [&](uint64_t at, uint64_t global, uint32_t bytes) {
    pieces.push_back({at, global, bytes});
  });
  return pieces;
}

void runTensorLoad(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  uint64_t shared = toShared(in[0]);
  const TensorMap &map = mapAt(thread, site, in[1], in[3]);
  findMbarrier(thread, site, toShared(in[2]));
  checkBox(thread, site, map, shared, "copies to");
  checkTensor(thread, site, map, in + 4, "copies from");
  launchLoad(thread, site, {shared, boxBytes(map)}, piecesOf(map, shared, in + 4), toShared(in[2]));
}

void runTensorStore(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  uint64_t shared = toShared(in[0]);
  const TensorMap &map = mapAt(thread, site, in[1], in[2]);
  checkBox(thread, site, map, shared, "copies from");
  checkTensor(thread, site, map, in + 3, "copies to");
  launchStore(thread, site, {shared, boxBytes(map)}, piecesOf(map, shared, in + 3));
}

} // namespace mlora::emulator
