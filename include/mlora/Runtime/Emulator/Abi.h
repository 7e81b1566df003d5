// What compiled kernels and the machine agree on. A kernel is `void kernel(ThreadContext *)`; its parameters,
// and after them the addresses of its module's globals, lie in 8-byte slots.
#pragma once

#include <cstdint>

namespace mlora::emulator {

enum class Operation : uint32_t {
#define MLORA_EMULATED_OPERATION(name) name,
#include "mlora/Runtime/Emulator/Operations.def"
  Count
};

enum class SpecialRegister : uint32_t {
#define MLORA_SPECIAL_REGISTER(name, ptx) name,
#include "mlora/Runtime/Emulator/SpecialRegisters.def"
  Count
};

/// How memory is accessed, in one word: bytes, log2 of the alignment, and flags.
struct Access {
  /// Update: an atomic that reads as well as writes. OfBlock: an atomic whose scope is no wider than the
  /// block. Constant: a read that says nobody writes there in this launch (ld.global.nc).
  enum Flags : uint32_t {
    Read = 1u << 24,
    Write = 1u << 25,
    Atomic = 1u << 26,
    Local = 1u << 27,
    Update = 1u << 28,
    OfBlock = 1u << 29,
    Constant = 1u << 30
  };
  static constexpr uint32_t encode(uint32_t bytes, uint32_t log2Alignment, uint32_t flags) {
    return bytes | log2Alignment << 16 | flags;
  }
  explicit Access(uint32_t word)
      : bytes(word & 0xffff), alignment(1u << (word >> 16 & 0xff)), flags(word & 0xff000000u) {}
  uint32_t bytes, alignment, flags;
};

/// Shared memory starts here, as on Hopper, where the first KiB of a block is the system's.
constexpr uint64_t kSharedBase = 1024;
/// A generic address of shared memory is this plus the address in shared memory. No host address is like it.
constexpr uint64_t kSharedWindow = uint64_t(1) << 60;
/// Global memory is checked in granules: a byte of shadow each, 0 where all of it may be accessed.
constexpr uint64_t kGranule = 16;

/// Memory that nobody has written, but global memory of which nothing else is said.
constexpr uint8_t kPoison = 0xcd;

struct ThreadContext {
  using Run = void (*)(ThreadContext *, uint32_t site, const uint64_t *in, uint64_t *out);
  using Check = char *(*)(ThreadContext *, uint64_t address, uint32_t access, uint32_t site);

  const Run *operations; ///< by Operation
  const uint64_t *parameters;
  Check shared;        ///< an address in shared memory to one of the host's
  Check resolve;       ///< an address that the check in line refused to one of the host's
  uint64_t globalBase; ///< the arena that holds every buffer
  uint64_t globalBytes;
  const uint8_t *globalShadow; ///< a byte a granule
  uint32_t registers[uint32_t(SpecialRegister::Count)];
  // What wgmma's results are checked with (lib/Target/Emulator/WgmmaTags.cpp).
  uint64_t wgmmaMoment;       ///< the warpgroup's number of this thread's last product
  uint64_t wgmmaRetired;      ///< the last product whose results a wait has made readable
  uint64_t wgmmaFences;       ///< how many this thread has passed
  uint64_t wgmmaAccumulators; ///< the tag of the sums that the next product starts from
};

/// A tag says where a register of wgmma comes from: 0 from nowhere that matters, a product's number, or this
/// and the number of fences that had been passed when an ordinary instruction wrote it.
constexpr uint64_t kWrittenTag = uint64_t(1) << 62;

using KernelEntry = void (*)(ThreadContext *);

} // namespace mlora::emulator
