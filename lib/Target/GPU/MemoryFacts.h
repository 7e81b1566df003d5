//===- MemoryFacts.h - what is known of sizes and addresses ---------------------------===//
//
// Wide accesses need aligned addresses, tiles want to know how large a product is at most. Both follow from
// how the views of a kernel were made.

#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"

#include <optional>

namespace mlir::mlora {

/// Of accesses: what one lane moves at most, and what asynchronous copies are made of.
constexpr int64_t kChunkBytes = 16;

/// A number that divides the value in every run; 0 where it is 0.
int64_t divisorOf(Value value);

/// What a number is at most in any run; nothing where that is not known.
std::optional<int64_t> mostOf(OpFoldResult value);

/// What a dimension of a memref is at most; nothing where that is not known.
std::optional<int64_t> mostOfDim(Value memory, unsigned dim);

/// What divides a dimension of a memref; 0 where it is 0.
int64_t divisorOfDim(Value memory, unsigned dim);

/// A power of two, at most 64, that divides the address of a memref's first element. Buffers begin at
/// multiples of 64 bytes, but for slots that lie back to back (docs/architecture.md): those begin at
/// multiples of their own bytes.
int64_t alignmentOf(Value memory);

/// Distance of rows in elements; nothing where it is not static, or where columns are not contiguous.
std::optional<int64_t> rowStrideOf(Value memory);

/// A power of two, at most `kChunkBytes`, that divides the address of every row's first element, in bytes; an
/// element's where columns are not contiguous.
int64_t rowAlignmentOf(Value memory);

inline int64_t elementBytesOf(Value memory) {
  return cast<MemRefType>(memory.getType()).getElementTypeBitWidth() / 8;
}

/// Whether a memref lies in shared memory.
bool isShared(Value memory);

/// Whether a memref is a part of the block's scratch, wherever that is.
bool isScratch(Value memory);

} // namespace mlir::mlora
