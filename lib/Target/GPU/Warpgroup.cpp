//===- Warpgroup.cpp - what sm_90a does beside its threads ----------------------------===//

#include "Warpgroup.h"

using namespace mlir;
using namespace mlir::mlora;

//===- mbarriers ----------------------------------------------------------------------===//

void Warpgroup::initialise(Value barrier, int64_t arrivals) {
  NVVM::MBarrierInitOp::create(b, pointer(barrier), b.number(arrivals), /*predicate=*/Value());
}

void Warpgroup::arrive(Value barrier) {
  NVVM::MBarrierArriveOp::create(b, b.getI64Type(), pointer(barrier), /*count=*/Value());
}

void Warpgroup::arriveExpecting(Value barrier, int64_t bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(b, /*res=*/Type(), pointer(barrier), b.number(bytes),
                                         NVVM::MemScopeKind::CTA, /*relaxed=*/false, /*predicate=*/Value());
}

void Warpgroup::wait(Value barrier, Value parity) {
  constexpr int64_t nanoseconds = 10'000'000; // that a thread may sleep before it looks again
  NVVM::MBarrierTryWaitParityOp::create(b, pointer(barrier), parity, b.number(nanoseconds));
}

//===- Copies -------------------------------------------------------------------------===//

void Warpgroup::load(Value to, Value map, Value row, Value column, Value barrier) {
  auto cluster = LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::SharedCluster));
  Value destination = LLVM::AddrSpaceCastOp::create(b, cluster, pointer(to));
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      b, destination, map, ValueRange{column, row}, pointer(barrier), /*im2colOffsets=*/ValueRange(),
      /*multicastMask=*/Value(), /*l2CacheHint=*/Value(), NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false,
      NVVM::CTAGroupKindAttr(), /*predicate=*/Value());
}

void Warpgroup::store(Value from, Value map, Value row, Value column) {
  NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(b, map, pointer(from), ValueRange{column, row},
                                                     /*l2CacheHint=*/Value(), NVVM::TMAStoreMode::TILE,
                                                     /*predicate=*/Value());
}

void Warpgroup::waitForStores() {
  commitStores();
  waitForGroups(0);
}

void Warpgroup::publishStores() {
  auto space = NVVM::SharedSpaceAttr::get(b.getContext(), NVVM::SharedSpace::shared_cta);
  NVVM::FenceProxyOp::create(b, NVVM::ProxyKind::async_shared, space);
}

//===- Warps --------------------------------------------------------------------------===//

void Warpgroup::meet(Value number, int64_t threads) {
  NVVM::BarrierOp::create(b, /*res=*/Type(), number, b.number(threads), NVVM::BarrierReductionAttr(),
                          /*reductionPredicate=*/Value());
}

void Warpgroup::giveUpRegisters(uint32_t count) {
  NVVM::SetMaxRegisterOp::create(b, count, NVVM::SetMaxRegisterAction::decrease);
}

void Warpgroup::takeRegisters(uint32_t count) {
  NVVM::SetMaxRegisterOp::create(b, count, NVVM::SetMaxRegisterAction::increase);
}

//===- Products -----------------------------------------------------------------------===//

/// "Matrix descriptor" of the PTX ISA: start, leading and stride offset over 16, and the swizzle. The stride
/// is that of eight rows; `leading` leads to the next tile where rows are the dimension that is summed over.
Value Warpgroup::descriptor(const SwizzledMatrix &matrix, int64_t leading) {
  constexpr uint64_t swizzle128 = 1, swizzle64 = 2, swizzle32 = 3;
  uint64_t swizzle = matrix.rowBytes == 128 ? swizzle128 : matrix.rowBytes == 64 ? swizzle64 : swizzle32;
  uint64_t form = uint64_t(leading >> 4) << 16 | uint64_t(8 * matrix.rowBytes >> 4) << 32 | swizzle << 62;
  Value start = arith::ExtUIOp::create(b, b.getI64Type(), b.right(matrix.address, 4));
  return arith::OrIOp::create(b, start, arith::ConstantIntOp::create(b, b.getI64Type(), int64_t(form)));
}

static Value advance(ThreadBuilder &b, Value descriptor, int64_t bytes) {
  if (bytes == 0)
    return descriptor;
  return arith::AddIOp::create(b, descriptor, arith::ConstantIntOp::create(b, b.getI64Type(), bytes >> 4));
}

Value Warpgroup::step(Value sums, Value aDescriptor, Value bDescriptor, int64_t columns,
                      NVVM::WGMMAScaleOut accumulate, NVVM::MMALayout layoutA,
                      NVVM::MMALayout layoutB) {
  auto shape = NVVM::MMAShapeAttr::get(b.getContext(), kRows, columns, 16);
  return NVVM::WgmmaMmaAsyncOp::create(b, sums.getType(), sums, aDescriptor, bDescriptor, shape,
                                       NVVM::WGMMATypes::bf16, NVVM::WGMMATypes::bf16, NVVM::WGMMATypes::f32,
                                       accumulate, NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one,
                                       layoutA, layoutB, NVVM::MMAIntOverflowAttr());
}

