// Block barriers: bar.sync and bar.arrive on sixteen numbers. All are of the aligned kind: the threads of a
// warp reach a barrier at the same instruction.
#include "Operations.h"

#include <bit>

namespace mlora::emulator {

constexpr uint32_t kNoSite = ~0u;

/// Enters a thread; true when it is the last one expected.
static bool enter(Thread &thread, uint32_t site, uint64_t number, uint32_t count) {
  Block &block = *thread.block;
  if (number >= kNamedBarriers)
    block.fault(thread, site, "invalid barrier",
                "barrier " + std::to_string(number) + " does not exist; a block has 16, from 0 on");
  if (count == 0)
    count = block.threadCount;
  else if (count % kWarpSize != 0)
    block.fault(thread, site, "invalid barrier",
                std::to_string(count) + " threads at a barrier; the number must be a multiple of 32");
  if (count > (block.threadCount + kWarpSize - 1) / kWarpSize * kWarpSize)
    block.fault(thread, site, "invalid barrier",
                std::to_string(count) + " threads at a barrier of a block of " +
                    std::to_string(block.threadCount));
  count = std::min(count, block.threadCount);
  NamedBarrier &barrier = block.barriers[number];
  if (barrier.arrived == 0) {
    barrier.expected = count;
    barrier.warpSites.assign(block.warps.size(), kNoSite);
    barrier.both = 1;
  }
  if (barrier.expected != count)
    block.fault(thread, site, "invalid barrier",
                "expects " + std::to_string(count) + " threads at barrier " + std::to_string(number) +
                    ", where " + block.nameOf(*barrier.present[0]) + " expects " +
                    std::to_string(barrier.expected));
  if (thread.atBarriers >> number & 1)
    block.fault(thread, site, "invalid barrier",
                "reaches barrier " + std::to_string(number) +
                    " again before all threads have reached it once");
  uint32_t &warpSite = barrier.warpSites[thread.warp];
  if (warpSite == kNoSite)
    warpSite = site;
  else if (warpSite != site)
    block.fault(thread, site, "divergent barrier",
                "reaches barrier " + std::to_string(number) +
                    " here, and another thread of the same warp elsewhere; "
                    "all threads of a warp must reach an aligned barrier at the same instruction",
                warpSite, "where the other thread has reached it");
  thread.atBarriers |= 1u << number;
  barrier.present.push_back(&thread);
  ++block.statistics.barrierArrivals;
  return ++barrier.arrived == barrier.expected;
}

/// Threads are counted here and whole warps on the device: of each warp all lanes must be there.
static void expectWholeWarps(Block &block, const NamedBarrier &barrier) {
  std::vector<uint32_t> lanes(block.warps.size());
  for (const Thread *thread : barrier.present)
    lanes[thread->warp] |= 1u << thread->lane;
  for (Thread *thread : barrier.present)
    if (uint32_t missing = block.warps[thread->warp].existing & ~lanes[thread->warp])
      block.fault(*thread, barrier.warpSites[thread->warp], "divergent barrier",
                  "has reached barrier " + std::to_string(&barrier - block.barriers) + ", and lane " +
                      std::to_string(std::countr_zero(missing)) +
                      " of its warp has not; all threads of a warp must reach an aligned barrier");
}

static void complete(Block &block, NamedBarrier &barrier) {
  if (barrier.present.size() < block.threadCount)
    expectWholeWarps(block, barrier);
  if (barrier.waiting.size() == block.threadCount) {
    block.synchronizeAll();
  } else {
    block.synchronize(barrier.waiting);
    for (Thread *thread : barrier.waiting) {
      thread->known.join(barrier.published);
      thread->fenced.join(barrier.fenced);
    }
  }
  uint32_t value = barrier.reduction == 1   ? barrier.votes
                   : barrier.reduction == 2 ? barrier.both
                                            : barrier.votes != 0;
  for (Thread *thread : barrier.waiting) {
    if (barrier.reduction)
      thread->out[0] = value;
    if (!thread->canRun())
      block.wake(*thread);
  }
  for (Thread *thread : barrier.present)
    thread->atBarriers &= ~(1u << (&barrier - block.barriers));
  barrier.waiting.clear();
  barrier.present.clear();
  barrier.arrived = barrier.votes = 0;
  barrier.published = {};
  barrier.fenced = {};
}

void runBarrier(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  bool isLast = enter(thread, site, in[0], in[1]);
  NamedBarrier &barrier = block.barriers[in[0]];
  barrier.reduction = in[2];
  barrier.votes += in[3] != 0;
  barrier.both &= in[3] != 0;
  barrier.waiting.push_back(&thread);
  thread.out = out;
  if (isLast) {
    complete(block, barrier);
    return block.yield(thread);
  }
  block.block(thread, Waiting::Barrier, in[0], site);
}

void runBarrierArrive(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  bool isLast = enter(thread, site, in[0], in[1]);
  NamedBarrier &barrier = block.barriers[in[0]];
  barrier.published.join(thread.publish());
  barrier.fenced.join(thread.fenced);
  if (isLast)
    complete(block, barrier);
  block.yield(thread);
}

void Block::finishClusterPhase() {
  if (cluster.arrived == 0 || cluster.arrived < live)
    return;
  ++cluster.phase;
  cluster.arrived = 0;
  cluster.completed = cluster.arriving;
  cluster.completedFenced = cluster.arrivingFenced;
  for (Thread *thread : cluster.waiting)
    wake(*thread);
  cluster.waiting.clear();
}

/// The aligned kind is the same instruction in all lanes that the warp has.
static void alignWarp(Thread &thread, uint32_t site, const uint64_t *in, uint64_t *out) {
  thread.block->collective(thread, site, ~0u, in, out, [](Block &, Warp &, uint32_t, uint32_t) {});
}

void runClusterArrive(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  bool isRelaxed = in[0];
  if (in[1])
    alignWarp(thread, site, in, out);
  if (thread.atCluster)
    block.fault(thread, site, "invalid barrier",
                "arrives at the cluster's barrier again, and has not waited there since it arrived");
  thread.atCluster = true;
  ++thread.clusterPhases;
  if (!isRelaxed) {
    block.cluster.arriving.join(thread.publish());
    block.cluster.arrivingFenced.join(thread.fenced);
  }
  ++block.cluster.arrived;
  ++block.statistics.barrierArrivals;
  block.finishClusterPhase();
  block.yield(thread);
}

void runClusterWait(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  if (in[0])
    alignWarp(thread, site, in, out);
  if (!thread.atCluster)
    block.fault(thread, site, "invalid barrier", "waits at the cluster's barrier, where it has not arrived");
  if (block.cluster.phase < thread.clusterPhases) {
    block.cluster.waiting.push_back(&thread);
    block.block(thread, Waiting::Cluster, 0, site);
  }
  thread.atCluster = false;
  thread.known.join(block.cluster.completed);
  thread.fenced.join(block.cluster.completedFenced);
}

} // namespace mlora::emulator
