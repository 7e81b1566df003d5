// What the emulator's table takes and tells beyond CUDA's own interface.
#pragma once

#include "mlora/Runtime/Emulator/Emulator.h"

#include <map>

namespace mlora::cuda {

struct EmulatedKernel {
  std::string name; ///< for messages
  emulator::KernelEntry entry = nullptr;
  unsigned parameters = 0; ///< pointers that a launch gives it
  unsigned threads = 0;    ///< the only size of a block that it runs with; 0: any
  unsigned tensorMaps = 0; ///< parameters behind those pointers, by value
};

/// Memory of a module outside shared memory; its address is a parameter after a kernel's own.
struct EmulatedConstant {
  std::string name;
  std::vector<char> bytes;
};

/// What cuModuleLoadDataEx takes as image: a bundle's program.so, resolved, instead of PTX.
struct EmulatedImage {
  static constexpr uint64_t mark = 0x726f6c6d2d756d65;
  uint64_t begin = mark;
  std::map<std::string, EmulatedKernel> kernels; ///< by symbol
  std::vector<emulator::Site> sites;
  std::vector<EmulatedConstant> constants;
  uint32_t staticSharedBytes = 0;
};

/// Bytes of the emulated device's memory, and of the host's that are pinned.
struct EmulatedMemory {
  size_t total, used, pinned;
};
EmulatedMemory emulatedMemory();
/// Another size of memory, while no context exists. 0: as much as the machine has.
void setEmulatedMemory(size_t total);

} // namespace mlora::cuda
