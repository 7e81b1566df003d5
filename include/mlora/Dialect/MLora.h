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
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/BitVector.h"

namespace mlir::mlora {
/// What an op's results are called when it is printed.
void nameResults(Operation *op, OpAsmSetValueNameFn setName);
} // namespace mlir::mlora

#include "mlora/Dialect/MLoraDialect.h.inc"
#include "mlora/Dialect/MLoraInterfaces.h.inc"

#define GET_OP_CLASSES
#include "mlora/Dialect/MLoraOps.h.inc"

namespace mlir::mlora {

/// Argument attributes of functions at the model level and below.
constexpr llvm::StringLiteral kWeightAttr = "mlora.weight";       ///< frozen tensor of the checkpoint
constexpr llvm::StringLiteral kTrainableAttr = "mlora.trainable"; ///< trained tensor
constexpr llvm::StringLiteral kInputAttr = "mlora.input";         ///< name of a token-sized or scalar input
constexpr llvm::StringLiteral kExtentAttr = "mlora.extent";       ///< name of the run-time scalar behind `?`

constexpr llvm::StringLiteral kFormatAttr = "mlora.format"; ///< of a weight: its blocks', as GGUF calls them

/// Argument and result attributes of differentiated functions and of the optimizer's, each a name.
constexpr llvm::StringLiteral kFactorAttr = "mlora.factor";       ///< B̃: derived from parameters
constexpr llvm::StringLiteral kResidualAttr = "mlora.residual";   ///< made by forward, read by backward
constexpr llvm::StringLiteral kCotangentAttr = "mlora.cotangent"; ///< of the input or result of that name
constexpr llvm::StringLiteral kGradientAttr = "mlora.gradient";   ///< of the trainable tensor of that name
constexpr llvm::StringLiteral kMoment1Attr = "mlora.moment1";     ///< optimizer state of the trainable tensor
constexpr llvm::StringLiteral kMoment2Attr = "mlora.moment2";
constexpr llvm::StringLiteral kPartialAttr = "mlora.partial"; ///< row sums of squares of a gradient
constexpr llvm::StringLiteral kPartsAttr =
    "mlora.parts"; ///< which part of a tensor is which tensor of a file

/// Ops that are no work of their own in a kernel: whoever reads their result looks through them at the operand.
inline bool isViewOp(Operation *op) { return isa<WindowOp, DequantizeOp>(op); }

/// A capacity of rows is a multiple of it, so that what counts bytes a row is aligned as the arena is.
constexpr int64_t kCapacityStep = 16;
/// The run-time extents.
constexpr llvm::StringLiteral kExtentNames[] = {"rows", "counted_rows", "kv_rows"};
/// The region of what lives inside a loop over chunks: as many rows as a chunk has at most.
constexpr llvm::StringLiteral kChunkRegion = "chunk_rows";
/// The arena's regions behind the fixed one, in order.
constexpr llvm::StringLiteral kRegionNames[] = {kExtentNames[0], kExtentNames[1], kExtentNames[2],
                                                kChunkRegion};

} // namespace mlir::mlora
