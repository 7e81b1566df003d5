//===- WarpgroupAttention.h - attention with wgmma ------------------------------------===//

#pragma once

#include "Attention.h"
#include "WarpgroupBlock.h"

namespace mlir::mlora {

struct WarpgroupSchedule {
  int64_t width;   ///< of a head
  int64_t rows;    ///< of a block, 64 a computing warpgroup
  int64_t columns; ///< of a step
  int64_t stages;

  int64_t groups() const { return rows / Warpgroup::kRows; }
  /// As the launch sees it.
  AttentionSchedule launch() const {
    return {width, rows, columns, stages, WarpgroupBlock::threads(groups()) / 32};
  }
};

class WarpgroupAttention : public AttentionKernel, public WarpgroupBlock {
public:
  WarpgroupAttention(OpBuilder &kernels, KernelOp kernel, Operation *op, const WarpgroupSchedule &schedule,
                     const Shape &shape);

  TileAccess halfTiles; ///< tiles of 64 columns

  /// Of matrices of `rows` rows of a head's columns; `arrivals` fill a stage, beside the bytes of its copies.
  Ring ring(int64_t rows, int64_t stages, int64_t arrivals = 1) {
    return WarpgroupBlock::ring(matrixBytes(rows), rows * SwizzledMatrix::kRowBytes, stages, arrivals);
  }
  /// A tensor map of the buffer that an operand or result lies in, with boxes of `rows` rows.
  Map tensorMap(Value value, int64_t rows, bool isKeys) {
    return WarpgroupBlock::tensorMap(columnsOf(value), isKeys ? kvRowsExtent : rowsExtent, rows);
  }

  // By the thread that copies.
  /// A step's stage with a head's columns of the rows from `row` on.
  void fill(const Ring &ring, const Map &map, Value step, Value row, Value head);
  /// A head's columns of `rows` rows from `row` on.
  void load(const SwizzledMatrix &to, const Map &map, Value row, Value head, Value full);
  int64_t matrixBytes(int64_t rows) const { return rows * 2 * width; }

  // By the computing warpgroups.
  Value groupFirst(Value first) { return b.plus(first, b.times(consumer, Warpgroup::kRows)); }
  Value warpFirst(Value groupFirst) { return b.plus(groupFirst, b.left(b.bitAnd(rowGroup, b.number(3)), 4)); }
  /// Steps [from, to) without work.
  void skip(Value from, Value to, ArrayRef<Ring> rings);
  /// Operands A of this warp's rows (16 columns each) to a matrix of the warpgroup, which products and copies
  /// may read when it is published.
  void put(ArrayRef<Quad> operands, const SwizzledMatrix &to);
  void publish();
  /// 16 columns of sums each as operands A.
  SmallVector<Quad> toOperands(ArrayRef<Quad> sums);
  void scaleBy(SmallVector<Quad> &sums, double factor);
  /// The warpgroup's 64 rows of sums of `result` (of `last`), from `row` on, turned back where they are to
  /// be, through `staging` to global memory.
  void storeRows(ArrayRef<Quad> sums, Value result, const SwizzledMatrix &staging, const Map &map, Value row,
                 Value last, Value head);

  void finish();

private:
  /// A head's columns of a map, 64 at a time: those of tile `tile`.
  Value columnOf(const Map &map, Value head, int64_t tile) {
    return b.plus(b.times(head, width), map.first + tile * SwizzledMatrix::kColumns);
  }
};

void buildWarpgroupForward(WarpgroupAttention &kernel, AttentionOp op);
void buildWarpgroupQueryGrad(WarpgroupAttention &kernel, AttentionQueryGradOp op);
void buildWarpgroupKeyValueGrad(WarpgroupAttention &kernel, AttentionKeyValueGradOp op);

} // namespace mlir::mlora
