//===- KernelMemRef.h - a kernel's buffers, from pointers to memrefs ------------------===//

#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir {
class LLVMTypeConverter;
}

namespace mlir::mlora {

/// A descriptor of memory at `pointer` with the type's strides, all of them static; its first dimension is
/// `dynamicSize` where it is dynamic.
Value makeMemRef(ImplicitLocOpBuilder &b, const LLVMTypeConverter &converter, MemRefType type, Value pointer,
                 int64_t dynamicSize);

} // namespace mlir::mlora
