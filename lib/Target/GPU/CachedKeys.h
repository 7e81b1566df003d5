//===- CachedKeys.h - which keys of a cache a block of queries sees -------------------===//

#pragma once

#include "Attention.h"

namespace mlir::mlora {

/// A query sees keys [document_start, at] and, where the op has a prefix, [prefix_start, prefix_end).
class CachedKeys {
public:
  /// Keys [from, to).
  struct Interval {
    Value from, to;
  };
  /// What one query sees; an interval without keys is [0, 0). `prefix` is null where the op has none.
  struct Seen {
    Interval document;
    std::optional<Interval> prefix;
  };

  /// Reads nothing yet.
  CachedKeys(AttentionKernel &kernel, AttentionOp op);

  Seen load(Value query);
  /// Whether at least half of what `query` sees is what `other` sees, too.
  Value areShared(const Seen &query, const Seen &other);

  /// Of the block's queries [first, end), at most `most` of them, and of those that this lane has in sums.
  void load(Value first, Value end, int64_t most, ArrayRef<Value> own);

  static constexpr int64_t kNone = 1 << 30; ///< a key behind all
  /// The first key from `key` on that a query of the block sees, or kNone: the same for all its threads.
  Value next(Value key);
  /// Behind the last key that a query of the block sees.
  Value end();
  /// Whether a query of this warp sees one of `columns` keys from `key` on.
  Value isSeen(Value key, int64_t columns);
  /// Scores of `columns` keys from `key` on that a row does not see become -∞.
  void mask(AttentionKernel::Sums &scores, Value key, int64_t columns);

private:
  Value nextOf(const Seen &seen, Value key);

  AttentionKernel &k;
  ThreadBuilder &b;
  Value documentStart, at, prefixStart, prefixEnd; ///< pointers; null where the op has none
  SmallVector<Seen> block; ///< of every 32nd query of the block, from this lane's number on
  SmallVector<Seen> own;   ///< of this lane's rows of sums
};

/// One file: AttentionCached.cpp. Heads of a group are rows of a warp, 16 at most.
extern const AttentionKernel::Shape kCachedShape;
void buildAttentionCached(AttentionKernel &kernel, AttentionOp op);

} // namespace mlir::mlora
