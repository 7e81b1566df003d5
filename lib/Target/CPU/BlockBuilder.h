//===- BlockBuilder.h - builds one kernel's block --------------------------------===//
//
// The body of a kernel reads as if it ran on whole tensors; what is built here runs on one block of the grid.
// Row-wise ops see *blocks* (views of the block's rows, of an operand, a result or scratch), others see
// *whole* buffers. All arithmetic is in f32, and so is scratch: bf16 is widened when it is loaded and rounded
// when it is stored, once an element of a result.

#pragma once

#include "mlora/Dialect/MLora.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::mlora {

/// Indices of the `scalars` argument (docs/architecture.md).
enum Scalar { kRows, kCountedRows, kKvRows, kAccumulate, kNumScalars };

/// The run-time scalar of that name.
std::optional<Scalar> findScalar(StringRef name);

/// What a block works on, in the function that is built: memory of the kernel's operands and results, the
/// run-time scalars, the thread's scratch and the block's number.
struct BlockMemory {
  func::FuncOp function;
  SmallVector<Value> operands, results;
  Value scalars, scratch, block;

  /// A function of these buffers, the others behind them, and what of it is known so far.
  static BlockMemory makeFunction(OpBuilder &builder, Operation *kernel, ArrayRef<MemRefType> buffers,
                                  ArrayAttr grid);
  ArrayRef<BlockArgument> buffers() { return function.getArguments().drop_back(3); }
  /// Where memory of a tensor is its rows one behind another.
  static MemRefType rowByRow(Type tensor);
};

/// How a target wants its blocks cut.
struct BlockShape {
  int64_t keyChunk;      ///< keys that a block of attention takes at once
  int64_t stripeColumns; ///< what cuts columns cuts them at multiples of it
};

class BlockBuilder : public ImplicitLocOpBuilder {
public:
  /// Decodes the block where `at` inserts, and builds there.
  BlockBuilder(KernelOp kernel, const BlockMemory &memory, const OpBuilder &at, const BlockShape &shape);

  KernelOp kernel;
  func::FuncOp function;
  SmallVector<KernelOp::GridDimension> grid;
  SmallVector<Value> position;   ///< the block's index in each grid dimension
  Value block;                   ///< the block's number
  Value tile;                    ///< number of the block within a tiled op (`mlora.tiles`)
  int64_t numTiles = 0;          ///< of that op
  Value first, count;            ///< the block's rows along the grid's last dimension
  int64_t blockRows = 1;         ///< at most so many
  BlockShape shape;
  DenseMap<Value, Value> logits; ///< lse of a cross_entropy: its logits, for the gradient in the same kernel
  bool hasFailed = false;

  /// Reports an unsupported use; building goes on with placeholders.
  void fail(Operation *op, const Twine &message);

  // Memory.
  Value in(Value value);          ///< the block's rows of an operand or of a value computed before
  Value out(Value value);         ///< where the block's rows of a result go
  Value whole(Value value);       ///< all of an operand
  /// All of a weight as it lies in memory: values, or bytes of blocks of a format.
  struct Weight {
    Value memory;
    StringAttr format; ///< null: values
  };
  Weight weight(Value value);
  Value wholeResult(Value value); ///< all of the result buffer of a yielded value
  bool isResult(Value value) { return resultIndex(value).has_value(); } ///< whether the kernel yields it
  bool isComputedIn(Value value, JoinOp join);   ///< whether `value` is written straight into its columns
  bool isComputedIn(Value value, PlaceOp place); ///< whether `value` is written straight into its window
  Value windowOf(PlaceOp place);                 ///< where the block's rows of the part go
  Value rowBlock(Value memory);                  ///< rows [first, first + count) of a buffer
  Value scratch(ArrayRef<int64_t> shape, Type element = {}, bool keep = false); ///< block-local memory
  Value rowScratch(ArrayRef<int64_t> features = {},
                   bool keep = false); ///< the same, with the block's rows in front
  Value view(Value memory, ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes);
  Value columns(Value memory, int64_t from, int64_t size);
  /// Where sums that end up in the block's rows `result` are built by more than one product: there, or in
  /// scratch where that would round them each time. `storeSums` is their end.
  Value sumsFor(Value result);
  void storeSums(Value sums, Value result);
  Value scalarView(Value memory, int64_t index); ///< element `index` of a vector, as a rank-0 memref
  Value split(Value memory, int64_t outer, int64_t inner); ///< the last dimension as two
  void release();                                          ///< temporaries of the op just built
  void release(Value value);                               ///< scratch of a value without further use
  int64_t getScratchBytes() const { return scratchBytes; }

  // Extents.
  Value scalar(Scalar which) { return scalars[which]; }
  Value rowsOf(Value value, Scalar fallback); ///< the first dimension of an operand

  // Gradients are overwritten, or added to in later micro-batches and always in a kernel with
  // `mlora.accumulate`.
  Value beta(); ///< 0 or 1
  void clearUnlessAccumulating(Value memory);

