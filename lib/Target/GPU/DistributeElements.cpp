//===- DistributeElements.cpp - elements and row sums by all threads of a team --------===//
//
// A thread has 16 bytes of a row at a time where rows allow, otherwise 8 bytes or an element; what is
// computed on them is the op's body on vectors. Sums along a row: each lane's elements in order, then its
// vector folded by halves, then the lanes.

#include "Distributor.h"

#include "../CPU/Building.h"
#include "../CPU/Reduction.h"
#include "MemoryFacts.h"

using namespace mlir;
using namespace mlir::mlora;

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

//===- Vectors ------------------------------------------------------------------------===//

/// Whether the body means the same on vectors.
static bool isElementwise(linalg::GenericOp op) {
  return llvm::all_of(op.getBody()->without_terminator(), [](Operation &inner) {
    bool isPlain = llvm::all_of(inner.getResultTypes(), [](Type type) { return type.isIntOrFloat(); });
    return isPlain &&
           (inner.hasTrait<OpTrait::ConstantLike>() || OpTrait::hasElementwiseMappableTraits(&inner));
  });
}

/// Elements that a thread has at a time: at most 16 bytes of any operand, none of them across the end of a
/// row.
static int64_t widthOf(linalg::GenericOp op, Value columns) {
  if (op.getNumLoops() == 0 || !isElementwise(op))
    return 1;
  unsigned innermost = op.getNumLoops() - 1;
  std::optional<int64_t> width;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!type || !map.isFunctionOfDim(innermost))
      continue;
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (expr.isFunctionOfDim(innermost) != (int64_t(i) + 1 == type.getRank()))
        return 1;
    if (!type.getElementType().isF32() && !type.getElementType().isBF16() &&
        !type.getElementType().isInteger(32))
      return 1;
    int64_t wide = rowAlignmentOf(operand.get()) / elementBytesOf(operand.get());
    width = std::min(width.value_or(wide), wide);
  }
  int64_t found = width.value_or(1);
  while (divisorOf(columns) % found != 0)
    found /= 2;
  return found;
}

/// A number as a vector of equal ones.
static Value spread(ImplicitLocOpBuilder &b, Value value, int64_t width) {
  if (width == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(b, VectorType::get({width}, value.getType()), value);
}

/// An op of the body on vectors.
static Value vectorize(ImplicitLocOpBuilder &b, Operation &inner, int64_t width, IRMapping &map) {
  OperationState state(b.getLoc(), inner.getName());
  for (Value operand : inner.getOperands())
    state.addOperands(spread(b, map.lookupOrDefault(operand), width));
  state.addTypes(VectorType::get({width}, inner.getResult(0).getType()));
  state.addAttributes(inner.getAttrs());
  return b.create(state)->getResult(0);
}

//===- The body -----------------------------------------------------------------------===//

static Value evaluate(ImplicitLocOpBuilder &b, AffineExpr expr, ArrayRef<Value> at) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return at[dim.getPosition()];
  return arith::ConstantIndexOp::create(b, cast<AffineConstantExpr>(expr).getValue());
}

SmallVector<Value> Distributor::indices(linalg::GenericOp op, OpOperand &operand, ArrayRef<Value> at) {
  return llvm::map_to_vector(op.getMatchingIndexingMap(&operand).getResults(),
                             [&](AffineExpr expr) { return evaluate(b, expr, at); });
}

/// What an access of `width` elements is aligned to.
static llvm::MaybeAlign alignmentOf(Value memory, int64_t width) {
  return llvm::MaybeAlign(width * elementBytesOf(memory));
}

