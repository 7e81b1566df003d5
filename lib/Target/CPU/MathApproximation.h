//===- MathApproximation.h - elementary functions without a library -------------------===//

#pragma once

#include "mlir/IR/PatternMatch.h"

namespace mlir::mlora {

/// exp and log of f32 to 2 ulp, sin and cos of f32 and f64 for arguments up to about 1e9, rsqrt as 1 / sqrt;
/// on scalars and vectors. No call of libm remains of them.
void populateMathApproximationPatterns(RewritePatternSet &patterns);

} // namespace mlir::mlora
