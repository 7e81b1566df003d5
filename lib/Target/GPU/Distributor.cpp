//===- Distributor.cpp - shares a block's work among its threads ---------------------===//
//
// Elements go to threads in order, so that neighbours touch neighbours. A sum along a row is a warp's: lanes
// take every 32nd element and fold by halves, in one order. Iterations of scf.forall go to warps when there
// is work on rows in them, otherwise to threads. After each operation its team meets.

#include "Distributor.h"

#include "../CPU/Building.h"
#include "../CPU/Reduction.h"
#include "mlora/Dialect/Names.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mlir::mlora;

Distributor::Distributor(gpu::GPUFuncOp kernel, int64_t threads, Value tiles)
    : kernel(kernel), b(kernel.getLoc(), kernel.getContext()), tiles(tiles), warps(threads / kWarp) {
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value thread = named(gpu::ThreadIdOp::create(b, gpu::Dimension::x), "thread");
  Value width = index(kWarp);
  block = {Team::Block, thread, threads};
  warp = {Team::Warp, named(arith::RemUIOp::create(b, thread, width), "lane"), kWarp};
  warpNumber = named(arith::DivUIOp::create(b, thread, width), "warp");
}

LogicalResult Distributor::run() { return distribute(kernel.getBody().front(), block); }

Value Distributor::named(Value value, StringRef name) {
  if (nameOf(value).empty() && !getConstantIntValue(value))
    value.setLoc(withName(value.getLoc(), name));
  return value;
}

//===- Loops ----------------------------------------------------------------------===//

void Distributor::loop(StringRef variable, Value from, Value to, int64_t step,
                       function_ref<void(Value)> body) {
  auto op = scf::ForOp::create(b, from, to, index(step));
  named(op.getInductionVar(), variable);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op.getBody()->getTerminator());
  body(op.getInductionVar());
}

void Distributor::when(Value condition, function_ref<void()> body) { buildIf(b, condition, body); }

Value Distributor::product(ArrayRef<Value> sizes) {
  Value total = index(1);
  for (Value size : sizes)
    total = times(total, size);
  return total;
}

/// Coordinates of an element by its number, the last one the fastest. The last two are row and column.
SmallVector<Value> Distributor::delinearize(Value position, ArrayRef<Value> sizes) {
  SmallVector<Value> at(sizes.size());
  std::optional<size_t> slowest;
  for (size_t i = 0; i < sizes.size(); ++i)
    if (getConstantIntValue(sizes[i]) == 1)
      at[i] = index(0);
    else if (!slowest)
      slowest = i;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (at[i])
      continue;
    at[i] = i == *slowest ? position : rest(position, sizes[i]);
    named(at[i], i + 1 == sizes.size() ? "column" : i + 2 == sizes.size() ? "row" : "slice");
    if (i != *slowest)
      position = over(position, sizes[i]);
  }
  return at;
}

//===- Order between threads --------------------------------------------------------===//

void Distributor::synchronise(const Team &team) {
  if (team.level == Team::Block)
    gpu::BarrierOp::create(b);
  else if (team.level == Team::Warp)
    NVVM::SyncWarpOp::create(b, arith::ConstantOp::create(b, b.getI32IntegerAttr(-1)));
  if (team.level != Team::Thread)
    isRead = false;
}

void Distributor::beforeWrite(const Team &team) {
  if (isRead && team.level != Team::Thread)
    synchronise(team);
}

/// Arguments are buffers, scalars, scratch.
bool Distributor::isConstant(Value memory) {
  auto arguments = kernel.getBody().front().getArguments();
  return memory == arguments[arguments.size() - 2];
}

//===- Operations -------------------------------------------------------------------===//

LogicalResult Distributor::distribute(Block &block, const Team &team) {
  for (Operation &op : llvm::make_early_inc_range(block))
    if (failed(distribute(&op, team)))
      return failure();
  return success();
}

