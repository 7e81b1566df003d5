//===- QuantizedGemm.h - products with weights stored in blocks --------------------===//

#pragma once

#include "mlora/Runtime/Model/BlockFormats.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::mlora {

/// `gemm_nt_q4_1`
std::string quantizedGemmName(const ::mlora::BlockFormat &format);

/// Adds the private function of `C = alpha · A Bᵀ + beta · C` for a B of blocks to the module. `dense` is the
/// function of f32 that takes Bᵀ by rows, which it calls for more than a few rows of A; `depth` how many values of
/// a row of B that sums at once.
func::FuncOp buildQuantizedGemm(func::FuncOp dense, const ::mlora::BlockFormat &format, int64_t depth);

} // namespace mlir::mlora
