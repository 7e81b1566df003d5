//===- RowsToGPU.cpp - rows and skinny products beside them by warpgroups ---------------===//

#include "KernelModule.h"
#include "WarpgroupRows.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_ROWSTOGPU
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {
struct RowsToGPU : mlir::mlora::impl::RowsToGPUBase<RowsToGPU> {
  using RowsToGPUBase::RowsToGPUBase;
  void runOnOperation() override { buildKernels(getOperation(), chip, buildWarpgroupRows); }
};
} // namespace
