// wgmma.mma_async m64nNk with both operands in shared memory, found through descriptors (PTX ISA, "Matrix
// descriptor"; the layouts as in CUTLASS's mma_sm90_desc.hpp). The product is computed when all 128 threads
// have asked for it; the engine's reads last until the wait.
#include "Tensor.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace mlora::emulator {

constexpr unsigned kGroupThreads = 128, kRows = 64;
constexpr unsigned kChunk = 16, kDepthBytes = 32; ///< bytes of a chunk, and of a row along k

static unsigned bytesOf(Element type) {
  return type == Element::TF32 ? 4 : type == Element::BF16 || type == Element::F16 ? 2 : 1;
}

/// An element of an operand as a number: all types are exact in f32.
static float decode(const char *from, Element type) {
  uint32_t bits = 0;
  std::memcpy(&bits, from, bytesOf(type));
  switch (type) {
  case Element::TF32:
    return toFloat(bits & ~0x1fffu);
  case Element::S8:
    return int8_t(bits);
  case Element::U8:
    return uint8_t(bits);
  case Element::E5M2: // the upper half of f16
    return fromHalf(bits << 8, Element::F16);
  case Element::E4M3: { // no infinities; NaN has all bits set
    int exponent = bits >> 3 & 15, mantissa = bits & 7;
    float value = exponent == 15 && mantissa == 7 ? NAN
                  : exponent                      ? std::ldexp(float(8 + mantissa), exponent - 10)
                                                  : std::ldexp(float(mantissa), -9);
    return bits & 0x80 ? -value : value;
  }
  default:
    return fromHalf(bits, type);
  }
}

/// Places of operands.
constexpr unsigned kScaleD = 4, kDescriptors = 9, kAccumulators = 11;

namespace {
struct Descriptor {
  uint64_t start, leading, stride; ///< bytes
  unsigned baseOffset, swizzle;
  explicit Descriptor(uint64_t bits)
      : start((bits & 0x3fff) << 4), leading((bits >> 16 & 0x3fff) << 4), stride((bits >> 32 & 0x3fff) << 4),
        baseOffset(bits >> 49 & 7) {
    static const unsigned spans[] = {0, 128, 64, 32};
    swizzle = spans[bits >> 62];
  }
  /// 16 bytes: along K at row `line` where the matrix is K-major, along the rows at depth
  /// `line` otherwise.
  uint64_t chunk(unsigned line, unsigned eight, bool isTransposed) const {
    unsigned span = swizzle ? swizzle / 16 : 1; // 16-byte units of a swizzled row
    uint64_t at = start;
    if (!isTransposed)
      at += line % 8 * span * 16 + line / 8 * stride + eight * (swizzle ? 16 : leading);
    else if (swizzle)
      at += eight % span * 16 + eight / span * leading + line % 8 * span * 16 + line / 8 * stride;
    else
      at += eight * stride + line % 8 * 16 + line / 8 * leading;
    return swizzled(at, swizzle);
  }
};
} // namespace

/// Reads an operand of `rows` rows and 32 bytes along K, as the engine of the warpgroup, on behalf of one
/// thread of each warp.
static void gather(Block &block, Warpgroup &group, Thread *const *leaders, uint32_t site, uint64_t bits,
                   unsigned rows, bool isTransposed, Element type, const char *name, float *to) {
  Descriptor descriptor(bits);
  Thread &thread = *leaders[0];
  if (descriptor.baseOffset)
    block.fault(thread, site, "invalid descriptor",
                std::string("a base offset in the descriptor of ") + name + " is not built yet");
  // The swizzle's pattern begins on a multiple of eight of its rows.
  if (descriptor.swizzle && (descriptor.start >> 7 & (descriptor.swizzle / 16 - 1)))
    block.fault(thread, site, "invalid descriptor",
                std::string("the descriptor of ") + name + " starts at " + hex(descriptor.start) +
                    ", in the middle of a pattern of " + std::to_string(descriptor.swizzle * 8) +
                    " bytes, and its base offset is 0");
  VectorClock known[4];
  for (unsigned i = 0; i < 4; ++i) {
    known[i] = leaders[i]->known;
    known[i].raise(leaders[i]->index, leaders[i]->clock);
  }
  const unsigned bytes = bytesOf(type), elements = kChunk / bytes, depth = kDepthBytes / bytes;
  unsigned lines = isTransposed ? depth : rows, eights = (isTransposed ? rows : depth) / elements;
  for (unsigned line = 0; line < lines; ++line)
    for (unsigned eight = 0; eight < eights; ++eight) {
      uint64_t address = descriptor.chunk(line, eight, isTransposed);
      if (!block.shared->contains(address, 16))
        block.fault(thread, site, "invalid descriptor",
                    std::string("the descriptor of ") + name + " leads to " + hex(address) +
                        ", outside the block's shared memory");
      for (unsigned i = 0; i < 4; ++i) {
        Accessor by{leaders[i], group.engine, group.moment, &known[i], &leaders[i]->fenced.shared, true};
        if (i == 0)
          block.shared->touch(by, address, 16, Access::Read, site);
        else
          block.shared->expectVisible(by, address, 16, site);
      }
      const char *values = block.shared->host(address);
      for (unsigned i = 0; i < elements; ++i) {
        unsigned at = eight * elements + i, row = isTransposed ? at : line, column = isTransposed ? line : at;
        to[row * depth + column] = decode(values + i * bytes, type);
      }
    }
}

