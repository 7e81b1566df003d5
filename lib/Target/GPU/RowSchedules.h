//===- RowSchedules.h - how warpgroups go through rows --------------------------------===//
//
// What lies where in a stage of 64 columns, and how often a block goes through its rows (WarpgroupRows.cpp).

#pragma once

#include "RowElements.h"
#include "RowProducts.h"
#include "Warpgroup.h"

namespace mlir::mlora {

/// What is the same for all of them.
struct RowSteps {
  static constexpr int64_t kConsumers = 2; ///< warpgroups that compute, taking steps in turn
  static constexpr int64_t kRows = 32;     ///< of a block
  static constexpr int64_t kDepth = 64;    ///< columns of a step
  static constexpr int64_t kTileBytes = kRows * SwizzledMatrix::kRowBytes;
  static constexpr int64_t kQuads = kRows / 8; ///< of a product of 64 ranks
  static constexpr int64_t kQuadBytes = Warpgroup::kThreads * 16;
  static constexpr int64_t kMostBox = 256; ///< rows of a tensor map's box
};

/// A skinny product in 64 ranks at a time. The last ones begin where they end with the ranks, and those that
/// two have leave once; of fewer than 64, the others are zeros (or what another segment left) and do not
/// leave.
struct StagedProduct {
  RowProduct op;
  int64_t offset; ///< of its weight's tile in a stage

  int64_t count() const { return llvm::divideCeil(op.ranks, Warpgroup::kRows); }
  int64_t firstRank(int64_t i) const {
    return std::min(Warpgroup::kRows * i, std::max<int64_t>(op.ranks - Warpgroup::kRows, 0));
  }
  /// Of Ã, rows come in equal boxes; of B̃, columns in the widest that leave none out, and whose swizzle is as
  /// wide.
  int64_t boxColumns() const {
    int64_t columns = SwizzledMatrix::kColumns;
    while (!op.isDown && op.ranks % columns != 0)
      columns /= 2;
    return columns;
  }
  int64_t boxRows() const {
    if (!op.isDown)
      return RowSteps::kDepth;
    int64_t boxes = llvm::divideCeil(op.ranks, RowSteps::kMostBox);
    while (op.ranks % boxes != 0 || op.ranks / boxes % 8 != 0)
      ++boxes;
    return op.ranks / boxes;
  }
  int64_t boxRanks() const { return op.isDown ? boxRows() : boxColumns(); }
  int64_t boxBytes() const { return boxRows() * boxColumns() * 2; }
  static int64_t bytesOf(int64_t ranks) { return ranks * RowSteps::kDepth * 2; }
  int64_t copiedBytes() const { return bytesOf(op.ranks); }
  int64_t bytes() const { return bytesOf(std::max(op.ranks, Warpgroup::kRows)); }
  /// Bytes of a token's ranks where they are gathered in the end: an odd number of chunks.
  int64_t stagedStride() const { return 2 * op.ranks + 16; }
  /// 64 ranks of the tile at `address`: those of the i-th product.
  SwizzledMatrix part(ThreadBuilder &b, Value address, int64_t i) const {
    return {b.at(address, bytesOf(firstRank(i))), boxBytes(), 2 * boxColumns()};
  }
};

/// Values of as many columns, step by step.
struct StagedSegment {
  RowSegment rows;
  SmallVector<StagedProduct> products;
  /// Numbers in a stage, of sources and of results that are stored or multiplied.
  DenseMap<Value, int64_t> tile;
  int64_t tiles = 0;
  // The way for sums along the row, if there is one: several tiles of each source a step, since nothing else
  // is there.
  SmallVector<Operation *> sumOps; ///< that have sums, and what these need
  SmallVector<Value> sumSources;
  int64_t sumTiles = 1, numSums = 0;
  int64_t sumsFirst = 0, first = 0; ///< steps of the block

  int64_t steps() const { return rows.columns / RowSteps::kDepth; }
  int64_t sumSteps() const { return numSums == 0 ? 0 : steps() / sumTiles; }
  int64_t bytes() const {
    return products.empty() ? tiles * RowSteps::kTileBytes : products.back().offset + products.back().bytes();
  }
};

struct RowSchedule {
  std::vector<StagedSegment> segments; ///< one behind another
  int64_t stages = 0, stageBytes = 0;
  int64_t sumBytes = 0;               ///< sums along rows, of both warpgroups
  int64_t products = 0, endBytes = 0; ///< of 64 ranks; sums of one warpgroup and behind them what leaves

  /// `rows 32, wgmma 32x96x64x8`: rows x ranks x columns of a step x stages.
  std::string name() const;
};

/// None where columns are no whole steps, or a stage, the sums or the parameters are too large.
std::optional<RowSchedule> scheduleRows(KernelOp op, const RowKernel &kernel);

} // namespace mlir::mlora
