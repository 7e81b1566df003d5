// setmaxnreg: the block's warps take registers from what the block has and give them back. An increase waits
// until enough are free.
#include "Operations.h"

namespace mlora::emulator {

constexpr const char *kName = "invalid setmaxnreg";

/// in: count, increases. Once for a warp.
static void set(Block &block, Warp &warp, uint32_t, uint32_t site) {
  Thread &first = *warp.lanes[0];
  uint32_t count = first.in[0];
  bool increases = first.in[1];
  if (warp.registers && (increases ? count < warp.registers : count > warp.registers))
    block.fault(first, site, kName,
                std::string(increases ? "increases" : "decreases") + " the registers of a thread from " +
                    std::to_string(warp.registers) + " to " + std::to_string(count));
  ++warp.registerSets;
  warp.registersSite = site;
  if (increases)
    return;
  warp.registers = count;
  for (Thread *thread : block.waitingForRegisters)
    block.wake(*thread);
  block.waitingForRegisters.clear();
}

void runSetMaxRegisters(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  uint32_t count = in[0];
  bool increases = in[1];
  if (count % 8 != 0 || count < 24 || count > 256)
    block.fault(thread, site, kName,
                std::to_string(count) + " registers; a multiple of 8 in [24, 256] is expected");
  wholeWarp(context, site, in, out, set);
  Warp &warp = block.warps[thread.warp];
  while (increases && warp.registers != count) {
    uint32_t before = warp.registers;
    warp.registers = count;
    if (block.registersInUse() <= kRegisters)
      return;
    warp.registers = before;
    block.waitingForRegisters.push_back(&thread);
    block.block(thread, Waiting::Registers, count, site);
  }
}

} // namespace mlora::emulator
