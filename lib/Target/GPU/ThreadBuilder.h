//===- ThreadBuilder.h - what one thread of a kernel does -----------------------------===//
//
// Integers have 32 bits (64 cost twice the registers); offsets of memory are bytes. Matrix operations are a
// warp's.

#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <array>

namespace mlir::mlora {

/// Four registers: what ldmatrix gives, an operand A of mma (bf16 pairs), or 16x8 sums (f32). Of the sums a
/// lane holds row lane / 4, columns 2 · (lane % 4) and the next, then the same columns of row + 8.
using Quad = std::array<Value, 4>;
using Values = SmallVector<Value>;

class ThreadBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // Integers.
  Value number(int64_t value) { return arith::ConstantIntOp::create(*this, getI32Type(), value); }
  Value plus(Value a, Value c) { return createOrFold<arith::AddIOp>(a, c); }
  Value minus(Value a, Value c) { return createOrFold<arith::SubIOp>(a, c); }
  Value times(Value a, Value c) { return createOrFold<arith::MulIOp>(a, c); }
  Value over(Value a, Value c) { return createOrFold<arith::DivUIOp>(a, c); }
  Value rest(Value a, Value c) { return createOrFold<arith::RemUIOp>(a, c); }
  Value bitAnd(Value a, Value c) { return createOrFold<arith::AndIOp>(a, c); }
  Value bitXor(Value a, Value c) { return createOrFold<arith::XOrIOp>(a, c); }
  Value left(Value a, int64_t bits) { return createOrFold<arith::ShLIOp>(a, number(bits)); }
  Value right(Value a, int64_t bits) { return createOrFold<arith::ShRUIOp>(a, number(bits)); }
  Value plus(Value a, int64_t c) { return plus(a, number(c)); }
  Value minus(Value a, int64_t c) { return minus(a, number(c)); }
  Value times(Value a, int64_t c) { return times(a, number(c)); }
  Value over(Value a, int64_t c) { return over(a, number(c)); }
  Value rest(Value a, int64_t c) { return rest(a, number(c)); }
  Value least(Value a, Value c) { return createOrFold<arith::MinSIOp>(a, c); }
  Value most(Value a, Value c) { return createOrFold<arith::MaxSIOp>(a, c); }
  Value compare(arith::CmpIPredicate how, Value a, Value c) { return createOrFold<arith::CmpIOp>(how, a, c); }
  Value less(Value a, Value c) { return compare(arith::CmpIPredicate::slt, a, c); }
  Value atMost(Value a, Value c) { return compare(arith::CmpIPredicate::sle, a, c); }
  Value both(Value a, Value c) { return createOrFold<arith::AndIOp>(a, c); }
  Value either(Value a, Value c) { return createOrFold<arith::OrIOp>(a, c); }
  Value choose(Value condition, Value a, Value c) { return createOrFold<arith::SelectOp>(condition, a, c); }

  // Reals (f32).
  Value real(double value) { return arith::ConstantOp::create(*this, getF32FloatAttr(value)); }
  Value add(Value a, Value c) { return arith::AddFOp::create(*this, a, c); }
  Value subtract(Value a, Value c) { return arith::SubFOp::create(*this, a, c); }
  Value multiply(Value a, Value c) { return arith::MulFOp::create(*this, a, c); }
  Value larger(Value a, Value c) { return LLVM::MaxNumOp::create(*this, a, c); }
  Value negate(Value a) { return arith::NegFOp::create(*this, a); }
  /// a · c + d, rounded once
  Value fma(Value a, Value c, Value d) { return LLVM::FMAOp::create(*this, a, c, d); }
  Value exp2(Value a) { return approximate("llvm.nvvm.ex2.approx.ftz.f", a); }
  Value log2(Value a) { return approximate("llvm.nvvm.lg2.approx.ftz.f", a); }
  Value reciprocal(Value a) { return NVVM::RcpApproxFtzF32Op::create(*this, getF32Type(), a); }
  /// Two values, rounded to bf16, as one register; the first is the lower half.
  Value pack(Value low, Value high);
  /// The two bf16 of a register as f32.
  std::pair<Value, Value> unpack(Value pair);
  /// sum + Σ x·y over eight bf16 each, four registers
  Value dot(Value x, Value y, Value sum);

  // Control flow; whatever steers it is the same for all lanes of a warp, unless nothing in it is a warp's.
  Values loop(Value from, Value to, int64_t step, ValueRange start,
              function_ref<Values(Value, ValueRange)> body);
  void when(Value condition, function_ref<void()> body);
  /// What the body gives, or `otherwise`.
  Values when(Value condition, ValueRange otherwise, function_ref<Values()> body);

  // Memory: a pointer of global memory, or an address of shared memory, a number of 32 bits.
  Value at(Value pointer, Value bytes);
  Value at(Value pointer, int64_t bytes);
  /// Row `row` of `stride` bytes each, in 64 bits: buffers are larger than 4 GiB.
  Value atRow(Value pointer, Value row, int64_t stride);
  /// Of shared memory: a pointer for an address; a pointer stays.
  Value toPointer(Value address);
  Value load(Type type, Value pointer);
  void store(Value value, Value pointer);
  /// Shared memory from global memory, `bytes` of it (4 or 16): zeros where `isThere` is false. To `offset`
  /// behind `to`.
  void copyAsync(Value to, int64_t offset, Value from, int64_t bytes, Value isThere);
  /// 16 bytes of shared memory, of which the first `count` come from global memory and the others are zeros.
  void copyAsyncPart(Value to, int64_t offset, Value from, Value count);
  void commitCopies() { NVVM::CpAsyncCommitGroupOp::create(*this); }
  /// All groups but the last `groups` of this thread have landed.
  void waitForCopies(int64_t groups) { NVVM::CpAsyncWaitGroupOp::create(*this, uint32_t(groups)); }
  void barrier();

  // Warps.
  Value allLanes() { return number(-1); }
  void synchroniseWarp() { NVVM::SyncWarpOp::create(*this, allLanes()); }
  Value shuffle(Value value, NVVM::ShflKind kind, int64_t lane);
  /// Over the four lanes that hold a row of sums.
  Value overQuad(Value value, function_ref<Value(Value, Value)> combine);
  /// Lane i names row i % 8 of matrix i / 8, `offset` bytes behind `address`.
  Quad loadMatrices(Value address, int64_t offset, bool isTransposed);
  /// The other way (sm_90).
  void storeMatrices(Value address, int64_t offset, const Quad &registers, bool isTransposed = false);
  /// sums += a · [b0; b1]: 16x16 times 16x8, bf16 with f32 sums.
  void multiplyAdd(Quad &sums, const Quad &a, Value b0, Value b1);
  Quad zeros();

private:
  Value approximate(StringRef intrinsic, Value a);
};

/// Values of loops and branches are lists.
void append(Values &list, ArrayRef<Quad> quads);
SmallVector<Quad> takeQuads(ValueRange &list, size_t count);
Values take(ValueRange &list, size_t count);

} // namespace mlir::mlora
