//===- AttentionQueryRows.h - rows of queries in the backward pass --------------------===//
//
// P = 2^(c·S - log2 e · lse), dS = P ∘ (dP - δ), with c = scale · log2 e and δ = Σ_c do_c·o_c of a row.

#pragma once

#include "Attention.h"

namespace mlir::mlora {

/// δ of row min(row, rows - 1), by the four lanes that have the row in sums: of a head of `cotangent` and
/// `output` each lane takes every fourth chunk.
Value buildDelta(AttentionKernel &k, const Columns &cotangent, const Columns &output, Value head, Value row);

/// A warp's rows, 16 a tile.
class QueryRows {
public:
  /// `first`: the warp's first row.
  QueryRows(AttentionKernel &kernel, Value first, int64_t rowTiles);

  const Value warpFirst;
  Value warpLast;                 ///< the last row that there is
  Value warpEarliest, warpLatest; ///< first keys of its first and last row

  /// Reads what is a row's: of a head, with lse in global memory.
  void load(const Columns &cotangent, const Columns &output, Value head, Value lse);
  /// Whether some row does not see all of `columns` keys from `first` on.
  Value isCut(Value first, int64_t columns);
  /// Scores of keys from `first` + `offset` on become P.
  void weigh(AttentionKernel::Sums &scores, Value first, int64_t offset, Value isCut);
  /// dP becomes dS.
  void differentiate(AttentionKernel::Sums &gradient, const AttentionKernel::Sums &weights);

private:
  AttentionKernel &k;
  ThreadBuilder &b;
  int64_t rowTiles;
  Values start, row, lse, delta; ///< of each row of this lane; lse in powers of two, negated
};

} // namespace mlir::mlora
