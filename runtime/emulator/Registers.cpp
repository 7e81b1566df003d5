// setmaxnreg: the block's warps take registers from what the block has and give them back. An increase waits
// until enough are free.
#include "Operations.h"

#include <algorithm>

namespace mlora::emulator {

constexpr const char *kName = "invalid setmaxnreg";
constexpr unsigned kWarpgroupWarps = 4;

/// All warps of a warpgroup execute the same setmaxnreg, and none the next before it knows that the others
/// have executed this one (PTX ISA: the warpgroup must synchronise in between).
static void checkWarpgroup(Block &block, const Warp &warp, uint32_t site) {
  Thread &first = *warp.lanes[0];
  unsigned number = first.warp / kWarpgroupWarps;
  uint32_t before = warp.registerSets; // executed by this warp so far
  std::vector<uint32_t> &sites = block.warpgroups[number].registerSites;
  if (before == sites.size())
    sites.push_back(site);
  else if (sites[before] != site)
    block.fault(first, site, "divergent warp collective",
                "is here, and another warp of its warpgroup at another setmaxnreg", sites[before],
                "where the other warp is");
  if (before == 0)
    return;
  size_t begin = number * kWarpgroupWarps,
         end = std::min<size_t>(begin + kWarpgroupWarps, block.warps.size());
  for (size_t i = begin; i < end; ++i) {
    const Warp &other = block.warps[i];
    auto knows = [&](const Thread *lane) {
      for (unsigned theirs = 0; theirs < kWarpSize; ++theirs)
        if (other.registerMoments[theirs] <= block.base ||
            lane->known.at(i * kWarpSize + theirs) >= other.registerMoments[theirs])
          return true;
      return false;
    };
    if (&other == &warp || other.registerSets > before ||
        (other.registerSets == before && std::any_of(std::begin(warp.lanes), std::end(warp.lanes), knows)))
      continue;
    block.fault(
        first, site, kName,
        "comes with nothing that synchronises the warpgroup since its warps' last setmaxnreg: nothing "
        "orders it after that of " +
            block.nameOf(*other.lanes[0]) + "'s warp",
        warp.registersSite, "the last setmaxnreg");
  }
}

/// in: count, increases. Once for a warp.
static void set(Block &block, Warp &warp, uint32_t, uint32_t site) {
  Thread &first = *warp.lanes[0];
  uint32_t count = first.in[0];
  bool increases = first.in[1], isKnown = warp.registers || block.launch.registers;
  uint32_t has = warp.registers ? warp.registers : block.registersAtLaunch();
  // What is not known is at most `has`: too much for a decrease is then still too much.
  if (increases ? isKnown && count < has : count > has)
    block.fault(first, site, kName,
                std::string(increases ? "increases" : "decreases") + " the registers of a thread from " +
                    (isKnown ? "" : "at most ") + std::to_string(has) + " to " + std::to_string(count));
  checkWarpgroup(block, warp, site);
  ++warp.registerSets;
  warp.registersSite = site;
  for (unsigned i = 0; i < kWarpSize; ++i)
    warp.registerMoments[i] = warp.lanes[i]->clock;
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
    if (block.registersInUse() <= block.registersOfBlock())
      return;
    warp.registers = before;
    block.waitingForRegisters.push_back(&thread);
    block.block(thread, Waiting::Registers, count, site);
  }
}

} // namespace mlora::emulator
