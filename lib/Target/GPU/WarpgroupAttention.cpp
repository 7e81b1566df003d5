//===- WarpgroupAttention.cpp - attention with wgmma ----------------------------------===//

#include "WarpgroupAttention.h"

#include "mlora/Dialect/Names.h"

using namespace mlir;
using namespace mlir::mlora;

/// Of a thread at first: what 65,536 are for 384 threads, in eights.
static constexpr uint32_t kRegisters = 168;

WarpgroupAttention::WarpgroupAttention(OpBuilder &kernels, KernelOp kernel, Operation *op,
                                       const WarpgroupSchedule &schedule, const Shape &shape)
    : AttentionKernel(kernels, kernel, op, schedule.launch(), shape), engines(b),
      halfTiles(b, TileLayout(SwizzledMatrix::kColumns), thread, lane, schedule.launch().threads()) {
  Value warpgroup = b.right(rowGroup, 2); // rowGroup: the warp
  consumer = b.minus(warpgroup, 1);
  leads =
      b.compare(arith::CmpIPredicate::eq, b.bitAnd(thread, b.number(Warpgroup::kThreads - 1)), b.number(0));
  auto memory = cast<LLVM::GlobalOp>(SymbolTable::lookupSymbolIn(function->getParentOp(), kSharedName));
  memory.setAlignment(SwizzledMatrix::kAlignment);
  // ptxas obeys setmaxnreg where it knows the registers at entry.
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(1));
  function->setAttr("mlora.schedule",
                    b.getStringAttr("attention.wgmma " + shape.name + " width " + Twine(width) + " tile " +
                                    Twine(schedule.rows) + "x" + Twine(schedule.columns) + " stages " +
                                    Twine(schedule.stages) + " warps " + Twine(4 * schedule.groups() + 4)));
}

//===- Parameters and shared memory ---------------------------------------------------===//

WarpgroupAttention::Map WarpgroupAttention::tensorMap(Value value, int64_t rows, bool isKeys) {
  // A map is a parameter of 128 bytes on a device (EmitPTX.cpp), and its address here.
  unsigned number = function.getNumArguments();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  (void)function.insertArgument(number, pointer, DictionaryAttr(), withName(kernel.getLoc(), "map"));
  Columns columns = columnsOf(value);
  maps.push_back(b.getDictionaryAttr(
      {b.getNamedAttr("argument", b.getI64IntegerAttr(number)),
       b.getNamedAttr("box", b.getDenseI64ArrayAttr({rows, SwizzledMatrix::kColumns})),
       b.getNamedAttr("buffer", b.getI64IntegerAttr(cast<BlockArgument>(columns.buffer).getArgNumber())),
       b.getNamedAttr("columns", b.getI64IntegerAttr(columns.of)),
       b.getNamedAttr("rows", isKeys ? kvRowsExtent : rowsExtent),
       b.getNamedAttr("swizzle", b.getI64IntegerAttr(SwizzledMatrix::kRowBytes))}));
  return {function.getArgument(number), columns.first};
}

Value WarpgroupAttention::reserve(int64_t bytes) {
  return b.at(shared, std::exchange(used, used + llvm::alignTo(bytes, SwizzledMatrix::kAlignment)));
}

SwizzledMatrix WarpgroupAttention::matrix(int64_t rows, int64_t columns) {
  int64_t tileBytes = rows * SwizzledMatrix::kRowBytes;
  // Of fewer columns than a tile's, rows are as long and the rest is nothing's.
  return {reserve(llvm::divideCeil(columns, SwizzledMatrix::kColumns) * tileBytes), tileBytes};
}

Value WarpgroupAttention::barrier(int64_t arrivals, int64_t count) {
  Value first = b.at(shared, usedForBarriers);
  for (int64_t i = 0; i < count; ++i)
    barriers.emplace_back(b.at(first, 8 * i), arrivals);
  usedForBarriers += 8 * count;
  assert(usedForBarriers <= kBarrierBytes);
  return first;
}

WarpgroupAttention::Ring WarpgroupAttention::ring(int64_t rows, int64_t stages, int64_t arrivals) {
  int64_t bytes = matrixBytes(rows), consumers = schedule.rows / Warpgroup::kRows;
  return {{reserve(stages * bytes), rows * SwizzledMatrix::kRowBytes},
          bytes,
          stages,
          barrier(arrivals, stages),
          barrier(consumers, stages)};
}

