//===- ThreadBuilder.cpp - what one thread of a kernel does ---------------------------===//

#include "ThreadBuilder.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace mlir::mlora;

//===- Reals ------------------------------------------------------------------------===//

Value ThreadBuilder::approximate(StringRef intrinsic, Value a) {
  return LLVM::CallIntrinsicOp::create(*this, getF32Type(), getStringAttr(intrinsic), ValueRange{a})
      .getResult(0);
}

Value ThreadBuilder::pack(Value low, Value high) {
  auto pair = VectorType::get({2}, getF32Type());
  Value both = LLVM::UndefOp::create(*this, pair);
  both = LLVM::InsertElementOp::create(*this, both, low, number(0));
  both = LLVM::InsertElementOp::create(*this, both, high, number(1));
  Value rounded = LLVM::FPTruncOp::create(*this, VectorType::get({2}, getBF16Type()), both);
  return LLVM::BitcastOp::create(*this, getI32Type(), rounded);
}

std::pair<Value, Value> ThreadBuilder::unpack(Value pair) {
  Value low = LLVM::BitcastOp::create(*this, getF32Type(), left(pair, 16));
  Value high = LLVM::BitcastOp::create(*this, getF32Type(), bitAnd(pair, number(0xffff0000)));
  return {low, high};
}

Value ThreadBuilder::dot(Value x, Value y, Value sum) {
  for (int64_t i = 0; i < 4; ++i) {
    auto [x0, x1] = unpack(LLVM::ExtractElementOp::create(*this, x, number(i)));
    auto [y0, y1] = unpack(LLVM::ExtractElementOp::create(*this, y, number(i)));
    sum = fma(x1, y1, fma(x0, y0, sum));
  }
  return sum;
}

//===- Control flow -------------------------------------------------------------------===//

Values ThreadBuilder::loop(Value from, Value to, int64_t step, ValueRange start,
                           function_ref<Values(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(*this, from, to, number(step), start);
  InsertionGuard guard(*this);
  if (start.empty()) {
    setInsertionPoint(op.getBody()->getTerminator());
    body(op.getInductionVar(), {});
    return {};
  }
  setInsertionPointToEnd(op.getBody());
  scf::YieldOp::create(*this, body(op.getInductionVar(), op.getRegionIterArgs()));
  return op.getResults();
}

void ThreadBuilder::when(Value condition, function_ref<void()> body) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  InsertionGuard guard(*this);
  setInsertionPoint(op.thenBlock()->getTerminator());
  body();
}

Values ThreadBuilder::when(Value condition, ValueRange otherwise, function_ref<Values()> body) {
  auto op = scf::IfOp::create(*this, otherwise.getTypes(), condition, /*addThenBlock=*/true,
                              /*addElseBlock=*/true);
  InsertionGuard guard(*this);
  setInsertionPointToEnd(op.thenBlock());
  scf::YieldOp::create(*this, body());
  setInsertionPointToEnd(op.elseBlock());
  scf::YieldOp::create(*this, otherwise);
  return op.getResults();
}

//===- Memory -----------------------------------------------------------------------===//

Value ThreadBuilder::toPointer(Value address) {
  if (!address.getType().isInteger())
    return address;
  return LLVM::IntToPtrOp::create(*this, LLVM::LLVMPointerType::get(getContext(), 3), address);
}

Value ThreadBuilder::at(Value pointer, Value bytes) {
  if (pointer.getType().isInteger())
    return plus(pointer, bytes);
  return LLVM::GEPOp::create(*this, pointer.getType(), getI8Type(), pointer, ValueRange{bytes});
}

Value ThreadBuilder::at(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  if (pointer.getType().isInteger())
    return plus(pointer, bytes);
  return LLVM::GEPOp::create(*this, pointer.getType(), getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{int32_t(bytes)});
}

Value ThreadBuilder::atRow(Value pointer, Value row, int64_t stride) {
  if (pointer.getType().isInteger())
    return plus(pointer, times(row, stride));
  Value wide = arith::ExtSIOp::create(*this, getI64Type(), row);
  return at(pointer,
            createOrFold<arith::MulIOp>(wide, arith::ConstantIntOp::create(*this, getI64Type(), stride)));
}

static unsigned bytesOf(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return (vector ? vector.getNumElements() * vector.getElementTypeBitWidth() : type.getIntOrFloatBitWidth()) /
         8;
}

Value ThreadBuilder::load(Type type, Value pointer) {
  return LLVM::LoadOp::create(*this, type, toPointer(pointer), bytesOf(type));
}