SmallVector<Value> Distributor::body(linalg::GenericOp op, ArrayRef<Value> at, int64_t width,
                                     ValueRange before) {
  IRMapping map;
  for (OpOperand &operand : op->getOpOperands()) {
    Value argument = op.getMatchingBlockArgument(&operand), memory = operand.get();
    if (!before.empty() && op.isDpsInit(&operand)) {
      map.map(argument, before[operand.getOperandNumber() - op.getNumDpsInputs()]);
    } else if (!isa<MemRefType>(memory.getType())) {
      map.map(argument, memory);
    } else if (!argument.use_empty()) {
      SmallVector<Value> place = indices(op, operand, at);
      bool isWide = width > 1 && op.getMatchingIndexingMap(&operand).isFunctionOfDim(op.getNumLoops() - 1);
      auto vector = VectorType::get({width}, argument.getType());
      map.map(argument, isWide ? vector::LoadOp::create(b, vector, memory, place, /*nontemporal=*/false,
                                                        ::alignmentOf(memory, width))
                                     .getResult()
                               : memref::LoadOp::create(b, memory, place).getResult());
    }
  }
  for (Operation &inner : op.getBody()->without_terminator())
    if (auto which = dyn_cast<linalg::IndexOp>(inner))
      map.map(which.getResult(), at[which.getDim()]);
    else if (width == 1 || inner.hasTrait<OpTrait::ConstantLike>())
      b.clone(inner, map);
    else
      map.map(inner.getResult(0), vectorize(b, inner, width, map));
  return llvm::map_to_vector(op.getBody()->getTerminator()->getOperands(),
                             [&](Value value) { return spread(b, map.lookupOrDefault(value), width); });
}

//===- Elements -----------------------------------------------------------------------===//

LogicalResult Distributor::distribute(linalg::GenericOp op, const Team &team) {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("must work on memrefs");
  SmallVector<Value> sizes = loopSizes(b, op);
  int64_t width = sizes.empty() ? 1 : widthOf(op, sizes.back());
  widest = std::max(widest, width);
  bool isSum = op.getNumReductionLoops() > 0;
  SmallVector<PendingAccesses::Access> accesses;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    bool isOwn = !isSum && op.getMatchingIndexingMap(&operand).isIdentity();
    accesses.push_back(
        {operand.get(), op.isDpsInit(&operand), isOwn ? Distribution{sizes, width} : Distribution()});
  }
  access(accesses, team);
  if (!isSum)
    elements(op, sizes, width, team);
  else if (failed(reduction(op, sizes, width, team)))
    return failure();
  op.erase();
  return success();
}

void Distributor::elements(linalg::GenericOp op, ArrayRef<Value> sizes, int64_t width, const Team &team) {
  Value first = team.level == Team::Thread ? index(0) : times(team.rank, index(width));
  loop("element", first, named(product(sizes), "elements"), team.size * width, [&](Value position) {
    SmallVector<Value> at = delinearize(position, sizes);
    SmallVector<Value> values = body(op, at, width, {});
    for (auto [operand, value] : llvm::zip(op.getDpsInitsMutable(), values)) {
      SmallVector<Value> place = indices(op, operand, at);
      if (width == 1)
        memref::StoreOp::create(b, value, operand.get(), place);
      else
        vector::StoreOp::create(b, value, operand.get(), place, /*nontemporal=*/false,
                                ::alignmentOf(operand.get(), width));
    }
  });
}

//===- Sums ---------------------------------------------------------------------------===//

/// The innermost loop is summed into the outputs.
LogicalResult Distributor::reduction(linalg::GenericOp op, ArrayRef<Value> sizes, int64_t width,
                                     const Team &team) {
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
      sums.push_back(spread(b, constant(getNeutral(combiner)), width));
    auto along = scf::ForOp::create(b, times(lane, index(width)), sizes.back(),
                                    index((isAlone ? 1 : kWarp) * width), sums);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(along.getBody());
      at.back() = named(along.getInductionVar(), "column");
      scf::YieldOp::create(b, body(op, at, width, along.getRegionIterArgs()));
    }
    sums = along.getResults();
    for (auto [sum, combiner] : llvm::zip(sums, combiners))
      if (width > 1)
        sum = foldLanes(b, sum,
                        [&, combiner = combiner](Value a, Value c) { return combine(b, combiner, a, c); });
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
