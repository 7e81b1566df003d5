// wgmma.mma_async m64nNk16 with both operands in shared memory, found through descriptors (PTX ISA, "Matrix
// descriptor"; the layouts as in CUTLASS's mma_sm90_desc.hpp). The product is computed when all 128 threads
// have asked for it; the engine's reads last until the wait.
#include "Tensor.h"

#include <algorithm>

namespace mlora::emulator {

constexpr unsigned kGroupThreads = 128, kRows = 64, kDepth = 16;

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
  /// Eight elements of 2 bytes: along K at row `line` where the matrix is K-major, along the rows at depth
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

/// Reads an operand of `rows` rows and 16 columns, as the engine of the warpgroup, on behalf of one thread of
/// each warp.
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
  unsigned lines = isTransposed ? kDepth : rows, eights = (isTransposed ? rows : kDepth) / 8;
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
      uint16_t values[8];
      std::memcpy(values, block.shared->host(address), 16);
      for (unsigned i = 0; i < 8; ++i) {
        unsigned row = isTransposed ? eight * 8 + i : line, column = isTransposed ? line : eight * 8 + i;
        to[row * kDepth + column] = fromHalf(values[i], type);
      }
    }
}

/// in: n, type, scale D, scale A, scale B, transposed A, transposed B, descriptors, accumulators.
static void multiply(Block &block, Warpgroup &group, Thread **threads, uint32_t site) {
  const uint64_t *in = threads[0]->in;
  unsigned n = in[0];
  Element type = Element(in[1]);
  bool accumulates = in[2];
  float scale = float(int64_t(in[3])) * float(int64_t(in[4]));
  Thread *leaders[4];
  for (unsigned i = 0; i < 4; ++i)
    leaders[i] = threads[i * kWarpSize + block.random() % kWarpSize];
  for (unsigned i = 1; i < kGroupThreads; ++i)
    if (threads[i]->in[7] != in[7] || threads[i]->in[8] != in[8])
      block.fault(*threads[i], site, "invalid descriptor",
                  "the threads of a warpgroup bring different descriptors");
  if (!group.engine)
    group.engine = block.newEngine(Engine::Product);
  ++group.moment;
  std::vector<float> a(kRows * kDepth), b(n * kDepth), d(kRows * n);
  gather(block, group, leaders, site, in[7], kRows, in[5], type, "A", a.data());
  gather(block, group, leaders, site, in[8], n, in[6], type, "B", b.data());
  auto forAccumulators = [&](auto f) { // (thread, number, row, column)
    for (unsigned thread = 0; thread < kGroupThreads; ++thread)
      for (unsigned i = 0; i < n / 2; ++i)
        f(*threads[thread], i, thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8,
          i / 4 * 8 + thread % 4 * 2 + i % 2);
  };
  if (accumulates)
    forAccumulators([&](Thread &thread, unsigned i, unsigned row, unsigned column) {
      d[row * n + column] = toFloat(thread.in[9 + i]);
    });
  std::vector<float> turned(kDepth * n);
  for (unsigned column = 0; column < n; ++column)
    for (unsigned k = 0; k < kDepth; ++k)
      turned[k * n + column] = b[column * kDepth + k];
  for (unsigned row = 0; row < kRows; ++row)
    for (unsigned k = 0; k < kDepth; ++k) {
      float factor = scale * a[row * kDepth + k];
      for (unsigned column = 0; column < n; ++column)
        d[row * n + column] += factor * turned[k * n + column];
    }
  forAccumulators([&](Thread &thread, unsigned i, unsigned row, unsigned column) {
    thread.out[i] = fromFloat(d[row * n + column]);
  });
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
  if (in[2] && tag == 0 && thread.wgmmaWaited)
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
