// What the files of sm_90 share: mbarriers, and shared memory as the tensor engines address it.
#pragma once

#include "Operations.h"
#include "mlora/Runtime/Emulator/TensorMap.h"

namespace mlora::emulator {

/// The mbarrier at an address, which the thread may use, or a fault.
Mbarrier &findMbarrier(Thread &thread, uint32_t site, uint64_t address);
/// Ends the phase when nothing is missing.
void finishPhase(Block &block, Mbarrier &barrier);
struct SharedRange {
  uint64_t address;
  uint32_t bytes;
};
/// The tensor engine's copies; those into `to` report to the mbarrier at `at`.
void launchLoad(Thread &thread, uint32_t site, SharedRange to, std::vector<CopyPiece> pieces, uint64_t at);
void launchStore(Thread &thread, uint32_t site, SharedRange from, const std::vector<CopyPiece> &pieces);
/// Data of cp.async into shared memory, written by `agent` at `moment` as far as races go.
void landCopy(Thread &thread, const AsyncCopy &copy, uint16_t agent, uint32_t moment);

/// Where the engines find what lies at `address` of a layout swizzled in spans of `span` bytes (0: not at
/// all): bits 4 and up are exclusive-ored with bits 7 and up.
inline uint64_t swizzled(uint64_t address, uint32_t span) {
  uint32_t mask = span == 128 ? 7 : span == 64 ? 3 : span == 32 ? 1 : 0;
  return address ^ (address >> 7 & mask) << 4;
}

} // namespace mlora::emulator
