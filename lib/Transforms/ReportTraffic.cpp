//===- ReportTraffic.cpp - the bytes that functions' kernels have to move ----------===//

#include "mlora/Dialect/Traffic.h"
#include "mlora/Transforms/Passes.h"

#include "llvm/Support/Format.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_REPORTTRAFFIC
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {
struct ReportTraffic : ::mlir::mlora::impl::ReportTrafficBase<ReportTraffic> {
  using ReportTrafficBase::ReportTrafficBase;
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      int64_t launches = 0, bytes = 0;
      WalkResult result = function.walk([&](LaunchOp launch) {
        auto kernel = symbols.lookup<KernelOp>(launch.getKernel());
        if (!kernel)
          return launch.emitOpError("names no kernel: ") << launch.getKernelAttr(), WalkResult::interrupt();
        ++launches;
        for (auto &[extent, count] : bytesMoved(kernel))
          bytes += extent.empty() ? count : count * rows;
        return WalkResult::advance();
      });
      if (result.wasInterrupted())
        return signalPassFailure();
      if (launches)
        llvm::outs() << function.getName() << ": " << launches << " launches, "
                     << llvm::format("%.2f", double(bytes) * 1e-6) << " MB for " << int64_t(rows)
                     << " rows\n";
    }
  }
};
} // namespace
