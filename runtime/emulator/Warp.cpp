// Collectives of a warp: every lane that the mask names brings its operands; the last one computes for all.
#include "Operations.h"

#include <bit>

namespace mlora::emulator {

void Block::collective(Thread &thread, uint32_t site, uint32_t mask, const uint64_t *in, uint64_t *out,
                       Execute execute, bool sameInstruction) {
  Warp &warp = warps[thread.warp];
  // Lanes that a block of an odd size lacks are excused; lanes that have left are not.
  uint32_t named = mask & warp.existing;
  if (!(named >> thread.lane & 1))
    fault(thread, site, "divergent warp collective", "the mask " + hex(mask) + " leaves out the lane itself");
  if (uint32_t gone = named & warp.exited)
    fault(thread, site, "divergent warp collective",
          "the mask " + hex(mask) + " names lane " + std::to_string(std::countr_zero(gone)) +
              ", which has exited");
  Rendezvous *open = nullptr;
  for (Rendezvous &other : warp.open)
    if (other.mask == named)
      open = &other;
  if (!open)
    open = &warp.open.emplace_back(Rendezvous{named, 0, site});
  if (open->site != site && sameInstruction)
    fault(thread, site, "divergent warp collective",
          "lane " + std::to_string(thread.lane) + " is here, and lane " +
              std::to_string(std::countr_zero(open->arrived)) + ", which the mask " + hex(mask) +
              " also names, at another instruction",
          open->site, "where the other lane is");
  open->arrived |= 1u << thread.lane;
  thread.in = in;
  thread.out = out;
  if (open->arrived != named)
    return block(thread, Waiting::Warp, mask, site);
  warp.open.erase(warp.open.begin() + (open - warp.open.data()));
  ++statistics.collectives;
  execute(*this, warp, named, site);
  for (uint32_t rest = named & ~(1u << thread.lane); rest; rest &= rest - 1)
    wake(*warp.lanes[std::countr_zero(rest)]);
  yield(thread);
}

template <typename F> static void forLanes(Warp &warp, uint32_t mask, F f) {
  for (; mask; mask &= mask - 1)
    f(*warp.lanes[std::countr_zero(mask)]);
}

void runWarpSync(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  thread.block->collective(
      thread, site, in[0], in, out,
      [](Block &block, Warp &warp, uint32_t mask, uint32_t) {
        std::vector<Thread *> lanes;
        forLanes(warp, mask, [&](Thread &lane) { lanes.push_back(&lane); });
        block.synchronize(lanes);
      },
      /*sameInstruction=*/false);
}

/// The lane that a shuffle reads, and whether it lies in the segment (PTX ISA, shfl.sync).
static std::pair<unsigned, bool> sourceLane(unsigned kind, unsigned lane, uint32_t offset,
                                            uint32_t maskAndClamp) {
  unsigned clamp = maskAndClamp & 31, segment = maskAndClamp >> 8 & 31;
  unsigned least = lane & segment, most = (lane & segment) | (clamp & ~segment);
  offset &= 31;
  int source = lane;
  bool valid = false;
  switch (kind) {
  case 0: // bfly
    source = lane ^ offset;
    valid = source <= int(most);
    break;
  case 1: // up
    source = int(lane) - int(offset);
    valid = source >= int(most);
    break;
  case 2: // down
    source = lane + offset;
    valid = source <= int(most);
    break;
  case 3: // idx
    source = least | (offset & ~segment);
    valid = source <= int(most);
    break;
  }
  return {valid ? source : lane, valid};
}

void runShuffle(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  thread.block->collective(
      thread, site, in[1], in, out, [](Block &block, Warp &warp, uint32_t mask, uint32_t site) {
        uint64_t results[kWarpSize][2];
        forLanes(warp, mask, [&](Thread &lane) {
          auto [source, valid] = sourceLane(lane.in[0], lane.lane, lane.in[3], lane.in[4]);
          if (!(mask >> source & 1))
            block.fault(lane, site, "divergent warp collective",
                        "reads lane " + std::to_string(source) + ", which takes no part (mask " + hex(mask) +
                            ")");
          results[lane.lane][0] = warp.lanes[source]->in[2];
          results[lane.lane][1] = valid;
        });
        forLanes(warp, mask, [&](Thread &lane) { std::memcpy(lane.out, results[lane.lane], 16); });
      });
}

void runVote(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  thread.block->collective(thread, site, in[1], in, out, [](Block &, Warp &warp, uint32_t mask, uint32_t) {
    uint32_t ballot = 0;
    forLanes(warp, mask, [&](Thread &lane) { ballot |= uint32_t(lane.in[2] & 1) << lane.lane; });
    forLanes(warp, mask, [&](Thread &lane) {
      uint32_t values[] = {ballot != 0, ballot == mask, ballot,
                           ballot == 0 || ballot == mask}; // any, all, ballot, uni
      lane.out[0] = values[lane.in[0]];
    });
  });
}

void runMatch(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  thread.block->collective(thread, site, in[1], in, out, [](Block &, Warp &warp, uint32_t mask, uint32_t) {
    forLanes(warp, mask, [&](Thread &lane) {
      uint32_t equal = 0;
      forLanes(warp, mask,
               [&](Thread &other) { equal |= uint32_t(other.in[2] == lane.in[2]) << other.lane; });
      bool isAll = lane.in[0] == 1;
      lane.out[0] = isAll && equal != mask ? 0 : equal;
      lane.out[1] = equal == mask;
    });
  });
}

void runElect(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  // Some lane of the mask, the same each time (PTX ISA, elect.sync): which one is the seed's choice.
  thread.block->collective(thread, site, in[0], in, out,
                           [](Block &block, Warp &warp, uint32_t mask, uint32_t) {
                             uint32_t leader = block.electedBits(mask);
                             forLanes(warp, mask, [&](Thread &lane) {
                               lane.out[0] = 1u << lane.lane == leader;
                               lane.out[1] = std::countr_zero(leader);
                             });
                           });
}

void runRedux(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Thread &thread = threadOf(context);
  thread.block->collective(thread, site, in[2], in, out, [](Block &, Warp &warp, uint32_t mask, uint32_t) {
    // add, and, max, min, or, umax, umin, xor, fmin, fmax: NVVM's ReduxKind from 1 on
    unsigned kind = 0;
    bool isFirst = true;
    uint32_t result = 0;
    forLanes(warp, mask, [&](Thread &lane) {
      kind = lane.in[0];
      uint32_t value = lane.in[3];
      if (isFirst) {
        result = value;
        isFirst = false;
        return;
      }
      switch (kind) {
      case 1:
        result += value;
        break;
      case 2:
        result &= value;
        break;
      case 3:
        result = std::max(int32_t(result), int32_t(value));
        break;
      case 4:
        result = std::min(int32_t(result), int32_t(value));
        break;
      case 5:
        result |= value;
        break;
      case 6:
        result = std::max(result, value);
        break;
      case 7:
        result = std::min(result, value);
        break;
      case 8:
        result ^= value;
        break;
      case 9:
        result = fromFloat(std::min(toFloat(result), toFloat(value)));
        break;
      case 10:
        result = fromFloat(std::max(toFloat(result), toFloat(value)));
        break;
      }
    });
    forLanes(warp, mask, [&](Thread &lane) { lane.out[0] = result; });
  });
}

} // namespace mlora::emulator
