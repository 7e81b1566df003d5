//===- EmulatedModule.h - a gpu.module as code for the emulator -----------------------===//

#pragma once

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlora/Runtime/Emulator/Emulator.h"

namespace mlir::mlora {

/// Memory of a module outside shared memory; the address of each is a parameter after a kernel's own.
struct EmulatedGlobal {
  std::string name;
  std::vector<char> bytes;
};

/// Host functions that do, with the machine of runtime/emulator, what the kernels do.
struct EmulatedModule {
  OwningOpRef<ModuleOp> program;
  llvm::StringMap<SmallVector<Type>> kernels; ///< name to the types of its parameters
  std::vector<::mlora::emulator::Site> sites;
  std::vector<Location> locations; ///< of each site
  std::vector<EmulatedGlobal> globals;
  uint32_t staticSharedBytes = 0; ///< without the gaps
  llvm::StringMap<uint64_t> staticSharedOf; ///< of what each kernel reaches alone, as a device counts it
  std::vector<::mlora::emulator::SharedGap> sharedGaps;
  uint64_t localBytes = 0; ///< of a thread, all functions together
};

/// Takes the gpu.module of `module` to the llvm and nvvm dialects, in place.
LogicalResult lowerToNVVM(ModuleOp module);

/// The other half, for a gpu.module of llvm and nvvm ops. What the emulator lacks is an error at its op.
/// `leavesGaps`: between arrays of shared memory, so that an index which leaves one does not find the next.
FailureOr<EmulatedModule> rewriteForEmulator(gpu::GPUModuleOp module, bool leavesGaps = false);

} // namespace mlir::mlora
