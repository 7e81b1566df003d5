//===- PTX.h - PTX of kernels, and what ptxas says about it --------------------------===//

#pragma once

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <optional>
#include <string>
#include <vector>

namespace mlir::mlora {

/// An architecture that PTX is made for.
struct Chip {
  StringRef name;       ///< as ptxas takes it
  StringRef ptxVersion; ///< the lowest that knows the chip and all that our kernels use
  int64_t sharedBytes;  ///< of a multiprocessor
  int64_t blocks = 32, warps = 64, registers = 65536;

  /// Blocks that fit on a multiprocessor at once.
  int64_t residentBlocks(int64_t threads, int64_t registersPerThread, int64_t sharedPerBlock) const;
};

/// Null for a chip that is not known.
const Chip *findChip(StringRef name);
/// Their names, for messages: "sm_80, sm_90, …".
std::string chipNames();

/// Makes what `emitPTX` needs known to a registry.
void registerPTXDialects(DialectRegistry &registry);

/// A symbol's name in PTX, which has no dots: `$` stands for whatever an identifier cannot hold.
std::string ptxName(StringRef symbol);

/// PTX of a gpu.module of the llvm and nvvm dialects. The module does not change.
FailureOr<std::string> emitPTX(gpu::GPUModuleOp kernels, const Chip &chip);

/// What ptxas says about a kernel.
struct KernelResources {
  std::string kernel;      ///< its name in PTX
  int64_t registers = 0;   ///< of a thread
  int64_t sharedBytes = 0; ///< static ones
  int64_t stackBytes = 0;  ///< local memory
  int64_t spilledBytes = 0;
};

/// In PATH or in /usr/local/cuda/bin.
std::optional<std::string> findPtxas();

/// Assembles with `ptxas -v`; refusals are errors at `location`, with ptxas' words.
FailureOr<std::vector<KernelResources>> assemble(Location location, StringRef ptxas, StringRef ptx,
                                                 const Chip &chip);

} // namespace mlir::mlora
