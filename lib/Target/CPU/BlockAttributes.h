//===- BlockAttributes.h - what a function of a block says of itself -----------------===//

#pragma once

#include "llvm/ADT/StringRef.h"

namespace mlir::mlora {

/// Of a function of a block, numbers of arguments: operands that may lie where a result does. Missing: there are none,
/// and whatever the function does not write nobody writes while the kernel runs.
constexpr llvm::StringLiteral kInPlaceAttr = "mlora.in_place";
/// Blocks do the work of several kernels, each that of one of them.
constexpr llvm::StringLiteral kJoinedAttr = "mlora.joined";

} // namespace mlir::mlora
