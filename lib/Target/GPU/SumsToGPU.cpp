//===- SumsToGPU.cpp - sums over tokens by warpgroups -----------------------------------===//

#include "KernelModule.h"
#include "WarpgroupSums.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_SUMSTOGPU
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {
struct SumsToGPU : mlir::mlora::impl::SumsToGPUBase<SumsToGPU> {
  using SumsToGPUBase::SumsToGPUBase;
  void runOnOperation() override { buildKernels(getOperation(), chip, buildWarpgroupSums); }
};
} // namespace
