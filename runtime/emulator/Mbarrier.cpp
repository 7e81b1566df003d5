// mbarriers: phases that end when all arrivals and all announced bytes are there. What a thread did before it
// arrived comes before what a thread does after it has waited; the same holds for the copies that report to
// the barrier.
#include "Tensor.h"

#include <cstdlib>

namespace mlora::emulator {

constexpr unsigned kStatePhaseBits = 40;
constexpr int64_t kMostTransactionBytes = (1 << 20) - 1;

Mbarrier &findMbarrier(Thread &thread, uint32_t site, uint64_t address) {
  Block &block = *thread.block;
  auto found = block.mbarriers.find(address);
  if (found == block.mbarriers.end())
    block.fault(thread, site, "invalid mbarrier",
                "there is no mbarrier at " + hex(address) + " (not initialised, or invalidated)");
  Mbarrier &barrier = found->second;
  bool isOrdered = barrier.initBy == thread.index || barrier.initMoment <= block.base ||
                   thread.known.at(barrier.initBy) >= barrier.initMoment;
  if (!isOrdered)
    block.fault(thread, site, "shared memory race",
                "uses the mbarrier at " + hex(address) +
                    ", and nothing orders this after its initialisation by " +
                    block.nameOfAgent(barrier.initBy),
                barrier.initSite, "the initialisation");
  return barrier;
}

/// The state that an arrival returns: the phase it belongs to, and whose it is.
static uint64_t stateOf(const Mbarrier &barrier) {
  return uint64_t(barrier.engine) << kStatePhaseBits | barrier.phase;
}

/// Whether the phase of a state is over. Only the current one and the one before may be asked for (PTX ISA).
static bool hasEnded(Thread &thread, uint32_t site, uint64_t address, const Mbarrier &barrier,
                     uint64_t state) {
  Block &block = *thread.block;
  uint64_t phase = state & ((uint64_t(1) << kStatePhaseBits) - 1);
  auto wrong = [&](std::string what) {
    block.fault(thread, site, "invalid mbarrier",
                "waits at the mbarrier at " + hex(address) + " with " + std::move(what));
  };
  if (state >> kStatePhaseBits != barrier.engine)
    wrong("a state that no arrival there has returned");
  if (phase + 1 < barrier.phase)
    wrong("the state of phase " + std::to_string(phase) + ", and phase " + std::to_string(barrier.phase) +
          " is the current one: only of it and of the one before it can be known whether it is over");
  return phase < barrier.phase;
}

/// Announced bytes, or bytes that have come, must fit the count that a phase has of them.
static void addBytes(Thread &thread, uint32_t site, uint64_t address, Mbarrier &barrier, int64_t bytes) {
  barrier.bytes += bytes;
  if (std::abs(bytes) > kMostTransactionBytes || std::abs(barrier.bytes) > kMostTransactionBytes)
    thread.block->fault(thread, site, "invalid mbarrier",
                        "counts " + std::to_string(bytes) + " bytes at the mbarrier at " + hex(address) +
                            ", whose phase then misses " + std::to_string(barrier.bytes) +
                            "; a phase counts at most 2^20 - 1");
}

void finishPhase(Block &block, Mbarrier &barrier) {
  if (barrier.pending != 0 || barrier.bytes != 0)
    return;
  ++barrier.phase;
  ++block.progress;
  barrier.pending = barrier.expected;
  barrier.completed.join(barrier.arriving);
  barrier.completedFenced.join(barrier.arrivingFenced);
  barrier.arriving = {};
  barrier.arrivingFenced = {};
  for (Thread *thread : barrier.waiting)
    block.wake(*thread);
  barrier.waiting.clear();
}

void runMbarrierInit(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  uint64_t address = toShared(in[0]);
  checkShared(thread, site, address, 8, 8, "initialises");
  if (in[1] == 0 || in[1] >= 1u << 20)
    block.fault(thread, site, "invalid mbarrier",
                "the count is " + std::to_string(in[1]) + ", not in [1, 2^20)");
  if (block.mbarriers.count(address))
    block.fault(thread, site, "invalid mbarrier", "there is one at " + hex(address) + " already");
  block.shared->touch(thread.accessor(), address, 8, Access::Write, site);
  block.shared->setOpaque(address, true, site);
  Mbarrier &barrier = block.mbarriers[address];
  barrier.expected = barrier.pending = in[1];
  barrier.engine = block.newEngine(Engine::Copy);
  barrier.initBy = thread.index;
  barrier.initMoment = thread.clock;
  barrier.initSite = site;
}

void runMbarrierInval(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  uint64_t address = toShared(in[0]);
  Mbarrier &barrier = findMbarrier(thread, site, address);
  if (!barrier.waiting.empty())
    block.fault(thread, site, "invalid mbarrier", "threads wait for the mbarrier at " + hex(address));
  if (!barrier.copies.empty())
    block.fault(thread, site, "asynchronous copy not waited for",
                "invalidates the mbarrier at " + hex(address) +
                    ", where no thread has waited for a copy to shared memory that reports to it",
                barrier.copies.front().site, "the copy");
  block.mbarriers.erase(address);
  block.shared->setOpaque(address, false, site);
}

void runMbarrierExpectTx(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  uint64_t address = toShared(in[0]);
  addBytes(thread, site, address, findMbarrier(thread, site, address), in[1]);
}

/// What a copy does when its bytes have landed, by a thread.
void runMbarrierCompleteTx(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  uint64_t address = toShared(in[0]);
  Mbarrier &barrier = findMbarrier(thread, site, address);
  addBytes(thread, site, address, barrier, -int64_t(in[1]));
  finishPhase(*thread.block, barrier);
  thread.block->yield(thread);
}

void runMbarrierArrive(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  uint64_t address = toShared(in[0]);
  Mbarrier &barrier = findMbarrier(thread, site, address);
  uint32_t count = in[1];
  bool mayComplete = in[5];
  auto counts = [&] {
    return std::to_string(count) + (count == 1 ? " arrival" : " arrivals") + " at the mbarrier at " +
           hex(address) + ", whose phase misses " + std::to_string(barrier.pending) + " of " +
           std::to_string(barrier.expected);
  };
  if (count == 0 || count > barrier.pending)
    block.fault(thread, site, "invalid mbarrier", counts());
  if (!mayComplete && count == barrier.pending)
    block.fault(thread, site, "invalid mbarrier",
                counts() + ": an arrival of the nocomplete kind must not be a phase's last");
  out[0] = stateOf(barrier);
  addBytes(thread, site, address, barrier, in[2]);
  if (!in[4]) { // relaxed orders nothing
    barrier.arriving.join(thread.publish());
    barrier.arrivingFenced.join(thread.fenced);
  }
  barrier.pending -= count;
  if (in[3])
    barrier.expected -= count;
  finishPhase(block, barrier);
  block.yield(thread);
}

void runMbarrierWait(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  uint64_t address = toShared(in[0]);
  bool isState = in[2];
  unsigned blocks = in[3];
  for (;;) {
    Mbarrier &barrier = findMbarrier(thread, site, address);
    bool isDone =
        isState ? hasEnded(thread, site, address, barrier, in[1]) : (barrier.phase & 1) != (in[1] & 1);
    out[0] = isDone;
    if (isDone) {
      std::erase_if(barrier.copies,
                    [&](const ReportedCopy &copy) { return copy.hasLanded && copy.phase < barrier.phase; });
      if (!in[4]) {
        thread.known.join(barrier.completed);
        thread.fenced.join(barrier.completedFenced);
      }
      return block.yield(thread);
    }
    thread.globalLook = {};
    // try_wait returns after a while of its own choice, done or not.
    if (blocks == 0 || (blocks == 2 && block.random() % 2)) {
      thread.waitSite = site;
      return block.yield(thread);
    }
    barrier.waiting.push_back(&thread);
    block.block(thread, Waiting::Mbarrier, address, site);
  }
}

void runCpAsyncMbarrierArrive(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  Mbarrier &barrier = findMbarrier(thread, site, toShared(in[0]));
  // Copies so far land when the arrival is counted, at a moment of the scheduler's choice. Without noinc the
  // phase expects one more.
  std::vector<AsyncCopy> copies = thread.copies.take();
  if (!in[1])
    ++barrier.pending;
  uint32_t moment = ++barrier.moment;
  uint64_t number = ++block.reportedCopies;
  if (!copies.empty())
    barrier.copies.push_back({&thread, copies.front().site, number});
  VectorClock before = thread.publish();
  block.transfers.push_back(
      [&block, &thread, address = toShared(in[0]), copies = std::move(copies), moment, number, before] {
        auto found = block.mbarriers.find(address);
        if (found == block.mbarriers.end())
          return; // the barrier is gone: nobody can wait for this
        Mbarrier &barrier = found->second;
        barrier.landed(number);
        for (const AsyncCopy &copy : copies)
          landCopy(thread, copy, barrier.engine, moment);
        barrier.arriving.join(before);
        barrier.arriving.raise(barrier.engine, moment);
        --barrier.pending;
        finishPhase(block, barrier);
      });
  block.yield(thread);
}

/// The mbarriers whose initialisation comes before now may be used by the async proxy.
static void showMbarriers(Thread &thread) {
  for (auto &[address, barrier] : thread.block->mbarriers)
    if (barrier.initBy == thread.index || barrier.initMoment <= thread.block->base ||
        thread.known.at(barrier.initBy) >= barrier.initMoment)
      barrier.isVisibleToAsyncProxy = true;
}

void runFenceMbarrierInit(ThreadContext *context, uint32_t, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  showMbarriers(thread);
  thread.block->yield(thread);
}

void runFenceProxyAsync(ThreadContext *context, uint32_t, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  // Everything that comes before the fence may be read through the async proxy by whoever comes after it.
  auto cover = [&](VectorClock &fenced) {
    fenced.join(thread.known);
    fenced.raiseAll(thread.block->threadCount, thread.block->base);
    fenced.raise(thread.index, thread.clock);
  };
  if (in[0]) {
    showMbarriers(thread);
    cover(thread.fenced.shared);
  }
  if (in[1])
    cover(thread.fenced.global);
  ++thread.clock;
  thread.block->yield(thread);
}

} // namespace mlora::emulator
