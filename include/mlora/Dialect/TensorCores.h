//===- TensorCores.h - which attention has kernels on tensor cores ----------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

namespace mlir::mlora {

/// Whether attention or a gradient of it has a kernel on tensor cores (mlora-attention-to-gpu): queries,
/// keys, values, outputs and cotangents in bf16, lse in f32, heads of a multiple of 16 up to 256.
bool fitsTensorCores(Operation *attention);

/// Of a gradient that `fitsTensorCores`: whether its kernel also turns results back (an inverse `rope`) as it
/// stores them. A pair of columns (i, i + width / 2) is one lane's in heads up to 128; in wider ones, which
/// warps share, it is not.
bool turnsResultsBack(Operation *gradient);

/// Whether columns from `first` on of a bf16 tensor of `columns` can be moved 16 bytes at a time.
bool movesInChunks(int64_t columns, int64_t first);

/// The gradient of attention whose kernel gives `cotangent`, as it is or turned back by an inverse `rope`
/// that nothing else is between; null where no kernel does.
Operation *gradientBehind(Value cotangent);

} // namespace mlir::mlora