/// D = scale A B + D, or without D; in each thread's results.
template <typename Sum>
static void accumulate(Thread **threads, unsigned n, const std::vector<float> &a, const std::vector<float> &b,
                       bool accumulates, float scale, bool saturates) {
  const unsigned depth = a.size() / kRows;
  std::vector<Sum> d(kRows * n);
  auto forAccumulators = [&](auto f) { // (thread, number, row, column)
    for (unsigned thread = 0; thread < kGroupThreads; ++thread)
      for (unsigned i = 0; i < n / 2; ++i)
        f(*threads[thread], i, thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8,
          i / 4 * 8 + thread % 4 * 2 + i % 2);
  };
  if (accumulates)
    forAccumulators([&](Thread &thread, unsigned i, unsigned row, unsigned column) {
      std::memcpy(&d[row * n + column], &thread.in[kAccumulators + i], 4);
    });
  std::vector<Sum> turned(depth * n);
  for (unsigned column = 0; column < n; ++column)
    for (unsigned k = 0; k < depth; ++k)
      turned[k * n + column] = Sum(b[column * depth + k]);
  for (unsigned row = 0; row < kRows; ++row)
    if constexpr (std::is_same_v<Sum, float>) {
      for (unsigned k = 0; k < depth; ++k) {
        float factor = scale * a[row * depth + k];
        for (unsigned column = 0; column < n; ++column)
          d[row * n + column] += factor * turned[k * n + column];
      }
    } else {
      for (unsigned column = 0; column < n; ++column) {
        int64_t sum = d[row * n + column];
        for (unsigned k = 0; k < depth; ++k)
          sum += int64_t(a[row * depth + k]) * turned[k * n + column];
        d[row * n + column] = Sum(saturates ? std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX) : sum);
      }
    }
  forAccumulators([&](Thread &thread, unsigned i, unsigned row, unsigned column) {
    thread.out[i] = 0;
    std::memcpy(&thread.out[i], &d[row * n + column], 4);
  });
}

/// in: n, types of A, of B, of the sums, scale D, scale A, scale B, transposed A, transposed B, descriptors,
/// accumulators.
static void multiply(Block &block, Warpgroup &group, Thread **threads, uint32_t site) {
  const uint64_t *in = threads[0]->in;
  const unsigned n = in[0];
  const Element typeA = Element(in[1]), typeB = Element(in[2]);
  const Accumulator sums = Accumulator(in[3]);
  float scale = float(int64_t(in[5])) * float(int64_t(in[6]));
  Thread *leaders[4];
  for (unsigned i = 0; i < 4; ++i)
    leaders[i] = threads[i * kWarpSize + block.random() % kWarpSize];
  for (unsigned i = 1; i < kGroupThreads; ++i)
    if (threads[i]->in[kDescriptors] != in[kDescriptors] ||
        threads[i]->in[kDescriptors + 1] != in[kDescriptors + 1])
      block.fault(*threads[i], site, "invalid descriptor",
                  "the threads of a warpgroup bring different descriptors");
  if (!group.engine)
    group.engine = block.newEngine(Engine::Product);
  ++group.moment;
  const unsigned depth = kDepthBytes / bytesOf(typeA);
  std::vector<float> a(kRows * depth), b(n * depth);
  gather(block, group, leaders, site, in[kDescriptors], kRows, in[7], typeA, "A", a.data());
  gather(block, group, leaders, site, in[kDescriptors + 1], n, in[8], typeB, "B", b.data());
  if (sums == Accumulator::F32)
    accumulate<float>(threads, n, a, b, in[4], scale, false);
  else
    accumulate<int32_t>(threads, n, a, b, in[4], 1, sums == Accumulator::SaturatingS32);
  for (unsigned i = 0; i < kGroupThreads; ++i)
    threads[i]->wgmmaMoment = group.moment;
}

