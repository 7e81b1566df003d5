//===- DistributeGemm.cpp - a product of blocks by all threads of a block ------------===//
//
// By one of the schedules of ProductSchedules.h, or by the general one, for every shape: tiles of 32 by 64 of
// C, K in steps of 16 through shared memory, 4 by 4 sums in each thread's registers. Every element of C is
// summed along K in order, in f32: bf16 is widened on its way into a tile and rounded on its way into C.

#include "Distributor.h"
#include "Product.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {
constexpr int64_t kTileRows = 32, kTileColumns = 64, kTileDepth = 16, kPatch = 4;
constexpr int64_t kUnroll = 2; ///< steps along K in the innermost loop
/// Between rows of a tile: 16 bytes, so that a column's elements lie in different banks.
constexpr int64_t kPadding = 4;
constexpr int64_t kStrideA = kTileRows + kPadding, kStrideB = kTileColumns + kPadding;
static_assert(kTileRows / kPatch * (kTileColumns / kPatch) == Distributor::kThreads);
} // namespace

int64_t Distributor::generalTileBytes() {
  return kTileDepth * (kStrideA + kStrideB) * int64_t(sizeof(float));
}

/// Registers are for the patch: a loop that meets at barriers gains nothing by being unrolled, and ptxas
/// spills when it does so.
void mlir::mlora::keepRolled(scf::ForOp loop) {
  auto disable = BoolAttr::get(loop.getContext(), true);
  auto unroll = LLVM::LoopUnrollAttr::get(loop.getContext(), disable, {}, {}, {}, {}, {}, {});
  auto annotation = LLVM::LoopAnnotationAttr::get(loop.getContext(), {}, {}, {}, unroll, {}, {}, {}, {}, {},
                                                  {}, {}, {}, {}, {}, {});
  loop->setDiscardableAttr(kLoopAnnotation, annotation);
}

