//===- AttentionSoftmax.h - online softmax of a warp's scores -------------------------===//
//
// With c = scale · log2 e, after each block of keys
//   m' = max(m, max_j S_j),  P_j = 2^(c·S_j - c·m'),  l' = 2^(c·m - c·m') l + Σ_j P_j,  o' = 2^(c·m - c·m') o
//   + P v.

#pragma once

#include "Attention.h"

namespace mlir::mlora {

/// What a warp carries from block to block.
struct SoftmaxState {
  AttentionKernel::Sums output; ///< not divided by `total` yet
  Values top, total;            ///< of each row; `total` is this lane's part

  Values flatten() const;
  /// As this one, of other values.
  SoftmaxState unflatten(ValueRange list) const;
};

/// Scores of a warp's rows, 16 a tile, with `columns` keys.
class OnlineSoftmax {
public:
  OnlineSoftmax(AttentionKernel &kernel, int64_t rowTiles, int64_t columns);

  SoftmaxState begin();
  using Weights = SmallVector<SmallVector<Quad>>; ///< operands A, [16 rows][16 columns]
  struct Step {
    Weights weights; ///< P, rounded
    Values factors;  ///< of each row: what scales what was summed before
  };
  /// P of the scores, rounded as soon as it is known: half as many registers. `state.output` is not scaled
  /// yet.
  Step weigh(SoftmaxState &state, const AttentionKernel::Sums &scores);
  void rescale(AttentionKernel::Sums &output, const Values &factors);
  /// Where lse of a row goes, and whether the row is there.
  struct Place {
    Value isThere, address;
  };
  /// Divides the output, and stores lse of each of this lane's rows where `placeOf` says; null: the kernel
  /// has none.
  void finish(SoftmaxState &state, function_ref<Place(int64_t)> placeOf);

private:
  AttentionKernel &k;
  ThreadBuilder &b;
  int64_t rowTiles, columns;
};

/// A warp's queries among the keys of their own documents, 16 rows a tile.
class CausalRows {
public:
  /// `first`: the warp's first row.
  CausalRows(AttentionKernel &kernel, Value first, int64_t rowTiles);

  const Value warpFirst;
  Value warpLast;                 ///< the last row that there is
  Value warpEarliest, warpLatest; ///< first keys of its first and last row

  /// Scores of `columns` keys from `first` on that are outside a row's interval become -∞.
  void mask(AttentionKernel::Sums &scores, Value first, int64_t columns);
  /// `OnlineSoftmax::finish`, of what is these rows' of a head.
  void finish(OnlineSoftmax &softmax, SoftmaxState &state, Value lse, Value head);

private:
  AttentionKernel &k;
  ThreadBuilder &b;
  Values start, row; ///< of each row of this lane: its first key, its number
};

/// Applies `isInside(tile row, column)` to scores where `isCut` says that it may be false somewhere: what is
/// outside becomes -∞.
void maskScores(ThreadBuilder &b, AttentionKernel::Sums &scores, Value isCut,
                function_ref<Value(int64_t, int64_t)> isInside);

} // namespace mlir::mlora
