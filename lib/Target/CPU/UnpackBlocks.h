//===- UnpackBlocks.h - values of quantised blocks, in registers ------------------===//

#pragma once

#include "mlora/Runtime/Model/BlockFormats.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::mlora {

/// Values [16·unit, 16·unit + 16) of the block that begins at byte `at` of row `row` of `bytes`
/// (memref<?x?xi8>, rows contiguous), as vector<16xf32>: the bits that ggml's reference gives. What units
/// share is loaded and worked out again by each; the code generator sees that it is the same.
Value unpackSixteen(ImplicitLocOpBuilder &b, const ::mlora::BlockFormat &format, Value bytes, Value row,
                    Value at, int64_t unit);

} // namespace mlir::mlora
