//===- WarpgroupAttention.cpp - attention with wgmma ----------------------------------===//

#include "WarpgroupAttention.h"

using namespace mlir;
using namespace mlir::mlora;

WarpgroupAttention::WarpgroupAttention(OpBuilder &kernels, KernelOp kernel, Operation *op,
                                       const WarpgroupSchedule &schedule, const Shape &shape)
    : AttentionKernel(kernels, kernel, op, schedule.launch(), shape),
      WarpgroupBlock(static_cast<KernelFunction &>(*this), schedule.groups()),
      halfTiles(b, TileLayout(SwizzledMatrix::kColumns), thread, lane, schedule.launch().threads()) {
  function->setAttr("mlora.schedule",
                    b.getStringAttr("attention.wgmma " + shape.name + " width " + Twine(width) + " tile " +
                                    Twine(schedule.rows) + "x" + Twine(schedule.columns) + " stages " +
                                    Twine(schedule.stages) + " warps " + Twine(4 * schedule.groups() + 4)));
}

void WarpgroupAttention::finish() {
  WarpgroupBlock::finish();
  KernelFunction::finish();
}

//===- Warpgroups ---------------------------------------------------------------------===//

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
