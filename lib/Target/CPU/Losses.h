//===- Losses.h - what losses with and without a matrix share ------------------------===//

#pragma once

#include "BlockBuilder.h"

namespace mlir::mlora {

/// lse = top + log total, and nll = lse - z[target] of the block's rows, 0 where a target is negative. `top` is the
/// greatest of a row's logits z, `total` the sum of exp(z - top).
void storeLosses(BlockBuilder &b, Value z, Value top, Value total, Value targets, Value lse, Value nll);

/// weight[c] = dnll[rowFirst + c], 0 for a row without target.
void storeRowWeights(BlockBuilder &b, Value dnll, Value targets, Value rowFirst, Value rows, Value weight);

} // namespace mlir::mlora
