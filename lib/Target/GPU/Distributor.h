//===- Distributor.h - shares a block's work among its threads -----------------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::mlora {

constexpr int64_t kWarp = 32;

/// What LLVM shall do with a loop, on an scf.for.
constexpr StringLiteral kLoopAnnotation = "llvm.loop_annotation";

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
  /// `shared` holds the tiles of products; null where the kernel has none.
  Distributor(gpu::GPUFuncOp kernel, int64_t threads, Value tiles);
  LogicalResult run();

  /// Bytes of shared memory for the tiles of products.
  static int64_t tileBytes();
  /// The threads that products are written for.
  static constexpr int64_t kThreads = 128;
  /// Blocks whose registers a multiprocessor holds at once, so that a thread has up to 128.
  static constexpr int64_t kResidentBlocks = 4;

private:
  LogicalResult distribute(Block &block, const Team &team);
  LogicalResult distribute(Operation *op, const Team &team);
  LogicalResult distribute(linalg::GenericOp op, const Team &team);
  LogicalResult distribute(GemmOp op, const Team &team);
  LogicalResult distribute(scf::ForallOp op, const Team &team);
  LogicalResult distribute(memref::StoreOp op, const Team &team);

  // Order between threads.
  void synchronise(const Team &team);
  /// What other threads may still read is not to be written yet.
  void beforeWrite(const Team &team);

  // Elements of a linalg op.
  void elements(linalg::GenericOp op, ArrayRef<Value> sizes, const Team &team);
  LogicalResult reduction(linalg::GenericOp op, ArrayRef<Value> sizes, const Team &team);
  SmallVector<Value> indices(linalg::GenericOp op, OpOperand &operand, ArrayRef<Value> at);
  /// The body at `at`; values of the outputs that were there before are loaded where `before` is empty.
  SmallVector<Value> body(linalg::GenericOp op, ArrayRef<Value> at, ValueRange before);

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
  /// Whether nobody writes it while the kernel runs: the run-time scalars.
  bool isConstant(Value memory);
  void loop(StringRef variable, Value from, Value to, int64_t step, function_ref<void(Value)> body);
  void when(Value condition, function_ref<void()> body);

  gpu::GPUFuncOp kernel;
  ImplicitLocOpBuilder b;
  Value tiles;
  Team block, warp; ///< of this thread
  Value warpNumber;
  int64_t warps;
  bool isRead = false; ///< threads have read, for themselves, since they last met
};

} // namespace mlir::mlora