LogicalResult Distributor::distribute(Operation *op, const Team &team) {
  b.setInsertionPoint(op);
  b.setLoc(withoutNames(op->getLoc()));
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return distribute(generic, team);
  if (auto gemm = dyn_cast<GemmOp>(op))
    return distribute(gemm, team);
  if (auto forall = dyn_cast<scf::ForallOp>(op))
    return distribute(forall, team);
  if (auto store = dyn_cast<memref::StoreOp>(op))
    return distribute(store, team);
  if (isa<linalg::LinalgOp, memref::CopyOp>(op))
    return op->emitOpError("has no form for threads");
  if (auto load = dyn_cast<memref::LoadOp>(op))
    isRead |= team.level != Team::Thread && !isConstant(load.getMemRef());
  for (Region &region : op->getRegions())
    for (Block &inner : region) {
      if (failed(distribute(inner, team)))
        return failure();
      // The next iteration, or what follows, may write what this one has read.
      b.setInsertionPoint(inner.getTerminator());
      beforeWrite(team);
    }
  return success();
}

/// What all threads have computed one of them stores.
LogicalResult Distributor::distribute(memref::StoreOp op, const Team &team) {
  if (team.level == Team::Thread)
    return success();
  beforeWrite(team);
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, team.rank, index(0));
  when(isFirst, [&] { b.clone(*op); });
  b.setInsertionPointAfter(op);
  synchronise(team);
  op.erase();
  return success();
}

LogicalResult Distributor::distribute(scf::ForallOp op, const Team &team) {
  if (team.level == Team::Thread)
    return op.emitOpError("lies in one whose iterations are threads'");
  beforeWrite(team);
  bool hasRows = op->walk([](linalg::GenericOp) { return WalkResult::interrupt(); }).wasInterrupted();
  bool toWarps = hasRows && team.level == Team::Block;
  if (hasRows && !toWarps)
    return op.emitOpError("with work on rows lies in another one");
  SmallVector<Value> sizes = getValueOrCreateConstantIndexOp(b, b.getLoc(), op.getMixedUpperBound());
  if (!op.isNormalized())
    return op.emitOpError("must count from 0 by 1");
  LogicalResult status = success();
  loop("iteration", toWarps ? warpNumber : team.rank, product(sizes), toWarps ? warps : team.size,
       [&](Value position) {
         SmallVector<Value> at = delinearize(position, sizes);
         auto end = b.getInsertionPoint();
         Block *into = b.getInsertionBlock();
         Block *from = op.getBody();
         for (auto [variable, value] : llvm::zip(op.getInductionVars(), at))
           variable.replaceAllUsesWith(value);
         from->getTerminator()->erase();
         SmallVector<Operation *> moved;
         for (Operation &inner : llvm::make_early_inc_range(*from)) {
           inner.moveBefore(into, end);
           moved.push_back(&inner);
         }
         Team inside = toWarps ? warp : Team{Team::Thread, {}, 1};
         for (Operation *inner : moved)
           if (succeeded(status))
             status = distribute(inner, inside);
         b.setInsertionPoint(into, end);
         beforeWrite(inside);
       });
  if (failed(status))
    return failure();
  b.setInsertionPointAfter(op);
  synchronise(team);
  op.erase();
  return success();
}

//===- Elements ---------------------------------------------------------------------===//

/// How often each loop runs, as a constant where any operand tells.
static SmallVector<Value> loopSizes(ImplicitLocOpBuilder &b, linalg::GenericOp op) {
  SmallVector<Value> sizes(op.getNumLoops());
  for (bool wantsStatic : {true, false})
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<MemRefType>(operand.get().getType());
      for (auto [i, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
        auto dim = dyn_cast<AffineDimExpr>(expr);
        if (!type || !dim || sizes[dim.getPosition()] || (wantsStatic && type.isDynamicDim(i)))
          continue;
        sizes[dim.getPosition()] = b.createOrFold<memref::DimOp>(operand.get(), int64_t(i));
      }
    }
  return sizes;
}

LogicalResult Distributor::distribute(linalg::GenericOp op, const Team &team) {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("must work on memrefs");
  beforeWrite(team);
  SmallVector<Value> sizes = loopSizes(b, op);
  if (op.getNumReductionLoops() == 0)
    elements(op, sizes, team);
  else if (failed(reduction(op, sizes, team)))
    return failure();
  b.setInsertionPointAfter(op);
  synchronise(team);
  op.erase();
  return success();
}

static Value evaluate(ImplicitLocOpBuilder &b, AffineExpr expr, ArrayRef<Value> at) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return at[dim.getPosition()];
  return arith::ConstantIndexOp::create(b, cast<AffineConstantExpr>(expr).getValue());
}