void ThreadBuilder::store(Value value, Value pointer) {
  LLVM::StoreOp::create(*this, value, toPointer(pointer), bytesOf(value.getType()));
}

void ThreadBuilder::copyAsync(Value to, int64_t offset, Value from, int64_t bytes, Value isThere) {
  // Past L1 where that is possible: whatever is shared by blocks is shared in L2.
  auto cache = bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  Value count = isThere ? choose(isThere, number(bytes), number(0)) : Value();
  NVVM::CpAsyncOp::create(*this, at(toPointer(to), offset), from, uint32_t(bytes), cache, count);
}

void ThreadBuilder::copyAsyncPart(Value to, int64_t offset, Value from, Value count) {
  NVVM::CpAsyncOp::create(*this, at(toPointer(to), offset), from, 16, NVVM::LoadCacheModifierKind::CG, count);
}

void ThreadBuilder::barrier() { gpu::BarrierOp::create(*this); }

//===- Warps ------------------------------------------------------------------------===//

Value ThreadBuilder::shuffle(Value value, NVVM::ShflKind kind, int64_t lane) {
  return NVVM::ShflOp::create(*this, value.getType(), allLanes(), value, number(lane), number(31), kind,
                              UnitAttr());
}

Value ThreadBuilder::overQuad(Value value, function_ref<Value(Value, Value)> combine) {
  for (int64_t distance : {1, 2})
    value = combine(value, shuffle(value, NVVM::ShflKind::bfly, distance));
  return value;
}

Quad ThreadBuilder::loadMatrices(Value address, int64_t offset, bool isTransposed) {
  Value pointer = at(toPointer(address), offset); // `offset` is part of the instruction
  Type i32 = getI32Type();
  auto type = LLVM::LLVMStructType::getLiteral(getContext(), {i32, i32, i32, i32});
  auto layout = isTransposed ? NVVM::MMALayout::col : NVVM::MMALayout::row;
  auto shape = NVVM::LdStMatrixShapeAttr::get(getContext(), 8, 8);
  Value all = NVVM::LdMatrixOp::create(*this, type, pointer, 4, layout, shape, NVVM::LdStMatrixEltType::B16);
  Quad registers;
  for (auto [i, value] : llvm::enumerate(registers))
    value = LLVM::ExtractValueOp::create(*this, all, int64_t(i));
  return registers;
}

void ThreadBuilder::storeMatrices(Value address, int64_t offset, const Quad &registers, bool isTransposed) {
  auto shape = NVVM::LdStMatrixShapeAttr::get(getContext(), 8, 8);
  auto layout = isTransposed ? NVVM::MMALayout::col : NVVM::MMALayout::row;
  NVVM::StMatrixOp::create(*this, at(toPointer(address), offset), ValueRange(registers), layout, shape,
                           NVVM::LdStMatrixEltType::B16);
}

void ThreadBuilder::multiplyAdd(Quad &sums, const Quad &a, Value b0, Value b1) {
  Type f32 = getF32Type();
  auto type = LLVM::LLVMStructType::getLiteral(getContext(), {f32, f32, f32, f32});
  std::array<NVVM::MMATypes, 2> types = {NVVM::MMATypes::bf16, NVVM::MMATypes::bf16};
  std::array<NVVM::MMALayout, 2> layouts = {NVVM::MMALayout::row, NVVM::MMALayout::col};
  Value all = NVVM::MmaOp::create(*this, type, ValueRange(a), ValueRange{b0, b1}, ValueRange(sums),
                                  {16, 8, 16}, std::nullopt, std::nullopt, types, layouts);
  for (auto [i, value] : llvm::enumerate(sums))
    value = LLVM::ExtractValueOp::create(*this, all, int64_t(i));
}

Quad ThreadBuilder::zeros() {
  Value zero = real(0);
  return {zero, zero, zero, zero};
}

//===- Lists ------------------------------------------------------------------------===//

void mlir::mlora::append(Values &list, ArrayRef<Quad> quads) {
  for (const Quad &quad : quads)
    llvm::append_range(list, quad);
}

Values mlir::mlora::take(ValueRange &list, size_t count) {
  Values taken(list.take_front(count));
  list = list.drop_front(count);
  return taken;
}

SmallVector<Quad> mlir::mlora::takeQuads(ValueRange &list, size_t count) {
  SmallVector<Quad> quads(count);
  for (Quad &quad : quads)
    llvm::copy(take(list, 4), quad.begin());
  return quads;
}
