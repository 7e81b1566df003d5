//===- AttentionSchedules.cpp - which kernel has which schedule -----------------------===//

#include "CachedKeys.h"
#include "WarpgroupAttention.h"

#include "mlora/Dialect/TensorCores.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;

// Tried in order: the first that is wide enough and fits the chip's shared memory. Registers decide most of
// them: a thread has 255, and a warp of 16 rows needs width / 2 for each result and half as many for each
// operand that it holds; docs/gpu.md has the sums.
// Columns: maxWidth, rows, columns, stages, warps, columnGroups, heldTiles.
static constexpr AttentionSchedule kForwardSchedules[] = {
    {64, 128, 64, 2, 4}, {128, 128, 64, 2, 8}, {256, 64, 32, 2, 4, 1, 0}};
// ptxas for sm_100 spilled with 32 rows a warp.
static constexpr AttentionSchedule kForwardSchedulesOfSm100[] = {{128, 128, 64, 2, 8},
                                                                 {256, 64, 32, 2, 4, 1, 0}};
// Over a cache: warps of 16 rows. ptxas for sm_100 spilled with 32 keys of heads of 256.
static constexpr AttentionSchedule kCachedSchedules[] = {{128, 64, 64, 2, 4}, {256, 64, 32, 2, 4, 1, 0}};
static constexpr AttentionSchedule kCachedSchedulesOfSm100[] = {{128, 64, 64, 2, 4},
                                                                {256, 64, 16, 3, 4, 1, 0}};
static constexpr AttentionSchedule kQueryGradSchedules[] = {
    {64, 128, 64, 2, 4}, {128, 64, 64, 2, 4}, {256, 64, 32, 2, 8, 2, 0}, {256, 64, 16, 2, 8, 2, 0}};
static constexpr AttentionSchedule kKeyValueGradSchedules[] = {{64, 128, 64, 2, 8},
                                                               {128, 128, 64, 2, 8, 1, 0},
                                                               {128, 64, 32, 2, 4, 1, 0},
                                                               {256, 32, 32, 2, 8, 4, 0},
                                                               {256, 32, 16, 2, 8, 4, 0}};

// With wgmma, on sm_90a: width, rows, columns, stages. 64 and 128 are whole tiles of 64 columns.
static constexpr WarpgroupSchedule kForwardWarpgroups[] = {{64, 128, 128, 2}, {128, 128, 128, 2}};
static constexpr WarpgroupSchedule kQueryGradWarpgroups[] = {{64, 128, 128, 3}, {128, 128, 64, 3}};
static constexpr WarpgroupSchedule kKeyValueGradWarpgroups[] = {{64, 128, 64, 3}, {128, 128, 32, 3}};

/// 90 of sm_90a.
static int64_t numberOf(StringRef chip) {
  int64_t number = 0;
  chip.drop_front(std::min<size_t>(chip.size(), 3)).take_while(llvm::isDigit).getAsInteger(10, number);
  return number;
}

/// Bytes of shared memory that a block may ask for.
static int64_t sharedLimit(StringRef chip) {
  int64_t number = numberOf(chip);
  bool isLarge = number >= 90 && number < 120;
  return 1024 * (isLarge ? 227 : number == 80 || number == 87 ? 163 : 99);
}

static const AttentionSchedule *choose(ArrayRef<AttentionSchedule> table, const AttentionKernel::Shape &shape,
                                       int64_t width, StringRef chip) {
  return llvm::find_if(table, [&](const AttentionSchedule &schedule) {
    return width <= schedule.maxWidth &&
           AttentionKernel::sharedBytes(schedule, shape, width) <= sharedLimit(chip);
  });
}

/// Whether a kernel can be built around its attention op: of its types and widths, with operands that can be
/// copied as they lie, and nothing behind it but what results go through on their way out.
static bool fits(KernelOp kernel, Operation *op) {
  if (!op || !fitsTensorCores(op) || kernel.getGridDimensions().size() != 2)
    return false;
  Block &body = kernel.getBody().front();
  auto isOperand = [](Value value) {
    if (auto window = value.getDefiningOp<WindowOp>())
      return isa<BlockArgument>(window.getInput()) && window.getAt()[0] == 0 &&
             movesInChunks(window.getInput().getType().getDimSize(1), window.getAt()[1]);
    return isa<BlockArgument>(value);
  };
  auto isPart = [&](Operation &other) {
    if (&other == op)
      return true;
    if (isa<WindowOp>(other))
      return llvm::all_of(other.getUsers(), [&](Operation *user) { return user == op; });
    if (auto rope = dyn_cast<RopeOp>(other))
      return gradientBehind(rope.getOutput()) == op;
    auto place = dyn_cast<PlaceOp>(other);
    return place && gradientBehind(place.getPart()) == op && place.getPart().hasOneUse() &&
           getElementTypeOrSelf(place.getOutput()).isBF16() && place.getAt()[0] == 0 &&
           movesInChunks(place.getOutput().getType().getDimSize(1), place.getAt()[1]);
  };
  return llvm::all_of(op->getOperands(), isOperand) && llvm::all_of(body.without_terminator(), isPart) &&
         llvm::all_of(op->getResults(), [&](Value value) {
           return getElementTypeOrSelf(value).isF32() || value.hasOneUse(); // bf16: stored in one place
         });
}