  // Index arithmetic.
  Value index(int64_t value) { return arith::ConstantIndexOp::create(*this, value); }
  Value plus(Value a, Value b) { return createOrFold<arith::AddIOp>(a, b); }
  Value minus(Value a, Value b) { return createOrFold<arith::SubIOp>(a, b); }
  Value times(Value a, int64_t b) { return createOrFold<arith::MulIOp>(a, index(b)); }
  Value over(Value a, int64_t b) { return createOrFold<arith::DivUIOp>(a, index(b)); }
  Value least(Value a, Value b) { return createOrFold<arith::MinSIOp>(a, b); }
  Value most(Value a, Value b) { return createOrFold<arith::MaxSIOp>(a, b); }
  Value less(Value a, Value b) { return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, a, b); }
  Value equal(Value a, Value b) { return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, a, b); }
  Value choose(Value condition, Value a, Value b) { return createOrFold<arith::SelectOp>(condition, a, b); }
  Value loadIndex(Value memory, ValueRange at);

  // Float arithmetic.
  Value real(double value) { return arith::ConstantOp::create(*this, getF32FloatAttr(value)); }
  Value add(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
  Value sub(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
  Value mul(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
  Value div(Value a, Value b) { return arith::DivFOp::create(*this, a, b); }
  Value neg(Value a) { return arith::NegFOp::create(*this, a); }
  Value exp(Value a) { return math::ExpOp::create(*this, a); }
  Value log(Value a) { return math::LogOp::create(*this, a); }
  Value sqrt(Value a) { return math::SqrtOp::create(*this, a); }
  Value maximum(Value a, Value b);
  /// bf16 as f32, other types as they are; and back.
  Value widen(Value value);
  Value narrow(Value value, Type type);
  Value load(Value memory, ValueRange at) { return widen(memref::LoadOp::create(*this, memory, at)); }
  void store(Value value, Value memory, ValueRange at);

  // Control.
  void loop(Value from, Value to, int64_t step, function_ref<void(Value)> body);
  void when(Value condition, function_ref<void()> body);
  /// A loop (or nest) whose iterations are independent: on a GPU, threads or warps share them.
  void parallel(ArrayRef<Value> counts, function_ref<void(ValueRange)> body);
  void parallel(Value count, function_ref<void(Value)> body) {
    parallel(ArrayRef(count), [&](ValueRange at) { body(at.front()); });
  }

  // Work on blocks.
  struct Operand {
    Value memory;
    SmallVector<unsigned, 3> dims; ///< which loops index it
  };
  using Body = function_ref<SmallVector<Value>(ValueRange)>;
  /// `outs[...] = body(ins[...], outs[...])` for every index of `loops` loops, all parallel.
  void each(unsigned loops, ArrayRef<Operand> ins, ArrayRef<Operand> outs, Body body);
  /// The same where the innermost loop is a reduction into outs.
  void reduce(unsigned loops, ArrayRef<Operand> ins, ArrayRef<Operand> outs, Body body);
  void fill(Value memory, double value);
  void copy(Value from, Value to);
  /// `c = alpha · op(a) op(b) + beta · c`.
  void gemm(Value a, Value b, Value c, Value alpha, Value beta, bool transposeA = false,
            bool transposeB = false, StringAttr format = {});
  void gemm(Value a, Value b, Value c, double beta = 0) { gemm(a, b, c, real(1), real(beta)); }
  void gemmTransposed(Value a, Value b, Value c, double beta = 0) {
    gemm(a, b, c, real(1), real(beta), false, true);
  }
  void gemmTransposed(Value a, Weight b, Value c) {
    gemm(a, b.memory, c, real(1), real(0), false, true, b.format);
  }

  /// Results that the kernel yields a second time, or operands that it yields, are copied.
  void finish();

private:
  struct Allocation {
    int64_t offset, bytes;
    Value value; ///< released when it has no further use; null: a temporary or kept
    bool keep;
  };
  Value placeholder(Type type);
  std::optional<unsigned> resultIndex(Value value);
  void generic(unsigned loops, ArrayRef<Operand> ins, ArrayRef<Operand> outs, bool reduceInnermost,
               Body body);

  SmallVector<Value> scalars, operands, results;
  Value scratchArgument;
  DenseMap<Value, Value> locals;       ///< values in scratch
  SmallVector<Allocation> allocations; ///< live, by offset
  int64_t scratchBytes = 0;
};

/// Builds one op's part of the block.
using BlockEmitter = void (*)(BlockBuilder &, Operation *);
using BlockEmitters = llvm::StringMap<BlockEmitter>;

/// Adds a typed emitter to the table of ops.
template <auto emit, typename OpTy> void addEmitter(BlockEmitters &table) {
  table[OpTy::getOperationName()] = [](BlockBuilder &b, Operation *op) { emit(b, cast<OpTy>(op)); };
}

void addRowEmitters(BlockEmitters &table);       ///< norms, linear layers, activations, row moves
void addRopeEmitters(BlockEmitters &table);      ///< rotary embedding and its table
void addParameterEmitters(BlockEmitters &table); ///< factors, their gradients, optimizer, merge
void addAttentionEmitters(BlockEmitters &table);
void addOuterEmitters(BlockEmitters &table); ///< sums over tokens, cut into tiles
void addHeadEmitters(BlockEmitters &table);  ///< cross-entropy, the embedding's gradient
void addLossEmitters(BlockEmitters &table);  ///< the loss of logits, and its gradient
void addTotalEmitters(BlockEmitters &table); ///< sums of one block

/// Whether `mlora.tiles` says how many blocks the op is cut into: a sum over tokens, a linear layer cut into
/// columns.
bool isTiled(Operation *op);

} // namespace mlir::mlora