void WarpgroupAttention::finish() {
  function->setAttr("mlora.shared_bytes", b.getI64IntegerAttr(used));
  function->setAttr("mlora.tensor_maps", b.getArrayAttr(maps));
  AttentionKernel::finish();
}

//===- Warpgroups ---------------------------------------------------------------------===//

void WarpgroupAttention::specialise(uint32_t copyRegisters, function_ref<void()> copy,
                                    function_ref<void()> compute) {
  uint32_t groups = schedule.rows / Warpgroup::kRows;
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
  engines.takeRegisters(kRegisters + (kRegisters - copyRegisters) / groups);
  compute();
}

WarpgroupAttention::Stage WarpgroupAttention::at(const Ring &ring, Value step) {
  Value number = b.rest(step, ring.stages), place = b.left(number, 3);
  return {{b.plus(ring.matrix.address, b.times(number, ring.bytes)), ring.matrix.tileBytes},
          b.plus(ring.full, place),
          b.plus(ring.empty, place),
          number,
          b.bitAnd(b.over(step, ring.stages), b.number(1))};
}

void WarpgroupAttention::load(const SwizzledMatrix &to, const Map &map, Value row, Value head, Value full) {
  for (int64_t i = 0; i < width / SwizzledMatrix::kColumns; ++i)
    engines.load(b.at(to.address, i * to.tileBytes), map.pointer, row, columnOf(map, head, i), full);
}

void WarpgroupAttention::fill(const Ring &ring, const Map &map, Value step, Value row, Value head) {
  Stage stage = at(ring, step);
  waitUntilEmpty(stage);
  engines.arriveExpecting(stage.full, ring.bytes);
  load(stage.matrix, map, row, head, stage.full);
}

void WarpgroupAttention::release(const Stage &stage) {
  b.when(leads, [&] { engines.arrive(stage.empty); });
}

void WarpgroupAttention::skip(Value from, Value to, ArrayRef<Ring> rings) {
  b.loop(from, to, 1, {}, [&](Value step, ValueRange) {
    // All wait, so that nobody is a phase behind, and what is skipped has landed before it is filled again.
    for (const Ring &ring : rings)
      waitUntilFull(at(ring, step));
    meet();
    for (const Ring &ring : rings)
      release(at(ring, step));
    return Values();
  });
}

void WarpgroupAttention::put(ArrayRef<Quad> operands, const SwizzledMatrix &to) {
  // A warp's 16 rows of each tile, four operands wide.
  Value mine = b.at(to.address, b.times(b.bitAnd(rowGroup, b.number(3)), 16 * SwizzledMatrix::kRowBytes));
  constexpr int64_t operandsOfTile = SwizzledMatrix::kColumns / 16;
  for (auto [i, operand] : llvm::enumerate(operands))
    halfTiles.store(b.at(mine, i / operandsOfTile * to.tileBytes), i % operandsOfTile, operand);
}

void WarpgroupAttention::publish() {
  engines.publishStores();
  meet();
}

SmallVector<Quad> WarpgroupAttention::toOperands(ArrayRef<Quad> sums) {
  SmallVector<Quad> operands;
  for (size_t n = 0; n < sums.size(); n += 2)
    operands.push_back(toOperand(sums[n], sums[n + 1]));
  return operands;
}

void WarpgroupAttention::scaleBy(SmallVector<Quad> &sums, double factor) {
  for (Quad &quad : sums)
    for (Value &value : quad)
      value = b.multiply(value, b.real(factor));
}

void WarpgroupAttention::storeRows(ArrayRef<Quad> quads, Value result, const SwizzledMatrix &staging,
                                   const Map &map, Value row, Value last, Value head) {
  Sums sums = {SmallVector<Quad>(quads)};
  turnBack(sums, result, warpFirst(row), last);
  put(toOperands(sums[0]), staging);
  publish();
  b.when(leads, [&] {
    for (int64_t i = 0; i < width / SwizzledMatrix::kColumns; ++i)
      engines.store(b.at(staging.address, i * staging.tileBytes), map.pointer, row, columnOf(map, head, i));
    engines.waitForStores();
  });
}
