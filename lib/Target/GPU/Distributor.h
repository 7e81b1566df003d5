//===- Distributor.h - shares a block's work among its threads -----------------------===//

#pragma once

#include "PendingAccesses.h"
#include "ProductSchedules.h"
#include "mlora/Dialect/MLora.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::mlora {

constexpr int64_t kWarp = 32;

/// What LLVM shall do with a loop, on an scf.for.
constexpr StringLiteral kLoopAnnotation = "llvm.loop_annotation";

/// Registers are for sums: a loop that is not unrolled, by LLVM or ptxas.
void keepRolled(scf::ForOp loop);

/// How often each loop of an op runs, as a constant where any operand tells.
SmallVector<Value> loopSizes(ImplicitLocOpBuilder &b, linalg::GenericOp op);

/// Elements that a thread has at a time: at most 16 bytes of any operand, none of them across the end of a row.
int64_t widthOf(linalg::GenericOp op, Value columns);

/// A number as a vector of equal ones.
Value spread(ImplicitLocOpBuilder &b, Value value, int64_t width);

/// Threads that do an operation together.
struct Team {
  enum Level { Block, Warp, Thread } level;
  Value rank; ///< a thread's number in its team
  int64_t size;
};

/// Rewrites the operations of a kernel's body, which says what the block does, into what each thread does.
/// Whatever steers loops and branches is the same for all threads of a team.
class Distributor {
public:
  /// `tiles` is shared memory for those of products; null where the kernel has none. A thread works on `atOnce` places at
  /// once: it asks for what all of them read before it waits for any of it.
  Distributor(gpu::GPUFuncOp kernel, int64_t threads, int64_t atOnce, Value tiles,
              const DenseMap<Operation *, ProductSchedule> &products);
  LogicalResult run();
  /// The most elements that a thread had at a time.
  int64_t widestAccess() const { return widest; }

  /// Bytes of shared memory for the tiles of a product by the general schedule.
  static int64_t generalTileBytes();
  /// The threads that products are written for.
  static constexpr int64_t kThreads = 128;
  /// Places at once. Beside a product there are few blocks, with more registers a thread; in joined launches there are
  /// the pointers of all parts: with four, ptxas spilled 100 bytes for an optimizer of five branches.
  static constexpr int64_t kAtOnce = 4, kAtOnceBesideProduct = 8, kAtOnceInJoined = 1;
  /// Blocks whose registers a multiprocessor holds at once, so that a thread has up to 128.
  static constexpr int64_t kResidentBlocks = 4;

private:
  friend class RowLane;
  LogicalResult distribute(Block &block, const Team &team);
  LogicalResult distribute(Operation *op, const Team &team);
  LogicalResult distribute(linalg::GenericOp op, const Team &team);
  LogicalResult distribute(GemmOp op, const Team &team);
  LogicalResult distribute(scf::ForallOp op, const Team &team);
  LogicalResult distribute(memref::StoreOp op, const Team &team);

  // Order between threads.
  void synchronise(const Team &team);
  /// In front of these accesses the team meets where one of them has to wait for what threads did before.
  void access(ArrayRef<PendingAccesses::Access> accesses, const Team &team);
  /// Whatever comes next, nothing is pending.
  void settle(const Team &team);

  // Elements of a linalg op (DistributeElements.cpp), `width` of the innermost loop at a time.
  void elements(linalg::GenericOp op, ArrayRef<Value> sizes, int64_t width, const Team &team);
  void elementsAt(linalg::GenericOp op, ArrayRef<SmallVector<Value>> places, int64_t width);
  void elementsOfRows(linalg::GenericOp op, ArrayRef<Value> sizes, Value first, int64_t columns, int64_t width,
                      int64_t step);
  LogicalResult reduction(linalg::GenericOp op, ArrayRef<Value> sizes, int64_t width, const Team &team);
  /// Sums of lanes, of vectors, become the warp's; a lane alone folds its vectors.
  void foldVectors(MutableArrayRef<Value> sums, ArrayRef<Operation *> combiners, int64_t width);
  void foldWarp(MutableArrayRef<Value> sums, ArrayRef<Operation *> combiners);
  SmallVector<Value> indices(linalg::GenericOp op, OpOperand &operand, ArrayRef<Value> at);
  /// What an operand has at `at`, a vector where it goes along the innermost loop; and the other way.
  Value load(linalg::GenericOp op, OpOperand &operand, ArrayRef<Value> at, int64_t width);
  void store(linalg::GenericOp op, OpOperand &operand, Value value, ArrayRef<Value> at, int64_t width);
  /// The body at `at`, of numbers or vectors, on the memory operands that `read` gives.
  SmallVector<Value> body(linalg::GenericOp op, ArrayRef<Value> at, int64_t width,
                          function_ref<Value(OpOperand &)> read);

  // Ops over the same rows (DistributeRows.cpp).
  SmallVector<linalg::GenericOp> rowGroup(linalg::GenericOp first);
  void rowsTogether(ArrayRef<linalg::GenericOp> group);

  // Products.
  void stage(Value memory, bool isRowMajor, Value tile, Value first, Value depth, Value rows, Value columns,
             int64_t tileRows);

  /// Gives a value that has no name, and is more than a number, one to print.
  static Value named(Value value, StringRef name);
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value plus(Value a, Value c) { return b.createOrFold<arith::AddIOp>(a, c); }
  Value times(Value a, Value c) { return b.createOrFold<arith::MulIOp>(a, c); }
  Value over(Value a, Value c) { return b.createOrFold<arith::DivUIOp>(a, c); }
  Value rest(Value a, Value c) { return b.createOrFold<arith::RemUIOp>(a, c); }
  Value less(Value a, Value c) { return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, a, c); }
  Value product(ArrayRef<Value> sizes);
  SmallVector<Value> delinearize(Value position, ArrayRef<Value> sizes);
  Value constant(TypedAttr value) { return arith::ConstantOp::create(b, value); }
  /// Whether nobody writes it while the kernel runs: the run-time scalars.
  bool isConstant(Value memory);
  void loop(StringRef variable, Value from, Value to, int64_t step, function_ref<void(Value)> body);
  void when(Value condition, function_ref<void()> body);

  gpu::GPUFuncOp kernel;
  ImplicitLocOpBuilder b;
  Value tiles;
  const DenseMap<Operation *, ProductSchedule> &products;
  int64_t atOnce;
  Team block, warp; ///< of this thread
  Value warpNumber;
  int64_t warps;
  PendingAccesses pending;
  int64_t widest = 1;
};

} // namespace mlir::mlora
