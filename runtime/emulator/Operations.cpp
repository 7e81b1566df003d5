#include "Operations.h"

#include <algorithm>

namespace mlora::emulator {

const ThreadContext::Run *operations() {
  static const ThreadContext::Run table[] = {
#define MLORA_EMULATED_OPERATION(name) run##name,
#include "mlora/Runtime/Emulator/Operations.def"
  };
  return table;
}

void runFence(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  bool isOfBlock = in[0];
  thread.released = {thread.publish(), thread.block->base};
  if (!isOfBlock)
    thread.releasedToAll = thread.released;
  thread.known.join(thread.acquired);
  if (thread.block->history && !isOfBlock)
    thread.block->history->afterFence(thread);
  thread.waitSite = site;
  thread.block->yield(thread);
}

void runAfterAtomic(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  bool reads = in[1], writes = in[2], acquires = in[3], releases = in[4], isOfBlock = in[5];
  if (reads && in[0] < kSharedWindow)
    thread.globalLook = site;
  else
    thread.globalLook = {};
  VectorClock &shown = thread.block->atomics[in[0]];
  if (reads)
    (acquires ? thread.known : thread.acquired).join(shown);
  Released released = thread.released, toAll = thread.releasedToAll;
  if (writes) {
    if (releases)
      toAll = released = {thread.publish(), thread.block->base};
    if (!reads) // a store ends what others have released there
      shown = {};
    shown.join(released.clock);
  }
  if (thread.block
          ->history) // what is of the block alone ends what others have released there, and is all it does
    thread.block->history->afterAtomic(thread, in[0], reads && !isOfBlock, writes, acquires,
                                       isOfBlock ? Released{} : toAll);
  thread.waitSite = site;
  thread.block->yield(thread);
}

void runYield(ThreadContext *context, uint32_t site, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  thread.waitSite = site; // where it spins, if it does
  thread.block->yield(thread);
}

/// A loop that computes ends; one that waits may not, so that some of its turns count as spinning.
constexpr uint64_t kTurnsBetweenYields = 64;

void runTurn(ThreadContext *context, uint32_t site, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  thread.waitSite = site; // where it spins, if it does
  if (++block.turns % kTurnsBetweenYields == 0)
    block.yield(thread);
}

void runEnter(ThreadContext *context, uint32_t site, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  thread.block->checkStack(thread, site);
}

void runLocal(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  threadOf(context).block->checkStack(threadOf(context), site);
  auto &locals = threadOf(context).locals;
  auto *written = reinterpret_cast<char *>(in[2]);
  std::memset(written, 0, in[1]);
  std::memset(reinterpret_cast<char *>(in[0]), kPoison, in[1]);
  std::erase_if(locals, [&](const LocalMemory &local) { return local.address == in[0]; });
  locals.push_back({in[0], in[1], written});
}

void runExit(ThreadContext *context, uint32_t, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  thread.block->exit(thread);
}

void runTrap(ThreadContext *context, uint32_t site, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  thread.block->fault(thread, site, "trap",
                      "the kernel gave up (a failed assertion, or code that must not be reached)");
}

void runClock(ThreadContext *context, uint32_t, const uint64_t *, uint64_t *out) {
  out[0] = threadOf(context).block->statistics.switches;
}

} // namespace mlora::emulator
