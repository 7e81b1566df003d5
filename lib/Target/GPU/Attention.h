//===- Attention.h - attention on tensor cores ----------------------------------------===//

#pragma once

#include "KernelFunction.h"
#include "SharedTile.h"

namespace mlir::mlora {

/// How a block is cut. Rows are queries in the forward kernel and query_grad, keys in key_value_grad;
/// columns, in a loop, the others.
struct AttentionSchedule {
  int64_t maxWidth; ///< of a head: the first schedule of a kind that is wide enough is taken
  int64_t rows;     ///< of a block
  int64_t columns;  ///< of a step of its loop
  int64_t stages;   ///< steps in shared memory at a time
  int64_t warps;    ///< of a block
  int64_t columnGroups =
      1; ///< of warps that share their rows, each with its part of the head's width of the results
  /// As many tiles of rows stay in registers; the others are read from shared memory in each step.
  int64_t heldTiles = 2;

  int64_t threads() const { return 32 * warps; }
  int64_t rowsOfWarp() const { return rows * columnGroups / warps; }
  int64_t rowTiles() const { return rowsOfWarp() / 16; }
};

/// The attention or gradient of a kernel; null where it has none.
Operation *attentionIn(KernelOp kernel);

/// A kernel of one attention op, seen by one thread. Around the op there may be views of operands (`window`),
/// and behind a gradient what its results go through: an inverse `rope`, and `place`.
class AttentionKernel : public KernelFunction {
public:
  /// Which of the three kernels: what lies in shared memory. Tiles have a head's width.
  struct Shape {
    StringRef name;
    int64_t rowTiles;         ///< of the block's rows
    int64_t columnTiles;      ///< of a stage
    int64_t columnBytes;      ///< of a stage, per column
    bool rowsAreKeys = false; ///< key_value_grad
    /// Rows pass through the stages' memory on their way to registers, where they are held.
    bool sharesStages(const AttentionSchedule &schedule) const {
      return rowsAreKeys && schedule.heldTiles == 2;
    }
  };

  AttentionKernel(OpBuilder &kernels, KernelOp kernel, Operation *op, const AttentionSchedule &schedule,
                  const Shape &shape);

  AttentionSchedule schedule;
  Shape shape;

  int64_t width, heads, kvHeads, group; ///< group: query heads of a key head
  TileLayout layout;
  double scale() const;     ///< 1 / sqrt(width)
  double log2Scale() const; ///< scale · log2 e: exponentials are powers of two

  Value rows, kvRows; ///< run-time extents
  Value rowGroup;     ///< this warp's number among those with different rows
  Value columnGroup;  ///< and among those that share them; null where there is one
  std::optional<TileAccess> tiles;

  /// The first column of a head.
  Value headOf(const Columns &columns, Value head) {
    return b.at(b.at(columns.buffer, 2 * columns.first), b.times(head, 2 * width));
  }
  /// Of row min(row, rows - 1): rows behind the last attend like it, and are not stored.
  Value documentStart(Value row);
  bool hasDocuments() const { return bool(documents); }

  /// Block number to a head (the slow one) and a block of rows.
  std::pair<Value, Value> decode(Value extent, bool lastFirst);
  /// A block of queries of a head, and the keys that it steps through.
  struct QueryBlock {
    Value head, keyHead;
    Value first;           ///< query row
    Value keyFirst, steps; ///< from where its first row attends, up to where its last one does
  };
  /// The last rows have the most keys: their blocks begin first.
  QueryBlock decodeQueries();

  static int64_t stageBytes(const AttentionSchedule &schedule, const Shape &shape, int64_t width);
  static int64_t sharedBytes(const AttentionSchedule &schedule, const Shape &shape, int64_t width);
  /// Tile `tile` of the block's rows, and the first of its rows that are this warp's.
  Value rowTile(int64_t tile) { return b.at(shared, tile * layout.bytes(schedule.rows)); }
  Value warpRows(int64_t tile) {
    return b.at(rowTile(tile), b.times(rowGroup, layout.bytes(schedule.rowsOfWarp())));
  }
  /// Tile `tile` of a stage; behind the last one are the columns' numbers.
  Value columnTile(Value stage, int64_t tile) { return b.at(stage, tile * layout.bytes(schedule.columns)); }

  /// Steps through tiles of columns in stages of shared memory: `copy(step, stage)` starts what fills a
  /// stage, `compute(step, stage, values)` works on one that has landed. `prepare` comes between the first
  /// copies and the loop.
  Values pipeline(Value steps, ValueRange start, function_ref<void(Value, Value)> copy,
                  function_ref<void()> prepare, function_ref<Values(Value, Value, ValueRange)> compute);

  using Sums = SmallVector<SmallVector<Quad>>; ///< [16 rows][8 columns]
  Sums zeroSums(int64_t columns);
  /// Operands A of this warp's rows: all of a head's width, [16 rows][16 columns]. Empty: not held.
  using RowOperand = SmallVector<SmallVector<Quad>>;
  RowOperand holdRows(int64_t tile);
  /// Products of this warp's rows (held, or read from `warpRows`) with 16·n rows from `first` of `tile`: [16
  /// rows][2n].
  Sums multiplyTransposed(const RowOperand &held, Value warpRows, Value tile, int64_t first, int64_t count);
  /// sums[i] += weights[i] · (rows [first, first + 16) of `tile`), for the columns that this warp has.
  void multiply(Sums &sums, ArrayRef<Quad> weights, Value tile, int64_t first);
  /// Columns of the results that this warp has.
  int64_t resultColumns() const { return llvm::divideCeil(width / 16, schedule.columnGroups) * 16; }
  /// Two neighbouring 16x8 sums as an operand A of 16 columns.
  Quad toOperand(const Quad &left, const Quad &right);

  /// Sums of `result`, of which a lane has rows from `first` on (`last` there are), become what its inverse
  /// `rope` makes of them; nothing where it has none.
  void turnBack(Sums &sums, Value result, Value first, Value last);
  /// A head's columns of `result`: the rows of this warp, turned back where they are to be, through `staging`
  /// (room for the block's rows) to global memory.
  void storeRows(Sums sums, int64_t staging, Value result, Value head, Value first, Value last);

protected:
  Attribute rowsExtent, kvRowsExtent; ///< a number, or the name of a scalar

private:
  Value documents;
};

/// The tensor-core form of a kernel of one attention op on bf16, in front of `kernels`' insertion point;
/// failure without a message where no schedule fits the op, its types or the chip: the general one is for
/// those, if the op is alone.
FailureOr<gpu::GPUFuncOp> buildAttention(KernelOp kernel, OpBuilder &kernels, StringRef chip);

// One file each.
extern const AttentionKernel::Shape kForwardShape, kQueryGradShape, kKeyValueGradShape;
void buildAttentionForward(AttentionKernel &kernel, AttentionOp op);
void buildAttentionQueryGrad(AttentionKernel &kernel, AttentionQueryGradOp op);
void buildAttentionKeyValueGrad(AttentionKernel &kernel, AttentionKeyValueGradOp op);

} // namespace mlir::mlora
