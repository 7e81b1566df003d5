//===- RowSchedules.cpp - how warpgroups go through rows ------------------------------===//

#include "RowSchedules.h"

using namespace mlir;
using namespace mlir::mlora;

static constexpr int64_t kMostStages = 8, kMostSumTiles = 8;
static constexpr int64_t kMostProducts = 9; ///< of 64 ranks, of which a thread keeps the sums
static constexpr int64_t kSharedBytes = 227 * 1024, kParameterBytes = 4096, kMapBytes = 128;

/// Ops with sums, and what these need.
static SmallVector<Operation *> opsForSums(const RowSegment &rows) {
  SmallVector<Operation *> ops;
  SmallVector<Value> wanted;
  for (Operation *op : llvm::reverse(rows.ops)) {
    bool isWanted = RowElements::numSums(op) > 0 || llvm::any_of(op->getResults(), [&](Value value) {
                      return llvm::is_contained(wanted, value);
                    });
    if (!isWanted)
      continue;
    ops.insert(ops.begin(), op);
    llvm::append_range(wanted, op->getOperands());
  }
  return ops;
}

/// Results that are stored or multiplied take the place of sources that are not wanted behind them.
static StagedSegment layOut(const RowKernel &kernel, RowSegment rows) {
  StagedSegment segment;
  auto isKept = [&](Value value) {
    return !kernel.placesOf(value).empty() ||
           llvm::any_of(rows.products, [&](const RowProduct &product) { return product.operand == value; });
  };
  SmallVector<int64_t> free;
  for (Value source : rows.sources) {
    if (!isKept(source))
      free.push_back(segment.tiles);
    segment.tile[source] = segment.tiles++;
  }
  std::reverse(free.begin(), free.end());
  for (Operation *op : rows.ops)
    for (Value result : op->getResults())
      if (isKept(result))
        segment.tile[result] = free.empty() ? segment.tiles++ : free.pop_back_val();
  int64_t offset = segment.tiles * RowSteps::kTileBytes;
  for (const RowProduct &product : rows.products) {
    segment.products.push_back({product, offset});
    offset += segment.products.back().bytes();
  }
  segment.sumOps = opsForSums(rows);
  segment.sumSources = rows.readBy(segment.sumOps);
  for (Operation *op : segment.sumOps)
    segment.numSums += RowElements::numSums(op);
  segment.rows = std::move(rows);
  return segment;
}

/// The most tiles of each source that a stage holds, and steps divide.
static int64_t sumTilesOf(const StagedSegment &segment, int64_t stageBytes) {
  int64_t bytes = RowSteps::kTileBytes * std::max<int64_t>(segment.sumSources.size(), 1);
  int64_t tiles = std::min(kMostSumTiles, stageBytes / bytes);
  while (segment.steps() % tiles != 0)
    --tiles;
  return tiles;
}

std::optional<RowSchedule> mlir::mlora::scheduleRows(KernelOp op, const RowKernel &kernel) {
  RowSchedule s;
  int64_t withSums = 0, numProducts = 0;
  for (const RowSegment &rows : kernel.segments) {
    StagedSegment segment = layOut(kernel, rows);
    if (rows.columns % RowSteps::kDepth != 0)
      return std::nullopt;
    for (const StagedProduct &product : segment.products) {
      if (product.op.ranks % 16 != 0) // a warp's
        return std::nullopt;
      s.products += product.count();
      s.endBytes += product.count() * RowSteps::kQuads * RowSteps::kQuadBytes +
                    RowSteps::kRows * product.stagedStride();
      ++numProducts;
    }
    withSums += segment.numSums > 0;
    s.sumBytes = std::max(s.sumBytes, RowSteps::kConsumers * segment.numSums * RowSteps::kRows * 4);
    s.stageBytes = std::max(s.stageBytes, segment.bytes());
    s.segments.push_back(std::move(segment));
  }
  int64_t step = 0;
  for (StagedSegment &segment : s.segments) {
    segment.sumTiles = sumTilesOf(segment, s.stageBytes);
    segment.sumsFirst = step;
    segment.first = step + segment.sumSteps();
    step = segment.first + segment.steps();
  }
  int64_t left =
      kSharedBytes - SwizzledMatrix::kAlignment - llvm::alignTo(s.sumBytes, SwizzledMatrix::kAlignment);
  s.stages = std::min(kMostStages, left / s.stageBytes);
  int64_t buffers = op.getArgumentTypes().size() + op.getResultTypes().size();
  int64_t parameters = llvm::alignTo(8 * (buffers + 2), kMapBytes) + kMapBytes * (buffers + numProducts);
  // Of several segments with sums one would overwrite another's.
  bool fits = s.stages >= 2 && s.products <= kMostProducts && withSums <= 1 && s.endBytes <= left &&
              parameters <= kParameterBytes;
  return fits ? std::optional(std::move(s)) : std::nullopt;
}

std::string RowSchedule::name() const {
  SmallVector<std::string> names;
  for (const StagedSegment &segment : segments)
    for (const StagedProduct &product : segment.products) {
      std::string name = (Twine(RowSteps::kRows) + "x" + Twine(product.op.ranks) + "x" +
                          Twine(RowSteps::kDepth) + "x" + Twine(stages))
                             .str();
      if (!llvm::is_contained(names, name))
        names.push_back(name);
    }
  return ("rows " + Twine(RowSteps::kRows) + ", wgmma " + llvm::join(names, ", ")).str();
}