static LLVM::LLVMStructType structType(ThreadBuilder &b, int64_t columns) {
  return LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(columns / 2, b.getF32Type()));
}

/// Where 16 columns of a matrix begin, of which a descriptor speaks.
static int64_t columnOffset(const SwizzledMatrix &matrix, int64_t column) {
  return column / SwizzledMatrix::kColumns * matrix.tileBytes + column % SwizzledMatrix::kColumns * 2;
}

Value Warpgroup::addTransposed(Value sums, NVVM::WGMMAScaleOut first, const SwizzledMatrix &left,
                               const SwizzledMatrix &right, int64_t columns, int64_t depth) {
  Value l = descriptor(left, 0), r = descriptor(right, 0);
  for (int64_t k = 0; k < depth; k += 16)
    sums = step(sums, advance(b, l, columnOffset(left, k)), advance(b, r, columnOffset(right, k)), columns,
                k == 0 ? first : NVVM::WGMMAScaleOut::one, NVVM::MMALayout::row, NVVM::MMALayout::col);
  return sums;
}

Value Warpgroup::multiplyTransposed(const SwizzledMatrix &left, const SwizzledMatrix &right, int64_t columns,
                                    int64_t depth) {
  Value nothing = LLVM::UndefOp::create(b, structType(b, columns));
  return addTransposed(nothing, NVVM::WGMMAScaleOut::zero, left, right, columns, depth);
}

Value Warpgroup::multiplyTransposed(ArrayRef<Quad> values, const SwizzledMatrix &left, const SwizzledMatrix &right,
                                    int64_t columns, int64_t depth) {
  return addTransposed(structOf(values, columns), NVVM::WGMMAScaleOut::one, left, right, columns, depth);
}

Value Warpgroup::structOf(ArrayRef<Quad> quads, int64_t columns) {
  Value sums = LLVM::UndefOp::create(b, structType(b, columns));
  for (auto [n, quad] : llvm::enumerate(quads))
    for (auto [e, value] : llvm::enumerate(quad))
      sums = LLVM::InsertValueOp::create(b, sums, value, int64_t(4 * n + e));
  return sums;
}

Value Warpgroup::multiply(ArrayRef<Quad> values, const SwizzledMatrix &left, const SwizzledMatrix &right,
                          int64_t columns, int64_t depth) {
  Value sums = structOf(values, columns), l = descriptor(left, 0), r = descriptor(right, right.tileBytes);
  for (int64_t k = 0; k < depth; k += 16)
    sums = step(sums, advance(b, l, columnOffset(left, k)), advance(b, r, k * SwizzledMatrix::kRowBytes),
                columns, NVVM::WGMMAScaleOut::one, NVVM::MMALayout::row, NVVM::MMALayout::row);
  return sums;
}

Value Warpgroup::multiplyColumns(ArrayRef<Quad> values, const SwizzledMatrix &left,
                                 const SwizzledMatrix &right, int64_t columns, int64_t depth) {
  Value sums = structOf(values, columns);
  Value l = descriptor(left, left.tileBytes), r = descriptor(right, right.tileBytes);
  for (int64_t k = 0; k < depth; k += 16) {
    int64_t offset = k * SwizzledMatrix::kRowBytes;
    sums = step(sums, advance(b, l, offset), advance(b, r, offset), columns, NVVM::WGMMAScaleOut::one,
                NVVM::MMALayout::col, NVVM::MMALayout::row);
  }
  return sums;
}

Value Warpgroup::multiplyColumnsTransposed(ArrayRef<Quad> values, const SwizzledMatrix &left,
                                           const SwizzledMatrix &right, int64_t columns, int64_t depth) {
  Value sums = structOf(values, columns), l = descriptor(left, left.tileBytes), r = descriptor(right, 0);
  for (int64_t k = 0; k < depth; k += 16)
    sums = step(sums, advance(b, l, k * left.rowBytes), advance(b, r, columnOffset(right, k)), columns,
                NVVM::WGMMAScaleOut::one, NVVM::MMALayout::col, NVVM::MMALayout::col);
  return sums;
}

SmallVector<Quad> Warpgroup::read(Value sums) {
  int64_t count = cast<LLVM::LLVMStructType>(sums.getType()).getBody().size();
  SmallVector<Quad> quads(count / 4);
  for (int64_t i = 0; i < count; ++i)
    quads[i / 4][i % 4] = LLVM::ExtractValueOp::create(b, sums, i);
  return quads;
}
