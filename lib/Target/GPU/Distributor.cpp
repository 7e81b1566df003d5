//===- Distributor.cpp - shares a block's work among its threads ---------------------===//
//
// Elements go to threads in order, so that neighbours touch neighbours. A sum along a row is a warp's: lanes
// take every 32nd element and fold by halves, in one order. Iterations of scf.forall go to warps when there
// is work on rows in them, otherwise to threads. After each operation its team meets.

#include "Distributor.h"

#include "../CPU/Building.h"
#include "MemoryFacts.h"
#include "mlora/Dialect/Names.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mlir::mlora;

Distributor::Distributor(gpu::GPUFuncOp kernel, int64_t threads, int64_t atOnce, Value tiles,
                         const DenseMap<Operation *, ProductSchedule> &products)
    : kernel(kernel), b(kernel.getLoc(), kernel.getContext()), tiles(tiles), products(products),
      atOnce(atOnce), warps(threads / kWarp) {
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

/// Coordinates of an element by its number, the last one the fastest. The last two are row and column. Divided in 32
/// bits where no number is larger: in 64 a division is several times as long.
SmallVector<Value> Distributor::delinearize(Value position, ArrayRef<Value> sizes) {
  SmallVector<Value> at(sizes.size());
  SmallVector<size_t> counted;
  int64_t most = 1;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    std::optional<int64_t> known = mostOf(size);
    if (!known || llvm::MulOverflow(most, *known, most) || most > INT32_MAX)
      most = INT64_MAX;
    if (getConstantIntValue(size) == 1)
      at[i] = index(0);
    else
      counted.push_back(i);
  }
  auto narrow = [&](Value value) {
    return most <= INT32_MAX ? b.createOrFold<arith::IndexCastUIOp>(b.getI32Type(), value) : value;
  };
  auto widen = [&](Value value) {
    return value.getType().isIndex() ? value : b.createOrFold<arith::IndexCastUIOp>(b.getIndexType(), value);
  };
  Value left = counted.size() > 1 ? narrow(position) : position;
  for (size_t i : llvm::reverse(counted)) {
    bool isSlowest = i == counted.front();
    Value size = isSlowest ? Value() : narrow(sizes[i]);
    at[i] = widen(isSlowest ? left : rest(left, size));
    named(at[i], i + 1 == sizes.size() ? "column" : i + 2 == sizes.size() ? "row" : "slice");
    if (!isSlowest)
      left = over(left, size);
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
    pending.clear();
}

void Distributor::access(ArrayRef<PendingAccesses::Access> accesses, const Team &team) {
  if (team.level == Team::Thread)
    return;
  if (pending.mustMeet(accesses))
    synchronise(team);
  pending.add(accesses);
}

void Distributor::settle(const Team &team) {
  if (!pending.empty() && team.level != Team::Thread)
    synchronise(team);
}

/// Arguments are buffers, scalars, scratch.
bool Distributor::isConstant(Value memory) {
  auto arguments = kernel.getBody().front().getArguments();
  return memory == arguments[arguments.size() - 2];
}

//===- Operations -------------------------------------------------------------------===//

LogicalResult Distributor::distribute(Block &block, const Team &team) {
  for (Operation *op = &block.front(), *next; op; op = next) {
    auto generic = dyn_cast<linalg::GenericOp>(op);
    auto group = generic && team.level == Team::Block ? rowGroup(generic) : SmallVector<linalg::GenericOp>();
    next = (group.empty() ? op : group.back().getOperation())->getNextNode();
    if (!group.empty())
      rowsTogether(group);
    else if (failed(distribute(op, team)))
      return failure();
  }
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
  if (auto load = dyn_cast<memref::LoadOp>(op); load && !isConstant(load.getMemRef()))
    access({{load.getMemRef(), /*isWrite=*/false}}, team);
  // What a region leaves behind is settled at its end, for the next iteration and for what follows. It may
  // not run at all: what was pending before it stays so.
  PendingAccesses before = pending;
  for (Region &region : op->getRegions())
    for (Block &inner : region) {
      if (failed(distribute(inner, team)))
        return failure();
      b.setInsertionPoint(inner.getTerminator());
      settle(team);
      pending = before;
    }
  return success();
}

/// What all threads have computed one of them stores.
LogicalResult Distributor::distribute(memref::StoreOp op, const Team &team) {
  if (team.level == Team::Thread)
    return success();
  access({{op.getMemRef(), /*isWrite=*/true}}, team);
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, team.rank, index(0));
  when(isFirst, [&] { b.clone(*op); });
  op.erase();
  return success();
}

LogicalResult Distributor::distribute(scf::ForallOp op, const Team &team) {
  if (team.level == Team::Thread)
    return op.emitOpError("lies in one whose iterations are threads'");
  settle(team);
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
         settle(inside);
       });
  if (failed(status))
    return failure();
  b.setInsertionPointAfter(op);
  synchronise(team);
  op.erase();
  return success();
}