/// Copies rows [first, first + tileRows) of op(memory), K from `depth` on, to tile[k][row]; zero outside.
/// Neighbouring threads read along the dimension that is contiguous in memory. A thread's elements differ by
/// a constant along the other one, so that one address serves all.
void Distributor::stage(Value memory, bool isRowMajor, Value tile, Value first, Value depth, Value rows,
                        Value columns, int64_t tileRows) {
  int64_t width = isRowMajor ? kTileDepth : tileRows;
  assert(kThreads % width == 0 && "a thread stays in its column");
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  Value fast = rest(block.rank, index(width)), slow = over(block.rank, index(width));
  Value row = named(isRowMajor ? slow : fast, "tile_row"), k = named(isRowMajor ? fast : slow, "tile_k");
  Value from = named(plus(first, row), "row"), at = named(plus(depth, k), "k");
  for (int64_t i = 0; i < tileRows * kTileDepth / kThreads; ++i) {
    Value step = index(i * kThreads / width);
    Value fromHere = isRowMajor ? plus(from, step) : from, atHere = isRowMajor ? at : plus(at, step);
    Value isInside = arith::AndIOp::create(b, less(fromHere, rows), less(atHere, columns));
    auto read = scf::IfOp::create(b, TypeRange(b.getF32Type()), isInside, /*addThenBlock=*/true,
                                  /*addElseBlock=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(read.thenBlock());
      ValueRange place = isRowMajor ? ValueRange{fromHere, atHere} : ValueRange{atHere, fromHere};
      Value element = memref::LoadOp::create(b, memory, place);
      if (element.getType().isBF16())
        element = arith::ExtFOp::create(b, b.getF32Type(), element);
      scf::YieldOp::create(b, ValueRange(element));
      b.setInsertionPointToEnd(read.elseBlock());
      scf::YieldOp::create(b, ValueRange(zero));
    }
    ValueRange place = isRowMajor ? ValueRange{k, plus(row, step)} : ValueRange{plus(k, step), row};
    memref::StoreOp::create(b, named(read.getResult(0), "element"), tile, place);
  }
}

LogicalResult Distributor::distribute(GemmOp op, const Team &team) {
  if (team.level != Team::Block)
    return op.emitOpError("is work for a whole block");
  access({{op.getA(), false}, {op.getB(), false}, {op.getC(), true}}, team);
  const ProductSchedule &schedule = products.at(op);
  if (schedule.kind != ProductSchedule::General) {
    ThreadBuilder t(b.getLoc(), op);
    Value thread = arith::IndexCastOp::create(t, t.getI32Type(), block.rank), shared = addressOf(t, tiles);
    auto build = schedule.kind == ProductSchedule::Mma ? buildMmaProduct : buildFfmaProduct;
    build(t, op, schedule, shared, thread, block.size);
    pending.clear(); // after the last tile all have met
    op.erase();
    return success();
  }
  auto shared = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  auto tile = [&](StringRef name, int64_t stride, int64_t offset) {
    auto type = MemRefType::get({kTileDepth, stride}, b.getF32Type(), MemRefLayoutAttrInterface(), shared);
    return named(memref::ViewOp::create(b, type, tiles, index(offset), ValueRange()), name);
  };
  Value tileA = tile("tile_a", kStrideA, 0);
  Value tileB = tile("tile_b", kStrideB, kTileDepth * kStrideA * int64_t(sizeof(float)));
  auto size = [&](Value memory, int64_t dim) { return b.createOrFold<memref::DimOp>(memory, dim); };
  Value rows = size(op.getC(), 0), columns = size(op.getC(), 1);
  Value depth = size(op.getA(), op.getTransposeA() ? 0 : 1);
  Value perRow = index(kTileColumns / kPatch), patch = index(kPatch);
  Value patchRow = named(times(named(over(block.rank, perRow), "thread_row"), patch), "patch_row");
  Value patchColumn = named(times(named(rest(block.rank, perRow), "thread_column"), patch), "patch_column");
  auto vector = VectorType::get({kPatch}, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, vector, b.getZeroAttr(vector));

  loop("first_row", index(0), rows, kTileRows, [&](Value firstRow) {
    loop("first_column", index(0), columns, kTileColumns, [&](Value firstColumn) {
      SmallVector<Value> sums(kPatch, zero);
      auto along = scf::ForOp::create(b, index(0), depth, index(kTileDepth), sums);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(along.getBody());
        Value k = named(along.getInductionVar(), "first_k");
        stage(op.getA(), !op.getTransposeA(), tileA, firstRow, k, rows, depth, kTileRows);
        stage(op.getB(), op.getTransposeB(), tileB, firstColumn, k, columns, depth, kTileColumns);
        gpu::BarrierOp::create(b);
        auto steps =
            scf::ForOp::create(b, index(0), index(kTileDepth), index(kUnroll), along.getRegionIterArgs());
        keepRolled(steps);
        {
          OpBuilder::InsertionGuard inner(b);
          b.setInsertionPointToEnd(steps.getBody());
          named(steps.getInductionVar(), "k");
          SmallVector<Value> next(steps.getRegionIterArgs());
          for (int64_t step = 0; step < kUnroll; ++step) {
            Value at = plus(steps.getInductionVar(), index(step));
            auto read = [&](StringRef name, Value from, Value column) {
              return named(vector::LoadOp::create(b, vector, from, ValueRange{at, column},
                                                  /*nontemporal=*/false, llvm::MaybeAlign(16)),
                           name);
            };
            Value left = read("a", tileA, patchRow), right = read("b", tileB, patchColumn);
            for (int64_t i = 0; i < kPatch; ++i) {
              Value one = vector::ExtractOp::create(b, left, ArrayRef<int64_t>{i});
              Value same = vector::BroadcastOp::create(b, vector, one);
              next[i] = vector::FMAOp::create(b, same, right, next[i]);
            }
          }
          scf::YieldOp::create(b, next);
        }
        gpu::BarrierOp::create(b);
        scf::YieldOp::create(b, steps.getResults());
      }
      Value isPlain = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, op.getBeta(),
                                            arith::ConstantOp::create(b, b.getF32FloatAttr(0)));
      Value cornerRow = named(plus(firstRow, patchRow), "row");
      Value cornerColumn = named(plus(firstColumn, patchColumn), "column");
      for (int64_t i = 0; i < kPatch; ++i)
        for (int64_t j = 0; j < kPatch; ++j) {
          Value row = plus(cornerRow, index(i)), column = plus(cornerColumn, index(j));
          when(arith::AndIOp::create(b, less(row, rows), less(column, columns)), [&] {
            Value sum = vector::ExtractOp::create(b, along.getResult(i), ArrayRef<int64_t>{j});
            Value scaled = arith::MulFOp::create(b, sum, op.getAlpha());
            // With beta 0 whatever lies in C, NaN too, is gone.
            Value before = memref::LoadOp::create(b, op.getC(), ValueRange{row, column});
            bool isNarrow = before.getType().isBF16();
            if (isNarrow)
              before = arith::ExtFOp::create(b, b.getF32Type(), before);
            Value added = arith::AddFOp::create(b, scaled, arith::MulFOp::create(b, op.getBeta(), before));
            Value value = arith::SelectOp::create(b, isPlain, scaled, added);
            if (isNarrow)
              value = arith::TruncFOp::create(b, b.getBF16Type(), value);
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
