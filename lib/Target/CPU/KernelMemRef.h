//===- KernelMemRef.h - a kernel's buffers, from pointers to memrefs ------------------===//

#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir {
class LLVMTypeConverter;
}

namespace mlir::mlora {

/// A descriptor of contiguous memory at `pointer`, as a memref whose first dimension, if any, is dynamic with
/// `dynamicSize`.
Value makeMemRef(ImplicitLocOpBuilder &b, const LLVMTypeConverter &converter, MemRefType type, Value pointer,
                 int64_t dynamicSize);

} // namespace mlir::mlora
