//===- MLora.h - the mlora dialect ---------------------------------------------===//

#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/BitVector.h"

#include "mlora/Dialect/MLoraDialect.h.inc"
#include "mlora/Dialect/MLoraInterfaces.h.inc"

#define GET_OP_CLASSES
#include "mlora/Dialect/MLoraOps.h.inc"

namespace mlir::mlora {

/// Argument attributes of functions at the model level and below.
constexpr llvm::StringLiteral kWeightAttr = "mlora.weight";       ///< frozen tensor of the checkpoint
constexpr llvm::StringLiteral kTrainableAttr = "mlora.trainable"; ///< trained tensor
constexpr llvm::StringLiteral kExtentAttr = "mlora.extent";       ///< name of the run-time scalar behind `?`

} // namespace mlir::mlora
