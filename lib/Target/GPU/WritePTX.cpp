//===- WritePTX.cpp - PTX of a module's kernels, and a report ---------------------------===//

#include "mlora/Target/PTX.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_EMITPTX
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

static LogicalResult write(gpu::GPUModuleOp kernels, StringRef folder, StringRef ptx) {
  SmallString<128> path(folder);
  llvm::sys::path::append(path, kernels.getName() + ".ptx");
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (!error) {
    file << ptx;
    file.close();
    error = file.error();
    file.clear_error();
  }
  if (error)
    return emitError(kernels.getLoc()) << "cannot write " << path << ": " << error.message();
  return success();
}

/// A line a kernel. Shared memory is what ptxas counts and what the launch adds.
static LogicalResult report(gpu::GPUModuleOp kernels, StringRef ptx, const Chip &chip) {
  std::optional<std::string> ptxas = findPtxas();
  if (!ptxas)
    return emitError(kernels.getLoc(),
                     "report needs ptxas, which is neither in PATH nor in /usr/local/cuda/bin");
  auto resources = assemble(kernels.getLoc(), *ptxas, ptx, chip);
  if (failed(resources))
    return failure();
  llvm::StringMap<LLVM::LLVMFuncOp> functions;
  for (auto function : kernels.getOps<LLVM::LLVMFuncOp>())
    functions[ptxName(function.getName())] = function;
  for (const KernelResources &kernel : *resources) {
    LLVM::LLVMFuncOp function = functions.lookup(kernel.kernel);
    auto dynamic = function ? function->getAttrOfType<IntegerAttr>("mlora.shared_bytes") : IntegerAttr();
    auto block =
        function ? function->getAttrOfType<DenseI32ArrayAttr>("gpu.known_block_size") : DenseI32ArrayAttr();
    int64_t shared = kernel.sharedBytes + (dynamic ? dynamic.getInt() : 0);
    llvm::outs() << llvm::formatv(
        "{0} for {1}: {2} registers, {3} bytes of shared memory, {4} bytes of local "
        "memory, {5} bytes spilled",
        function ? function.getName() : kernel.kernel, chip.name, kernel.registers, shared, kernel.stackBytes,
        kernel.spilledBytes);
    if (block) {
      int64_t threads = int64_t(block[0]) * block[1] * block[2];
      int64_t blocks = chip.residentBlocks(threads, kernel.registers, shared);
      llvm::outs() << llvm::formatv("; {0} blocks of {1} threads a multiprocessor, occupancy {2}%", blocks,
                                    threads, 100 * blocks * llvm::divideCeil(threads, 32) / chip.warps);
    }
    auto fixed = function ? function->getAttrOfType<IntegerAttr>("mlora.fixed_bytes") : IntegerAttr();
    auto row = function ? function->getAttrOfType<IntegerAttr>("mlora.row_bytes") : IntegerAttr();
    if (fixed && row)
      llvm::outs() << llvm::formatv("; a launch moves {0} bytes and {1} a row", fixed.getInt(), row.getInt());
    if (auto schedule = function ? function->getAttrOfType<StringAttr>("mlora.schedule") : StringAttr())
      llvm::outs() << "; " << schedule.getValue();
    llvm::outs() << "\n";
  }
  return success();
}

namespace {
struct EmitPTX : mlir::mlora::impl::EmitPTXBase<EmitPTX> {
  using EmitPTXBase::EmitPTXBase;
  void getDependentDialects(DialectRegistry &registry) const override { registerPTXDialects(registry); }
  void runOnOperation() override {
    ModuleOp module = getOperation();
    const Chip *target = findChip(chip);
    if (!target) {
      emitError(module.getLoc()) << "no PTX for chip '" << chip << "'; expected one of " << chipNames();
      return signalPassFailure();
    }
    for (auto kernels : module.getOps<gpu::GPUModuleOp>()) {
      FailureOr<std::string> ptx = emitPTX(kernels, *target);
      if (failed(ptx) || failed(write(kernels, path, *ptx)) ||
          (printReport && failed(report(kernels, *ptx, *target))))
        return signalPassFailure();
    }
  }
};
} // namespace
