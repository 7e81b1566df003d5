//===- Chips.cpp - the architectures that PTX is made for ----------------------------===//

#include "mlora/Target/PTX.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {
constexpr int64_t kKiB = 1024;

// Limits of a multiprocessor: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
const Chip kChips[] = {
    {"sm_80", "ptx80", 164 * kKiB},
    {"sm_90", "ptx80", 228 * kKiB},
    {"sm_90a", "ptx80", 228 * kKiB},
    {"sm_100", "ptx86", 228 * kKiB},
};
} // namespace

int64_t Chip::residentBlocks(int64_t threads, int64_t registersPerThread, int64_t sharedPerBlock) const {
  // A warp's registers come in pieces of 256; the system keeps 1 KiB of each block's shared memory.
  int64_t warpsPerBlock = llvm::divideCeil(threads, 32);
  int64_t registersPerWarp = llvm::alignTo(std::max<int64_t>(registersPerThread, 1) * 32, 256);
  return std::min({blocks, warps / warpsPerBlock, registers / registersPerWarp / warpsPerBlock,
                   sharedBytes / (sharedPerBlock + kKiB)});
}

const Chip *mlir::mlora::findChip(StringRef name) {
  const Chip *found = llvm::find_if(kChips, [&](const Chip &chip) { return chip.name == name; });
  return found == std::end(kChips) ? nullptr : found;
}

std::string mlir::mlora::chipNames() {
  return llvm::join(llvm::map_range(kChips, [](const Chip &chip) { return chip.name; }), ", ");
}