SmallVector<Value> Distributor::indices(linalg::GenericOp op, OpOperand &operand, ArrayRef<Value> at) {
  return llvm::map_to_vector(op.getMatchingIndexingMap(&operand).getResults(),
                             [&](AffineExpr expr) { return evaluate(b, expr, at); });
}

SmallVector<Value> Distributor::body(linalg::GenericOp op, ArrayRef<Value> at, ValueRange before) {
  IRMapping map;
  for (OpOperand &operand : op->getOpOperands()) {
    Value argument = op.getMatchingBlockArgument(&operand);
    if (!before.empty() && op.isDpsInit(&operand))
      map.map(argument, before[operand.getOperandNumber() - op.getNumDpsInputs()]);
    else if (!isa<MemRefType>(operand.get().getType()))
      map.map(argument, operand.get());
    else if (!argument.use_empty())
      map.map(argument, memref::LoadOp::create(b, operand.get(), indices(op, operand, at)));
  }
  for (Operation &inner : op.getBody()->without_terminator())
    if (auto which = dyn_cast<linalg::IndexOp>(inner))
      map.map(which.getResult(), at[which.getDim()]);
    else
      b.clone(inner, map);
  return llvm::map_to_vector(op.getBody()->getTerminator()->getOperands(),
                             [&](Value value) { return map.lookupOrDefault(value); });
}

void Distributor::elements(linalg::GenericOp op, ArrayRef<Value> sizes, const Team &team) {
  bool isAlone = team.level == Team::Thread;
  loop("element", isAlone ? index(0) : team.rank, named(product(sizes), "elements"), team.size,
       [&](Value position) {
         SmallVector<Value> at = delinearize(position, sizes);
         SmallVector<Value> values = body(op, at, {});
         for (auto [operand, value] : llvm::zip(op.getDpsInitsMutable(), values))
           memref::StoreOp::create(b, value, operand.get(), indices(op, operand, at));
       });
}

/// The innermost loop is summed into the outputs.
LogicalResult Distributor::reduction(linalg::GenericOp op, ArrayRef<Value> sizes, const Team &team) {
  SmallVector<Operation *> combiners;
  for (unsigned i = 0; i < unsigned(op.getNumDpsInits()); ++i) {
    combiners.push_back(getCombiner(op, i));
    if (!combiners.back())
      return op.emitOpError() << "output " << i << " is no sum, product or extremum";
  }
  if (op.getNumReductionLoops() != 1 || op.getIteratorTypesArray().back() != utils::IteratorType::reduction)
    return op.emitOpError("may only reduce along its innermost loop");
  bool isAlone = team.level == Team::Thread, isBlock = team.level == Team::Block;
  ArrayRef<Value> outer = sizes.drop_back();
  Value first = isBlock ? warpNumber : index(0), lane = isAlone ? index(0) : warp.rank;
  loop("row", first, named(product(outer), "rows"), isBlock ? warps : 1, [&](Value position) {
    SmallVector<Value> at = delinearize(position, outer), sums;
    at.push_back({});
    for (Operation *combiner : combiners)
      sums.push_back(arith::ConstantOp::create(b, getNeutral(combiner)));
    auto along = scf::ForOp::create(b, lane, sizes.back(), index(isAlone ? 1 : kWarp), sums);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(along.getBody());
      at.back() = named(along.getInductionVar(), "column");
      scf::YieldOp::create(b, body(op, at, along.getRegionIterArgs()));
    }
    sums = along.getResults();
    for (int64_t distance = isAlone ? 0 : kWarp / 2; distance > 0; distance /= 2)
      for (auto [sum, combiner] : llvm::zip(sums, combiners)) {
        Value other = gpu::ShuffleOp::create(b, sum, int32_t(distance), int32_t(kWarp), gpu::ShuffleMode::XOR)
                          .getShuffleResult();
        sum = named(combine(b, combiner, sum, named(other, "other")), "sum");
      }
    auto store = [&] {
      for (auto [operand, combiner, sum] : llvm::zip(op.getDpsInitsMutable(), combiners, sums)) {
        SmallVector<Value> to = indices(op, operand, at);
        Value before = memref::LoadOp::create(b, operand.get(), to);
        memref::StoreOp::create(b, combine(b, combiner, before, sum), operand.get(), to);
      }
    };
    if (isAlone)
      return store();
    when(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, index(0)), store);
  });
  return success();
}
