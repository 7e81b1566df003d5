//===- Warpgroup.h - what sm_90a does beside its threads ------------------------------===//
//
// Tensor copies, mbarriers and wgmma: a warpgroup of 128 threads multiplies matrices of shared memory while
// it does something else. PTX ISA, "Asynchronous warpgroup level matrix instructions".

#pragma once

#include "ThreadBuilder.h"

namespace mlir::mlora {

/// bf16 in shared memory as tensor copies write it and wgmma reads it: tiles of 64 columns, whose rows of 128
/// bytes are the span of the swizzle (the 16-byte chunk c of row r lies at c ^ (r & 7)), one behind another.
/// Begins at a multiple of 1024, eight rows. Of tiles of 32 (16) columns rows are 64 (32) bytes, c lies at
/// c ^ (r / 2 & 3) (c ^ (r / 4 & 1)), and the matrix begins at a multiple of 512 (256).
struct SwizzledMatrix {
  Value address;                ///< of the first row that is meant
  int64_t tileBytes;            ///< from a tile to the next
  int64_t rowBytes = kRowBytes; ///< the swizzle's span

  static constexpr int64_t kColumns = 64;     ///< of a tile
  static constexpr int64_t kRowBytes = 128;   ///< of a tile's row
  static constexpr int64_t kAlignment = 1024; ///< of eight rows
};

class Warpgroup {
public:
  static constexpr int64_t kThreads = 128;
  static constexpr int64_t kRows = 64; ///< of a product

  explicit Warpgroup(ThreadBuilder &b) : b(b) {}

  // mbarriers: 8 bytes at an address of shared memory.
  void initialise(Value barrier, int64_t arrivals);
  void publishBarriers() { NVVM::FenceMbarrierInitOp::create(b); }
  void arrive(Value barrier);
  /// Arrives, and makes the phase last until `bytes` more have landed.
  void arriveExpecting(Value barrier, int64_t bytes);
  /// Until the phase of this parity is over.
  void wait(Value barrier, Value parity);

  // Tensor copies, by one thread: the box at (row, column) of a map's tensor. What is outside the tensor is
  // read as zeros and not written.
  void load(Value to, Value map, Value row, Value column, Value barrier);
  void store(Value from, Value map, Value row, Value column);
  /// The stores of this thread so far are a group.
  void commitStores() { NVVM::CpAsyncBulkCommitGroupOp::create(b); }
  /// Until all but the last `groups` of them have read their source.
  void waitForGroups(int64_t groups) { NVVM::CpAsyncBulkWaitGroupOp::create(b, uint32_t(groups), b.getUnitAttr()); }
  /// Until the stores of this thread have read their source.
  void waitForStores();
  /// What ordinary stores wrote so far may be read by tensor copies and wgmma, behind the next barrier.
  void publishStores();

  /// A barrier of the block's `number`, for the threads of one warpgroup, or so many.
  void meet(Value number, int64_t threads = kThreads);
  /// Registers a thread from here on; all of the warpgroup say so.
  void giveUpRegisters(uint32_t count);
  void takeRegisters(uint32_t count);

  // Products. Sums are a struct, in flight from a product to the wait behind which `read` makes values of
  // them; WgmmaRegisters.cpp sees to it that nothing touches them between. A struct is 64 rows of 8·n
  // columns.
  void fence() { NVVM::WgmmaFenceAlignedOp::create(b); }
  void commit() { NVVM::WgmmaGroupSyncAlignedOp::create(b); }
  /// Until all but the last `groups` committed groups are done.
  void waitForProducts(int64_t groups) { NVVM::WgmmaWaitGroupSyncOp::create(b, uint64_t(groups)); }
  /// a · bᵀ: 64 rows of `a`, `columns` rows of `b`, both `depth` wide.
  Value multiplyTransposed(const SwizzledMatrix &a, const SwizzledMatrix &b, int64_t columns, int64_t depth);
  /// sums + a · bᵀ
  Value multiplyTransposed(ArrayRef<Quad> sums, const SwizzledMatrix &a, const SwizzledMatrix &b, int64_t columns,
                           int64_t depth);
  /// sums + a · b: 64 rows of `a`, `depth` wide; `depth` rows of `b`, `columns` wide.
  Value multiply(ArrayRef<Quad> sums, const SwizzledMatrix &a, const SwizzledMatrix &b, int64_t columns,
                 int64_t depth);
  /// sums + aᵀ · b: `depth` rows of `a`, 64 columns wide, and of `b`, `columns` wide.
  Value multiplyColumns(ArrayRef<Quad> sums, const SwizzledMatrix &a, const SwizzledMatrix &b, int64_t columns,
                        int64_t depth);
  /// sums + aᵀ · bᵀ: `depth` rows of `a`, 64 columns wide; `columns` rows of `b`, `depth` wide.
  Value multiplyColumnsTransposed(ArrayRef<Quad> sums, const SwizzledMatrix &a, const SwizzledMatrix &b,
                                  int64_t columns, int64_t depth);
  /// Quads of eight columns.
  SmallVector<Quad> read(Value sums);

private:
  Value pointer(Value address) { return b.toPointer(address); }
  Value descriptor(const SwizzledMatrix &matrix, int64_t leading);
  /// Sums, or what `first` leaves of them, + a · bᵀ.
  Value addTransposed(Value sums, NVVM::WGMMAScaleOut first, const SwizzledMatrix &a, const SwizzledMatrix &b,
                      int64_t columns, int64_t depth);
  /// Sums as products take them.
  Value structOf(ArrayRef<Quad> quads, int64_t columns);
  Value step(Value sums, Value a, Value bDescriptor, int64_t columns, NVVM::WGMMAScaleOut accumulate,
             NVVM::MMALayout layoutA, NVVM::MMALayout layoutB);

  ThreadBuilder &b;
};

/// Makes LLVM keep its hands off sums in flight: reads of a wgmma's sums wait for the wgmma.wait_group in
/// front of them. Before nvvm.wgmma ops become inline PTX; an error where a read has no wait in front of it.
LogicalResult holdSumsUntilWait(Operation *kernels);

} // namespace mlir::mlora
