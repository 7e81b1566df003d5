//===- ProductSchedules.cpp - which product of blocks has which schedule --------------===//

#include "ProductSchedules.h"

#include "Distributor.h"
#include "MemoryFacts.h"
#include "SharedTile.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::mlora;

using Schedule = ProductSchedule;

// For 128 threads and at most 128 registers a thread: 64 sums are the most. Skinny tiles are for adapters:
// ranks of 16, 32, 96 and 160, and rows of blocks of 32. Few columns leave warps without products: memory is
// their limit. There are fewer such blocks than multiprocessors (64 of 2,048 rows), so that what one has in flight
// says how fast it is: up to 72 KiB, in as many stages as that takes. Where less shared memory is left, fewer stages.
// Of equal cost the first is taken. Columns: rows, columns, depth, stages, warps along rows and columns.
static const Schedule kMmaSchedules[] = {
    {Schedule::Mma, 32, 16, 64, 8, 2, 1},  {Schedule::Mma, 32, 32, 64, 8, 2, 2},
    {Schedule::Mma, 32, 64, 64, 6, 2, 2},  {Schedule::Mma, 32, 96, 64, 5, 2, 2},
    {Schedule::Mma, 32, 128, 64, 4, 2, 2}, {Schedule::Mma, 32, 160, 64, 4, 2, 2},
    {Schedule::Mma, 32, 16, 64, 4, 2, 1},  {Schedule::Mma, 32, 32, 64, 4, 2, 2},
    {Schedule::Mma, 32, 64, 64, 3, 2, 2},  {Schedule::Mma, 32, 96, 64, 3, 2, 2},
    {Schedule::Mma, 32, 128, 64, 3, 2, 2}, {Schedule::Mma, 32, 160, 64, 2, 2, 2},
    {Schedule::Mma, 16, 64, 64, 4, 1, 4},  {Schedule::Mma, 16, 128, 64, 3, 1, 4},
    {Schedule::Mma, 64, 32, 64, 3, 4, 1},  {Schedule::Mma, 64, 64, 64, 3, 2, 2},
    {Schedule::Mma, 96, 32, 64, 3, 2, 2},  {Schedule::Mma, 96, 64, 64, 3, 2, 2},
    {Schedule::Mma, 64, 128, 64, 3, 2, 2}, {Schedule::Mma, 32, 64, 32, 2, 2, 2},
    {Schedule::Mma, 32, 32, 32, 2, 2, 2}};

// Columns: rows, columns, depth, stages, threads along rows and columns. A thread has patches of 4 columns.
static const Schedule kFfmaSchedules[] = {
    {Schedule::Ffma, 32, 32, 32, 2, 16, 8},  {Schedule::Ffma, 32, 64, 32, 2, 8, 16},
    {Schedule::Ffma, 32, 128, 32, 2, 4, 32}, {Schedule::Ffma, 64, 64, 32, 2, 8, 16},
    {Schedule::Ffma, 64, 128, 32, 2, 8, 16}, {Schedule::Ffma, 32, 64, 16, 2, 8, 16}};

std::string ProductSchedule::name() const {
  if (kind == General)
    return reason.empty() ? "general" : "general (" + reason + ")";
  return ((kind == Mma ? "mma " : "ffma ") + Twine(rows) + "x" + Twine(columns) + "x" + Twine(depth) + "x" +
          Twine(stages))
      .str();
}

OperandShape mlir::mlora::tileOfA(const Schedule &schedule, GemmOp op) {
  return op.getTransposeA() ? OperandShape{schedule.depth, schedule.rows}
                            : OperandShape{schedule.rows, schedule.depth};
}

OperandShape mlir::mlora::tileOfB(const Schedule &schedule, GemmOp op) {
  return op.getTransposeB() ? OperandShape{schedule.columns, schedule.depth}
                            : OperandShape{schedule.depth, schedule.columns};
}

int64_t mlir::mlora::sharedBytesOf(const Schedule &schedule, GemmOp op) {
  if (schedule.kind == Schedule::General)
    return Distributor::generalTileBytes();
  int64_t bytes = 0;
  for (OperandShape tile : {tileOfA(schedule, op), tileOfB(schedule, op)})
    bytes += tileBytes(tile.rows, tile.columns * schedule.elementBytes());
  return schedule.stages * bytes;
}

/// Why an operand cannot be copied to tiles of `elementBytes`; empty where it can.
static std::string whyNotCopied(StringRef name, Value memory, int64_t elementBytes) {
  std::optional<int64_t> stride = rowStrideOf(memory);
  if (!stride)
    return (name + " has rows at a distance known at run time only").str();
  // What lies in shared memory or has another type passes through registers, in pieces of any size.
  if (isScratch(memory) || elementBytesOf(memory) != elementBytes) {
    bool isPaired = rowAlignmentOf(memory) >= 4 && divisorOfDim(memory, 1) % 2 == 0;
    return elementBytesOf(memory) == 2 && !isPaired ? (name + " has odd rows of bf16").str() : "";
  }
  if (rowAlignmentOf(memory) % kChunkBytes == 0)
    return "";
  return (name + " has rows " + Twine(*stride * elementBytes) + " bytes apart, no multiple of 16").str();
}

/// What is not known is large.
static constexpr int64_t kUnknown = 4096;
/// What a step of K costs besides its copies, in elements copied.
static constexpr int64_t kMeeting = 256;
/// Products that cost as much as copying an element, those for padding too.
static constexpr int64_t kMmaOfCopy = 32, kFfmaOfCopy = 8;

Schedule mlir::mlora::chooseProduct(GemmOp op, int64_t sharedLimit) {
  auto isNarrow = [](Value memory) { return elementBytesOf(memory) == 2; };
  bool isMma = isNarrow(op.getA()) || isNarrow(op.getB());
  Schedule best;
  int64_t elementBytes = isMma ? 2 : 4;
  best.reason = whyNotCopied("a", op.getA(), elementBytes);
  if (best.reason.empty())
    best.reason = whyNotCopied("b", op.getB(), elementBytes);
  if (best.reason.empty() && !rowStrideOf(op.getC()))
    best.reason = "c has rows at a distance known at run time only";
  if (!best.reason.empty())
    return best;

  int64_t rows = mostOfDim(op.getC(), 0).value_or(kUnknown),
          columns = mostOfDim(op.getC(), 1).value_or(kUnknown);
  int64_t depth = mostOfDim(op.getA(), op.getTransposeA() ? 0 : 1).value_or(kUnknown);
  int64_t step = isMma ? 16 : 4, least = std::numeric_limits<int64_t>::max();
  for (Schedule schedule : isMma ? ArrayRef(kMmaSchedules) : ArrayRef(kFfmaSchedules)) {
    schedule.depth = std::min(schedule.depth, int64_t(llvm::alignTo(std::max<int64_t>(depth, 1), step)));
    if (sharedBytesOf(schedule, op) > sharedLimit)
      continue;
    int64_t tiles = llvm::divideCeil(rows, schedule.rows) * llvm::divideCeil(columns, schedule.columns);
    int64_t steps = llvm::divideCeil(depth, schedule.depth);
    int64_t copies = schedule.rows + schedule.columns;
    int64_t products = schedule.rows * schedule.columns / (isMma ? kMmaOfCopy : kFfmaOfCopy);
    int64_t cost = tiles * steps * ((copies + products) * schedule.depth + kMeeting);
    if (cost < least) {
      least = cost;
      best = schedule;
    }
  }
  if (best.kind == Schedule::General)
    best.reason = ("no more than " + Twine(sharedLimit) + " bytes of shared memory are left").str();
  return best;
}