template <typename OpTy>
static FailureOr<gpu::GPUFuncOp> buildWarpgroups(KernelOp kernel, OpTy op, ArrayRef<WarpgroupSchedule> table,
                                                 const AttentionKernel::Shape &shape,
                                                 void (*emit)(WarpgroupAttention &, OpTy), OpBuilder &kernels,
                                                 StringRef chip) {
  int64_t width = op.getQuery().getType().getDimSize(1) / op.getHeads();
  auto schedule = llvm::find_if(table, [&](const WarpgroupSchedule &s) { return s.width == width; });
  if (chip != "sm_90a" || schedule == table.end())
    return failure();
  WarpgroupAttention attention(kernels, kernel, op, *schedule, shape);
  emit(attention, op);
  attention.finish();
  return attention.function;
}

template <typename OpTy>
static FailureOr<gpu::GPUFuncOp>
build(KernelOp kernel, OpTy op, ArrayRef<AttentionSchedule> table, const AttentionKernel::Shape &shape,
      void (*emit)(AttentionKernel &, OpTy), OpBuilder &kernels, StringRef chip) {
  int64_t width = op.getQuery().getType().getDimSize(1) / op.getHeads();
  const AttentionSchedule *schedule = choose(table, shape, width, chip);
  if (schedule == table.end())
    return failure();
  AttentionKernel attention(kernels, kernel, op, *schedule, shape);
  emit(attention, op);
  attention.finish();
  return attention.function;
}

FailureOr<gpu::GPUFuncOp> mlir::mlora::buildAttention(KernelOp kernel, OpBuilder &kernels, StringRef chip) {
  Operation *attention = attentionIn(kernel);
  if (!fits(kernel, attention))
    return failure();
  return llvm::TypeSwitch<Operation *, FailureOr<gpu::GPUFuncOp>>(attention)
      .Case([&](AttentionOp op) -> FailureOr<gpu::GPUFuncOp> {
        auto of = [&](const auto &table, const auto &ofSm100) {
          return numberOf(chip) >= 100 ? ArrayRef<AttentionSchedule>(ofSm100)
                                       : ArrayRef<AttentionSchedule>(table);
        };
        // Keys of a cache, of which each row sees two intervals of its own. The heads of a group are rows of
        // a warp.
        if (op.getAt() || op.getPrefixStart()) {
          if (op.getHeads() / op.getKvHeads() > 16)
            return failure();
          return build(kernel, op, of(kCachedSchedules, kCachedSchedulesOfSm100), kCachedShape,
                       buildAttentionCached, kernels, chip);
        }
        auto function = buildWarpgroups(kernel, op, kForwardWarpgroups, kForwardShape, buildWarpgroupForward,
                                        kernels, chip);
        return succeeded(function) ? function
                                   : build(kernel, op, of(kForwardSchedules, kForwardSchedulesOfSm100),
                                           kForwardShape, buildAttentionForward, kernels, chip);
      })
      .Case([&](AttentionQueryGradOp op) {
        auto function = buildWarpgroups(kernel, op, kQueryGradWarpgroups, kQueryGradShape,
                                        buildWarpgroupQueryGrad, kernels, chip);
        return succeeded(function) ? function
                                   : build(kernel, op, kQueryGradSchedules, kQueryGradShape,
                                           buildAttentionQueryGrad, kernels, chip);
      })
      .Case([&](AttentionKeyValueGradOp op) {
        auto function = buildWarpgroups(kernel, op, kKeyValueGradWarpgroups, kKeyValueGradShape,
                                        buildWarpgroupKeyValueGrad, kernels, chip);
        return succeeded(function) ? function
                                   : build(kernel, op, kKeyValueGradSchedules, kKeyValueGradShape,
                                           buildAttentionKeyValueGrad, kernels, chip);
      });
}
