#pragma once

#include "mlora/Runtime/Emulator/Emulator.h"
#include "mlora/Runtime/Program/Device.h"

namespace mlora {

/// The GPU's kernels under the emulator (docs/emulator.md): launch after launch, in the calling thread; a
/// fault ends the run with an Error that names kernel, block, thread and operation.
class EmulatedDevice : public Device {
public:
  EmulatedDevice(const Bundle &bundle, const Layout &layout);

  Arena &arena() override { return *programArena; }
  void launch(int kernel, LaunchBuffers buffers, const Scalars &scalars, int64_t blocks) override;
  int64_t scratchBytes() const override { return scratchSize; }

private:
  const Manifest &manifest;
  std::vector<emulator::KernelEntry> functions;
  std::vector<emulator::Site> sites;
  std::vector<uint64_t> globals; ///< addresses of the module's constants
  uint32_t staticSharedBytes = 0;
  int64_t scratchSize = 0;
  std::unique_ptr<emulator::GlobalMemory> memory;
  std::unique_ptr<Arena> programArena;
  char *scratch = nullptr, *scalarMemory = nullptr;
  uint64_t launches = 0;
};

} // namespace mlora
