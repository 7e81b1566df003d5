//===- Traffic.h - the bytes that a kernel has to move ----------------------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

#include "llvm/ADT/StringMap.h"

namespace mlir::mlora {

/// Bytes of a kernel's operands and results, each once: under "" those that do not depend on a number of
/// rows, under a run-time extent's name those of one of its rows. Of an embedding's table only the rows that
/// are asked for count, which are as many as it gives; of a product's weight what it multiplies with; of what
/// is only looked at through windows those; of what parts are placed in these parts.
llvm::StringMap<int64_t> bytesMoved(KernelOp kernel);

/// The same as attributes of what the kernel became: `mlora.fixed_bytes`, and `mlora.row_bytes` of a row of every
/// extent.
void setBytesMoved(Operation *function, KernelOp kernel);

/// Of all parts and layers: nothing depends on a number of rows.
int64_t bytesMoved(JoinedKernelOp joined);

/// Bytes of a tensor; of one with run-time rows, those of a row.
int64_t bytesPerRow(ShapedType type);

} // namespace mlir::mlora
