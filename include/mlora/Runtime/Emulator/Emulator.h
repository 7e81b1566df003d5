// Runs kernels that were compiled for the emulator: every GPU thread is a fiber (docs/emulator.md).
#pragma once

#include "mlora/Runtime/Emulator/Abi.h"
#include "mlora/Runtime/Emulator/GlobalMemory.h"
#include "mlora/Runtime/Emulator/TensorMap.h"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlora::emulator {

/// An operation of a kernel, for messages.
struct Site {
  std::string operation; ///< its name, such as nvvm.barrier
  std::string location;  ///< file:line:column, or empty
};

/// Addresses in shared memory between two arrays, which are nobody's.
struct SharedGap {
  uint64_t begin, bytes;
};

struct Launch {
  std::string kernel; ///< its name, for messages
  KernelEntry entry = nullptr;
  std::array<uint32_t, 3> grid = {1, 1, 1}, block = {1, 1, 1};
  uint32_t staticSharedBytes = 0, dynamicSharedBytes = 0; ///< without the gaps
  std::vector<SharedGap> sharedGaps;
  uint32_t registers = 0;         ///< a thread's when the kernel begins; 0: not stated
  uint32_t localBytes = 0;        ///< a thread's, at most, without the marks beside it
  bool checksGlobalRaces = false; ///< every access of global memory is remembered, which takes time
  /// Addresses and bytes in global memory that hold nothing yet. With `checksGlobalRaces` reading them before
  /// the launch has written them is a fault.
  std::vector<std::pair<uint64_t, uint64_t>> uninitialised;
  std::vector<uint64_t> parameters;
  /// Parameters by value: in `parameters` are their addresses, the same in every copy of this launch.
  std::shared_ptr<const std::vector<TensorMap>> tensorMaps;
  const std::vector<Site> *sites = nullptr;
  std::function<void(const std::string &)> print; ///< gets what vprintf prints; without it nothing does
};

/// The first thing that went wrong; the rest of the launch did not run.
struct Fault {
  std::string name;    ///< what kind: "shared memory race"
  std::string message; ///< kernel, block, thread, operation, and what is wrong
  std::optional<uint32_t> site, otherSite;
  std::string otherMessage;
};

struct Statistics {
  uint64_t switches = 0, barrierArrivals = 0, collectives = 0, sharedAccesses = 0;
};

/// Runs all blocks of a launch. The seed chooses the order of blocks, and of threads wherever one lets others
/// run.
std::optional<Fault> run(const Launch &launch, const GlobalMemory &memory, uint64_t seed,
                         Statistics *statistics = nullptr);

} // namespace mlora::emulator
