//===- WarpgroupBlock.cpp - a block of warpgroups that copy and compute ---------------===//

#include "WarpgroupBlock.h"

#include "mlora/Dialect/Names.h"

#include <numeric>

using namespace mlir;
using namespace mlir::mlora;

/// Of a thread at first: what 65,536 are for 384 threads, in eights. Of more warpgroups it would be less.
static constexpr uint32_t kRegisters = 168;

WarpgroupBlock::WarpgroupBlock(KernelFunction &kernel, int64_t consumers)
    : engines(kernel.b), consumers(consumers), host(kernel) {
  ThreadBuilder &b = host.b;
  Value warpgroup = b.right(host.warp, 2);
  consumer = b.minus(warpgroup, 1);
  assert(consumers == 2 && "registers are those of three warpgroups");
  leads = b.compare(arith::CmpIPredicate::eq, b.bitAnd(host.thread, b.number(Warpgroup::kThreads - 1)),
                    b.number(0));
  auto memory = cast<LLVM::GlobalOp>(
      SymbolTable::lookupSymbolIn(host.function->getParentOp(), KernelFunction::kSharedName));
  memory.setAlignment(SwizzledMatrix::kAlignment);
}

//===- Parameters and shared memory ---------------------------------------------------===//

WarpgroupBlock::Map WarpgroupBlock::tensorMap(const Columns &columns, Attribute rows, int64_t boxRows,
                                              int64_t boxColumns) {
  // A map is a parameter of 128 bytes on a device (EmitPTX.cpp), and its address here.
  ThreadBuilder &b = host.b;
  gpu::GPUFuncOp function = host.function;
  unsigned number = function.getNumArguments();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  (void)function.insertArgument(number, pointer, DictionaryAttr(), withName(function.getLoc(), "map"));
  maps.push_back(b.getDictionaryAttr(
      {b.getNamedAttr("argument", b.getI64IntegerAttr(number)),
       b.getNamedAttr("box", b.getDenseI64ArrayAttr({boxRows, boxColumns})),
       b.getNamedAttr("buffer", b.getI64IntegerAttr(cast<BlockArgument>(columns.buffer).getArgNumber())),
       b.getNamedAttr("columns", b.getI64IntegerAttr(columns.of)), b.getNamedAttr("rows", rows),
       b.getNamedAttr("swizzle", b.getI64IntegerAttr(2 * boxColumns))}));
  return {function.getArgument(number), columns.first};
}

Value WarpgroupBlock::reserve(int64_t bytes) {
  return host.b.at(host.shared, std::exchange(used, used + llvm::alignTo(bytes, SwizzledMatrix::kAlignment)));
}

SwizzledMatrix WarpgroupBlock::matrix(int64_t rows, int64_t columns) {
  int64_t tileBytes = rows * SwizzledMatrix::kRowBytes;
  // Of fewer columns than a tile's, rows are as long and the rest is nothing's.
  return {reserve(llvm::divideCeil(columns, SwizzledMatrix::kColumns) * tileBytes), tileBytes};
}

Value WarpgroupBlock::barrier(int64_t arrivals, int64_t count) {
  Value first = host.b.at(host.shared, usedForBarriers);
  for (int64_t i = 0; i < count; ++i)
    barriers.emplace_back(host.b.at(first, 8 * i), arrivals);
  usedForBarriers += 8 * count;
  assert(usedForBarriers <= kBarrierBytes);
  return first;
}

WarpgroupBlock::Ring WarpgroupBlock::ring(int64_t bytes, int64_t tileBytes, int64_t stages, int64_t arrivals,
                                          Readers readers) {
  bool isInTurn = readers == Readers::InTurn;
  int64_t fulls = isInTurn ? std::lcm(stages, consumers) : stages;
  SwizzledMatrix first = {reserve(stages * bytes), tileBytes};
  Value full = barrier(arrivals, fulls);
  return {first, bytes, stages, fulls, full, barrier(isInTurn ? 1 : consumers, stages)};
}

void WarpgroupBlock::finish() {
  ThreadBuilder &b = host.b;
  host.function->setAttr("mlora.shared_bytes", b.getI64IntegerAttr(used));
  host.function->setAttr("mlora.tensor_maps", b.getArrayAttr(maps));
}

SwizzledMatrix WarpgroupBlock::from(const SwizzledMatrix &matrix, Value row) {
  ThreadBuilder &b = host.b;
  return {b.at(matrix.address, b.times(row, SwizzledMatrix::kRowBytes)), matrix.tileBytes};
}

SwizzledMatrix WarpgroupBlock::ofGroup(const SwizzledMatrix &matrix) {
  return from(matrix, host.b.times(consumer, Warpgroup::kRows));
}

//===- Warpgroups ---------------------------------------------------------------------===//

void WarpgroupBlock::specialise(uint32_t copyRegisters, function_ref<void()> copy,
                                function_ref<void()> compute) {
  ThreadBuilder &b = host.b;
  whenCopying([&] {
    for (auto [place, arrivals] : barriers)
      engines.initialise(place, arrivals);
    engines.publishBarriers();
  });
  b.barrier();
  auto role = scf::IfOp::create(b, b.less(consumer, b.number(0)), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(role.thenBlock()->getTerminator());
  engines.giveUpRegisters(copyRegisters);
  copy();
  b.setInsertionPoint(role.elseBlock()->getTerminator());
  engines.takeRegisters(kRegisters + (kRegisters - copyRegisters) / consumers);
  compute();
}

void WarpgroupBlock::whenCopying(function_ref<void()> body) {
  ThreadBuilder &b = host.b;
  b.when(b.compare(arith::CmpIPredicate::eq, host.thread, b.number(0)), body);
}

void WarpgroupBlock::waitUntilEmpty(const Stage &stage) {
  engines.wait(stage.empty, host.b.bitXor(stage.emptyParity, host.b.number(1)));
}

WarpgroupBlock::Stage WarpgroupBlock::at(const Ring &ring, Value step) {
  ThreadBuilder &b = host.b;
  Value number = b.rest(step, ring.stages), place = b.left(number, 3);
  auto parityOf = [&](int64_t steps) { return b.bitAnd(b.over(step, steps), b.number(1)); };
  Value parity = parityOf(ring.stages);
  bool isSame = ring.fulls == ring.stages;
  return {{b.plus(ring.matrix.address, b.times(number, ring.bytes)), ring.matrix.tileBytes},
          b.plus(ring.full, isSame ? place : b.left(b.rest(step, ring.fulls), 3)),
          b.plus(ring.empty, place),
          number,
          isSame ? parity : parityOf(ring.fulls),
          parity};
}

void WarpgroupBlock::release(const Stage &stage) {
  host.b.when(leads, [&] { engines.arrive(stage.empty); });
}

void WarpgroupBlock::meet() { engines.meet(host.b.plus(consumer, 1)); }

void WarpgroupBlock::meetAll() { engines.meet(host.b.number(consumers + 1), consumers * Warpgroup::kThreads); }