void runWgmma(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  unsigned number = thread.index / kGroupThreads;
  if ((number + 1) * kGroupThreads > block.threadCount)
    block.fault(thread, site, "divergent warp collective",
                "needs a warpgroup of 128 threads, and the block's last is not full");
  if (!thread.wgmmaFences)
    block.fault(thread, site, "wgmma fence missing", "no wgmma.fence comes before the first wgmma.mma_async");
  if (thread.wgmmaAccumulators & kWrittenTag &&
      (thread.wgmmaAccumulators & ~kWrittenTag) >= thread.wgmmaFences)
    block.fault(
        thread, site, "wgmma fence missing",
        "no wgmma.fence comes between here and an ordinary instruction that has written the accumulators");
  uint64_t tag = thread.wgmmaAccumulators;
  if (in[kScaleD] && tag == 0 && thread.wgmmaWaited)
    block.fault(thread, site, "wgmma fence missing",
                "starts from constants, and no wgmma.fence comes between here and the last wgmma.wait_group, "
                "behind which an ordinary instruction writes them");
  if (!(tag & kWrittenTag) &&
      std::find(thread.wgmmaRead.begin(), thread.wgmmaRead.end(), tag) != thread.wgmmaRead.end())
    block.fault(
        thread, site, "wgmma fence missing",
        "no wgmma.fence comes between here and an ordinary instruction that has read the accumulators");
  Warpgroup &group = block.warpgroups[number];
  if (group.arrived == 0)
    group.site = site;
  else if (group.site != site)
    block.fault(thread, site, "divergent warp collective",
                "is here, and other threads of its warpgroup at another wgmma.mma_async", group.site,
                "where they are");
  thread.in = in;
  thread.out = out;
  if (++group.arrived < kGroupThreads)
    return block.block(thread, Waiting::Warpgroup, number, site);
  group.arrived = 0;
  Thread *threads[kGroupThreads];
  for (unsigned i = 0; i < kGroupThreads; ++i)
    threads[i] = block.threads[number * kGroupThreads + i].get();
  multiply(block, group, threads, site);
  for (Thread *other : threads)
    if (other != &thread)
      block.wake(*other);
  block.yield(thread);
}

static void nothing(Block &, Warp &, uint32_t, uint32_t) {}

void runWgmmaFence(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  wholeWarp(context, site, in, out, nothing);
  ++context->wgmmaFences;
  threadOf(context).wgmmaRead.clear();
  threadOf(context).wgmmaWaited = false;
}

void runWgmmaCommit(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  wholeWarp(context, site, in, out, nothing);
  Thread &thread = threadOf(context);
  thread.wgmmaGroups.push_back(thread.wgmmaMoment);
}

/// After the wait the operands may be overwritten and the results read: the engine's work comes before.
void runWgmmaWait(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  uint64_t pending = in[0];
  wholeWarp(context, site, in, out, nothing);
  Thread &thread = threadOf(context);
  Warpgroup &group = thread.block->warpgroups[thread.index / kGroupThreads];
  for (; thread.wgmmaGroups.size() > pending; thread.wgmmaGroups.pop_front())
    if (uint32_t moment = thread.wgmmaGroups.front()) {
      thread.known.raise(group.engine, moment);
      thread.wgmmaRetired = moment;
      thread.wgmmaWaited = true;
    }
}

void runWgmmaRead(ThreadContext *context, uint32_t, const uint64_t *in, uint64_t *) {
  std::vector<uint64_t> &read = threadOf(context).wgmmaRead;
  if (std::find(read.begin(), read.end(), in[0]) == read.end())
    read.push_back(in[0]);
}

void runWgmmaInFlight(ThreadContext *context, uint32_t site, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  thread.block->fault(
      thread, site, "wgmma result read in flight",
      "uses sums that wgmma.mma_async may still write: no wgmma.wait_group has come since that "
      "covers a committed group with it");
}

} // namespace mlora::emulator
