#include "Operations.h"

namespace mlora::emulator {

const ThreadContext::Run *operations() {
  static const ThreadContext::Run table[] = {
#define MLORA_EMULATED_OPERATION(name) run##name,
#include "mlora/Runtime/Emulator/Operations.def"
  };
  return table;
}

void runFence(ThreadContext *context, uint32_t, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  thread.block->yield(thread);
}

void runYield(ThreadContext *context, uint32_t, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  thread.block->yield(thread);
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
