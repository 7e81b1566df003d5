//===- LoadedModule.h - a gpu.module in this process, for the emulator ----------------===//

#pragma once

#include "mlora/Target/EmulatedModule.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"

namespace mlir::mlora {

/// What a context needs before a module is compiled for the emulator.
void registerEmulatorDialects(DialectRegistry &registry);

/// A gpu.module, compiled and loaded.
struct LoadedModule {
  EmulatedModule module;
  std::unique_ptr<llvm::orc::LLJIT> code;

  /// A kernel's code; an error that says which is missing.
  llvm::Expected<::mlora::emulator::KernelEntry> find(llvm::StringRef kernel);
};

/// Compiles a copy of `source` for this CPU, all memory accesses checked; `keep` names a file to keep the
/// kernels in (a shared object) or is empty; `leavesGaps` as in rewriteForEmulator.
FailureOr<std::unique_ptr<LoadedModule>> loadForEmulator(gpu::GPUModuleOp source, llvm::StringRef keep = "",
                                                         bool leavesGaps = false);

} // namespace mlir::mlora
