//===- DistributeGemm.cpp - a product of blocks by all threads of a block ------------===//
//
// The general schedule, for every shape: tiles of 32 by 64 of C, K in steps of 16 through shared memory, 4 by
// 4 sums in each thread's registers. Every element of C is summed along K in order.

#include "Distributor.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {
constexpr int64_t kTileRows = 32, kTileColumns = 64, kTileDepth = 16, kPatch = 4;
/// Between rows of a tile: 16 bytes, so that a column's elements lie in different banks.
constexpr int64_t kPadding = 4;
constexpr int64_t kStrideA = kTileRows + kPadding, kStrideB = kTileColumns + kPadding;
static_assert(kTileRows / kPatch * (kTileColumns / kPatch) == Distributor::kThreads);
} // namespace

int64_t Distributor::tileBytes() { return kTileDepth * (kStrideA + kStrideB) * int64_t(sizeof(float)); }

/// Copies rows [first, first + tileRows) of op(memory), K from `depth` on, to tile[k][row]; zero outside.
/// Neighbouring threads read along the dimension that is contiguous in memory.
Value Distributor::stage(Value memory, bool isRowMajor, Value tile, Value first, Value depth, Value rows,
                         Value columns, int64_t tileRows) {
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  for (int64_t i = 0; i < tileRows * kTileDepth / kThreads; ++i) {
    Value element = plus(block.rank, index(i * kThreads));
    Value width = index(isRowMajor ? kTileDepth : tileRows);
    Value fast = rest(element, width), slow = over(element, width);
    Value row = isRowMajor ? slow : fast, k = isRowMajor ? fast : slow;
    Value from = plus(first, row), at = plus(depth, k);
    Value isInside = arith::AndIOp::create(b, less(from, rows), less(at, columns));
    auto read = scf::IfOp::create(b, TypeRange(b.getF32Type()), isInside, /*addThenBlock=*/true,
                                  /*addElseBlock=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(read.thenBlock());
      ValueRange place = isRowMajor ? ValueRange{from, at} : ValueRange{at, from};
      scf::YieldOp::create(b, ValueRange(memref::LoadOp::create(b, memory, place)));
      b.setInsertionPointToEnd(read.elseBlock());
      scf::YieldOp::create(b, ValueRange(zero));
    }
    memref::StoreOp::create(b, read.getResult(0), tile, ValueRange{k, row});
  }
  return tile;
}

LogicalResult Distributor::distribute(GemmOp op, const Team &team) {
  if (team.level != Team::Block)
    return op.emitOpError("is work for a whole block");
  beforeWrite(team);
  auto shared = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  auto tile = [&](int64_t stride, int64_t offset) {
    auto type = MemRefType::get({kTileDepth, stride}, b.getF32Type(), MemRefLayoutAttrInterface(), shared);
    return memref::ViewOp::create(b, type, tiles, index(offset), ValueRange());
  };
  Value tileA = tile(kStrideA, 0), tileB = tile(kStrideB, kTileDepth * kStrideA * int64_t(sizeof(float)));
  auto size = [&](Value memory, int64_t dim) { return b.createOrFold<memref::DimOp>(memory, dim); };
  Value rows = size(op.getC(), 0), columns = size(op.getC(), 1);
  Value depth = size(op.getA(), op.getTransposeA() ? 0 : 1);
  Value perRow = index(kTileColumns / kPatch), patch = index(kPatch);
  Value patchRow = times(over(block.rank, perRow), patch),
        patchColumn = times(rest(block.rank, perRow), patch);
  auto vector = VectorType::get({kPatch}, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, vector, b.getZeroAttr(vector));

  loop(index(0), rows, kTileRows, [&](Value firstRow) {
    loop(index(0), columns, kTileColumns, [&](Value firstColumn) {
      SmallVector<Value> sums(kPatch, zero);
      auto along = scf::ForOp::create(b, index(0), depth, index(kTileDepth), sums);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(along.getBody());
        Value k = along.getInductionVar();
        stage(op.getA(), !op.getTransposeA(), tileA, firstRow, k, rows, depth, kTileRows);
        stage(op.getB(), op.getTransposeB(), tileB, firstColumn, k, columns, depth, kTileColumns);
        gpu::BarrierOp::create(b);
        auto steps = scf::ForOp::create(b, index(0), index(kTileDepth), index(1), along.getRegionIterArgs());
        {
          OpBuilder::InsertionGuard inner(b);
          b.setInsertionPointToEnd(steps.getBody());
          auto read = [&](Value from, Value column) -> Value {
            return vector::LoadOp::create(b, vector, from, ValueRange{steps.getInductionVar(), column},
                                          /*nontemporal=*/false, llvm::MaybeAlign(16));
          };
          Value left = read(tileA, patchRow), right = read(tileB, patchColumn);
          SmallVector<Value> next;
          for (int64_t i = 0; i < kPatch; ++i) {
            Value one = vector::ExtractOp::create(b, left, ArrayRef<int64_t>{i});
            Value same = vector::BroadcastOp::create(b, vector, one);
            next.push_back(vector::FMAOp::create(b, same, right, steps.getRegionIterArgs()[i]));
          }
          scf::YieldOp::create(b, next);
        }
        gpu::BarrierOp::create(b);
        scf::YieldOp::create(b, steps.getResults());
      }
      Value isPlain = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, op.getBeta(),
                                            arith::ConstantOp::create(b, b.getF32FloatAttr(0)));
      for (int64_t i = 0; i < kPatch; ++i)
        for (int64_t j = 0; j < kPatch; ++j) {
          Value row = plus(firstRow, plus(patchRow, index(i)));
          Value column = plus(firstColumn, plus(patchColumn, index(j)));
          when(arith::AndIOp::create(b, less(row, rows), less(column, columns)), [&] {
            Value sum = vector::ExtractOp::create(b, along.getResult(i), ArrayRef<int64_t>{j});
            Value scaled = arith::MulFOp::create(b, sum, op.getAlpha());
            // With beta 0 whatever lies in C, NaN too, is gone.
            Value before = memref::LoadOp::create(b, op.getC(), ValueRange{row, column});
            Value added = arith::AddFOp::create(b, scaled, arith::MulFOp::create(b, op.getBeta(), before));
            Value value = arith::SelectOp::create(b, isPlain, scaled, added);
            memref::StoreOp::create(b, value, op.getC(), ValueRange{row, column});
          });
        }
    });
  });
  b.setInsertionPointAfter(op);
  synchronise(team);
  op.erase();
  return success();
}
