//===- WarpgroupAttention.h - attention with wgmma ------------------------------------===//
//
// A block is a warpgroup that copies and some that compute, 64 rows each. Copies are TMA's: a box of a tensor
// map into a stage, whose mbarrier `full` ends a phase when it has landed; `empty` ends one when all
// computing warpgroups are done with it.

#pragma once

#include "Attention.h"
#include "Warpgroup.h"

namespace mlir::mlora {

struct WarpgroupSchedule {
  int64_t width;   ///< of a head
  int64_t rows;    ///< of a block, 64 a computing warpgroup
  int64_t columns; ///< of a step
  int64_t stages;

  int64_t groups() const { return rows / Warpgroup::kRows; }
  /// As the launch sees it.
  AttentionSchedule launch() const { return {width, rows, columns, stages, 4 * (groups() + 1)}; }
};

class WarpgroupAttention : public AttentionKernel {
public:
  WarpgroupAttention(OpBuilder &kernels, KernelOp kernel, Operation *op, const WarpgroupSchedule &schedule,
                     const Shape &shape);

  /// Stages of a matrix of a head's columns, and their mbarriers.
  struct Ring {
    SwizzledMatrix matrix; ///< of the first stage
    int64_t bytes;         ///< of a stage
    int64_t stages;
    Value full, empty; ///< of the first stage; eight bytes each
  };
  /// A ring's stage in one step.
  struct Stage {
    SwizzledMatrix matrix;
    Value full, empty;
    Value number; ///< of the stage
    Value parity; ///< of the phase that fills it
  };

  Warpgroup engines;
  Value consumer;       ///< the number of this warpgroup among those that compute
  TileAccess halfTiles; ///< tiles of 64 columns

  // Shared memory, in the order of these calls.
  Value reserve(int64_t bytes);
  SwizzledMatrix matrix(int64_t rows, int64_t columns);
  Value barrier(int64_t arrivals, int64_t count = 1);
  /// Of matrices of `rows` rows; `arrivals` fill a stage, beside the bytes of its copies.
  Ring ring(int64_t rows, int64_t stages, int64_t arrivals = 1);

  /// A tensor map of the buffer that an operand or result lies in, and its first column there.
  struct Map {
    Value pointer;
    int64_t first;
  };
  /// With boxes of `rows` rows of 64 columns: a parameter of the kernel behind the others, described by
  /// `mlora.tensor_maps`.
  Map tensorMap(Value value, int64_t rows, bool isKeys);

  /// Makes the barriers, then the warpgroups part. `copyRegisters`: of a thread that copies; those that
  /// compute have what is left.
  void specialise(uint32_t copyRegisters, function_ref<void()> copy, function_ref<void()> compute);

  Stage at(const Ring &ring, Value step);
  /// A part of a matrix from row `row` on, a multiple of 8.
  SwizzledMatrix from(const SwizzledMatrix &matrix, Value row) {
    return {b.at(matrix.address, b.times(row, SwizzledMatrix::kRowBytes)), matrix.tileBytes};
  }
  SwizzledMatrix ofGroup(const SwizzledMatrix &matrix) {
    return from(matrix, b.times(consumer, Warpgroup::kRows));
  }

  // By the thread that copies.
  void whenCopying(function_ref<void()> body) {
    b.when(b.compare(arith::CmpIPredicate::eq, thread, b.number(0)), body);
  }
  /// The first phase of all is as if a stage had been emptied before.
  void waitUntilEmpty(const Stage &stage) { engines.wait(stage.empty, b.bitXor(stage.parity, b.number(1))); }
  /// A step's stage with a head's columns of the rows from `row` on.
  void fill(const Ring &ring, const Map &map, Value step, Value row, Value head);
  /// A head's columns of `rows` rows from `row` on.
  void load(const SwizzledMatrix &to, const Map &map, Value row, Value head, Value full);
  int64_t matrixBytes(int64_t rows) const { return rows * 2 * width; }

  // By the computing warpgroups.
  Value groupFirst(Value first) { return b.plus(first, b.times(consumer, Warpgroup::kRows)); }
  Value warpFirst(Value groupFirst) { return b.plus(groupFirst, b.left(b.bitAnd(rowGroup, b.number(3)), 4)); }
  void waitUntilFull(const Stage &stage) { engines.wait(stage.full, stage.parity); }
  /// This warpgroup is done with the stage.
  void release(const Stage &stage);
  /// Steps [from, to) without work.
  void skip(Value from, Value to, ArrayRef<Ring> rings);
  /// The warpgroup's threads wait for each other.
  void meet() { engines.meet(b.plus(consumer, 1)); }
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

  /// In front of all matrices, which begin at multiples of as much.
  static constexpr int64_t kBarrierBytes = SwizzledMatrix::kAlignment;

  Value leads; ///< of its warpgroup, the first thread
  int64_t used = kBarrierBytes, usedForBarriers = 0;
  SmallVector<std::pair<Value, int64_t>> barriers; ///< and their arrivals
  SmallVector<Attribute> maps;
};

void buildWarpgroupForward(WarpgroupAttention &kernel, AttentionOp op);
void buildWarpgroupQueryGrad(WarpgroupAttention &kernel, AttentionQueryGradOp op);
void buildWarpgroupKeyValueGrad(WarpgroupAttention &kernel, AttentionKeyValueGradOp op);

} // namespace mlir::mlora
