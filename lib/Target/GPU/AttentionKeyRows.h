//===- AttentionKeyRows.h - rows of keys in the backward pass -------------------------===//
//
// Everything is transposed, so that sums are operands A again: Pᵀ = 2^(c·Sᵀ - log2 e · lse), dSᵀ = Pᵀ ∘ (dPᵀ
// - δ), where lse and δ are a column's.

#pragma once

#include "Attention.h"

namespace mlir::mlora {

/// Queries that see a block of keys: from row `keyFirst` on, up to the last row whose document begins before
/// `keyEnd`.
Value countQueries(AttentionKernel &k, Value keyFirst, Value keyEnd);

/// A warp's keys, 16 a tile. Columns are queries, whose numbers lie in shared memory: `columns` of each kind.
class KeyRows {
public:
  enum Number { Lse, Start, Delta };
  static constexpr int64_t kNumberBytes = 12; ///< a column

  KeyRows(AttentionKernel &kernel, Value first, int64_t rowTiles, int64_t columns);

  const Value warpFirst;
  Value warpLast;

  /// Where number `which` of a column is.
  Value numberOf(Value numbers, Number which, Value column) {
    return b.at(b.at(numbers, 4 * which * columns), b.left(column, 2));
  }
  struct Step {
    SmallVector<SmallVector<Quad>> weights, gradients; ///< operands A, [16 rows][16 columns]
  };
  /// Pᵀ and dSᵀ of scores and dPᵀ, of the columns from `offset` on; `first` is the query of column 0.
  Step differentiate(const AttentionKernel::Sums &scores, const AttentionKernel::Sums &gradient, Value first,
                     int64_t offset, Value numbers, Value isCut);

private:
  AttentionKernel &k;
  ThreadBuilder &b;
  int64_t columns;
  Values row; ///< keys of this lane's rows
};

} // namespace mlir::mlora
