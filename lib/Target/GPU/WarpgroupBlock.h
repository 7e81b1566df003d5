//===- WarpgroupBlock.h - a block of warpgroups that copy and compute -----------------===//
//
// The first warpgroup copies, the others compute, 64 rows of a product each at a time. Copies are TMA's: a box
// of a tensor map into a stage, whose mbarrier `full` ends a phase when it has landed; `empty` ends one when
// all computing warpgroups are done with it.

#pragma once

#include "KernelFunction.h"
#include "Warpgroup.h"

namespace mlir::mlora {

class WarpgroupBlock {
public:
  static int64_t threads(int64_t consumers) { return (consumers + 1) * Warpgroup::kThreads; }

  /// Of `kernel`, which has `threads(consumers)` threads.
  WarpgroupBlock(KernelFunction &kernel, int64_t consumers);

  /// Who computes on a stage: all warpgroups, or each step's one, which take steps in turn.
  enum class Readers { All, InTurn };
  /// Stages, and their mbarriers. A wait tells a phase from the one before it only: whoever waits for some of an
  /// mbarrier's phases must wait for all of them. Where warpgroups take an odd number of stages in turn, a stage's
  /// phases are one warpgroup's and the other's, and there are as many `full` as two laps have steps.
  struct Ring {
    SwizzledMatrix matrix; ///< of the first stage
    int64_t bytes;         ///< of a stage
    int64_t stages, fulls;
    Value full, empty; ///< the first ones; eight bytes each
  };
  /// A ring's stage in one step.
  struct Stage {
    SwizzledMatrix matrix;
    Value full, empty;
    Value number;              ///< of the stage
    Value parity, emptyParity; ///< of the phases that fill it, and that empty it behind that
  };

  Warpgroup engines;
  const int64_t consumers; ///< warpgroups that compute
  Value consumer;          ///< the number of this warpgroup among them

  // Shared memory, in the order of these calls.
  Value reserve(int64_t bytes);
  SwizzledMatrix matrix(int64_t rows, int64_t columns);
  Value barrier(int64_t arrivals, int64_t count = 1);
  /// Of stages of `bytes`, in tiles of `tileBytes`; `arrivals` fill a stage, beside the bytes of its copies.
  Ring ring(int64_t bytes, int64_t tileBytes, int64_t stages, int64_t arrivals = 1, Readers readers = Readers::All);

  /// A tensor map of a buffer in bf16, and the first column that is meant.
  struct Map {
    Value pointer;
    int64_t first;
  };
  /// With boxes of `boxRows` rows of 64 columns, or 32 or 16, whose swizzle is as wide; `rows`: a number, or the
  /// name of a scalar. A parameter of the kernel behind the others, described by `mlora.tensor_maps`.
  Map tensorMap(const Columns &columns, Attribute rows, int64_t boxRows,
                int64_t boxColumns = SwizzledMatrix::kColumns);

  /// Makes the barriers, then the warpgroups part. `copyRegisters`: of a thread that copies; those that
  /// compute have what is left.
  void specialise(uint32_t copyRegisters, function_ref<void()> copy, function_ref<void()> compute);

  Stage at(const Ring &ring, Value step);
  /// A part of a matrix from row `row` on, a multiple of 8.
  SwizzledMatrix from(const SwizzledMatrix &matrix, Value row);
  SwizzledMatrix ofGroup(const SwizzledMatrix &matrix);

  // By the thread that copies.
  void whenCopying(function_ref<void()> body);
  /// The first phase of all is as if a stage had been emptied before.
  void waitUntilEmpty(const Stage &stage);

  // By the computing warpgroups.
  void waitUntilFull(const Stage &stage) { engines.wait(stage.full, stage.parity); }
  /// This warpgroup is done with the stage.
  void release(const Stage &stage);
  /// The warpgroup's threads wait for each other.
  void meet();
  /// Those of all computing warpgroups do.
  void meetAll();

  /// Shared memory and maps are known.
  void finish();

protected:
  Value leads; ///< of its warpgroup, the first thread

private:
  /// In front of all matrices, which begin at multiples of as much.
  static constexpr int64_t kBarrierBytes = SwizzledMatrix::kAlignment;

  KernelFunction &host;
  int64_t used = kBarrierBytes, usedForBarriers = 0;
  SmallVector<std::pair<Value, int64_t>> barriers; ///< and their arrivals
  SmallVector<Attribute> maps;
};

} // namespace mlir::mlora
