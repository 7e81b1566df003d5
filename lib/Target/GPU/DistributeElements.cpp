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

SmallVector<Value> mlir::mlora::loopSizes(ImplicitLocOpBuilder &b, linalg::GenericOp op) {
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

int64_t mlir::mlora::widthOf(linalg::GenericOp op, Value columns) {
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

Value mlir::mlora::spread(ImplicitLocOpBuilder &b, Value value, int64_t width) {
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

Value Distributor::load(linalg::GenericOp op, OpOperand &operand, ArrayRef<Value> at, int64_t width) {
  Value memory = operand.get();
  SmallVector<Value> place = indices(op, operand, at);
  if (width == 1 || !op.getMatchingIndexingMap(&operand).isFunctionOfDim(op.getNumLoops() - 1))
    return memref::LoadOp::create(b, memory, place);
  auto vector = VectorType::get({width}, cast<MemRefType>(memory.getType()).getElementType());
  return vector::LoadOp::create(b, vector, memory, place, /*nontemporal=*/false, ::alignmentOf(memory, width));
}

void Distributor::store(linalg::GenericOp op, OpOperand &operand, Value value, ArrayRef<Value> at,
                        int64_t width) {
  SmallVector<Value> place = indices(op, operand, at);
  if (width == 1)
    memref::StoreOp::create(b, value, operand.get(), place);
  else
    vector::StoreOp::create(b, value, operand.get(), place, /*nontemporal=*/false,
                            ::alignmentOf(operand.get(), width));
}

SmallVector<Value> Distributor::body(linalg::GenericOp op, ArrayRef<Value> at, int64_t width,
                                     function_ref<Value(OpOperand &)> read) {
  IRMapping map;
  for (OpOperand &operand : op->getOpOperands()) {
    Value argument = op.getMatchingBlockArgument(&operand);
    if (!isa<MemRefType>(operand.get().getType()))
      map.map(argument, operand.get());
    else if (!argument.use_empty())
      map.map(argument, read(operand));
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

/// What is stored at some places comes behind all loads.
void Distributor::elementsAt(linalg::GenericOp op, ArrayRef<SmallVector<Value>> places, int64_t width) {
  SmallVector<SmallVector<Value>> values;
  for (ArrayRef<Value> at : places)
    values.push_back(body(op, at, width, [&](OpOperand &operand) { return load(op, operand, at, width); }));
  for (auto [at, results] : llvm::zip(places, values))
    for (auto [operand, value] : llvm::zip(op.getDpsInitsMutable(), results))
      store(op, operand, value, at, width);
}

void Distributor::elements(linalg::GenericOp op, ArrayRef<Value> sizes, int64_t width, const Team &team) {
  bool isAlone = team.level == Team::Thread, isWide = width > 1 && !isAlone;
  Value first = isAlone ? index(0) : times(team.rank, index(width));
  int64_t step = team.size * width;
  std::optional<int64_t> columns = sizes.empty() ? std::nullopt : getConstantIntValue(sizes.back());
  if (isWide && columns && *columns >= step)
    return elementsOfRows(op, sizes, first, *columns, width, step);

  Value total = named(product(sizes), "elements"), from = first;
  auto at = [&](Value position) { return delinearize(position, sizes); };
  std::optional<int64_t> most = mostOf(total);
  if (isWide && atOnce > 1 && !(most && *most <= step)) {
    // Rounds in which every place is there; what is left comes one by one.
    Value end = b.createOrFold<arith::SubIOp>(total, index((atOnce - 1) * step));
    auto rounds = buildLoop(b, first, end, index(atOnce * step), first, [&](scf::ForOp loop) {
      Value position = named(loop.getInductionVar(), "element");
      SmallVector<SmallVector<Value>> places;
      for (int64_t i = 0; i < atOnce; ++i)
        places.push_back(at(plus(position, index(i * step))));
      elementsAt(op, places, width);
      return SmallVector<Value>{plus(position, index(atOnce * step))};
    });
    from = rounds.getResult(0);
  }
  loop("element", from, total, step, [&](Value position) { elementsAt(op, at(position), width); });
}

/// Rows of which a thread has one place at least: nothing is divided. Where a thread's places of a row are fewer than it
/// works on at once, several rows.
void Distributor::elementsOfRows(linalg::GenericOp op, ArrayRef<Value> sizes, Value first, int64_t columns,
                                 int64_t width, int64_t step) {
  ArrayRef<Value> outer = sizes.drop_back();
  Value rows = product(outer), from = index(0);
  int64_t steps = columns / step, together = columns % step ? 1 : std::max<int64_t>(1, atOnce / steps);
  if (together > 1) {
    Value end = b.createOrFold<arith::SubIOp>(rows, index(together - 1));
    auto rounds = buildLoop(b, from, end, index(together), from, [&](scf::ForOp loop) {
      Value row = named(loop.getInductionVar(), "row");
      SmallVector<SmallVector<Value>> places;
      for (int64_t i = 0; i < together; ++i)
        for (int64_t j = 0; j < steps; ++j) {
          places.push_back(delinearize(plus(row, index(i)), outer));
          places.back().push_back(named(plus(first, index(j * step)), "column"));
        }
      elementsAt(op, places, width);
      return SmallVector<Value>{plus(row, index(together))};
    });
    from = rounds.getResult(0);
  }
  loop("row", from, rows, 1, [&](Value row) {
    SmallVector<Value> prefix = delinearize(row, outer);
    auto placesFrom = [&](Value column, int64_t count) {
      SmallVector<SmallVector<Value>> places(count, prefix);
      for (auto [i, at] : llvm::enumerate(places))
        at.push_back(named(plus(column, index(i * step)), "column"));
      elementsAt(op, places, width);
    };
    int64_t whole = steps / atOnce * atOnce;
    if (whole == atOnce)
      placesFrom(first, atOnce);
    else if (whole > 0)
      loop("column", first, index(whole * step), atOnce * step,
           [&](Value column) { placesFrom(column, atOnce); });
    if (steps > whole)
      placesFrom(plus(first, index(whole * step)), steps - whole);
    if (int64_t rest = columns % step)
      when(less(first, index(rest)), [&] { placesFrom(plus(first, index(steps * step)), 1); });
  });
}

//===- Sums ---------------------------------------------------------------------------===//

void Distributor::foldVectors(MutableArrayRef<Value> sums, ArrayRef<Operation *> combiners, int64_t width) {
  for (auto [sum, combiner] : llvm::zip(sums, combiners))
    if (width > 1)
      sum = foldLanes(b, sum,
                      [&, combiner = combiner](Value a, Value c) { return combine(b, combiner, a, c); });
}

void Distributor::foldWarp(MutableArrayRef<Value> sums, ArrayRef<Operation *> combiners) {
  for (int64_t distance = kWarp / 2; distance > 0; distance /= 2)
    for (auto [sum, combiner] : llvm::zip(sums, combiners)) {
      Value other = gpu::ShuffleOp::create(b, sum, int32_t(distance), int32_t(kWarp), gpu::ShuffleMode::XOR)
                        .getShuffleResult();
      sum = named(combine(b, combiner, sum, named(other, "other")), "sum");
    }
}

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
  int64_t step = (isAlone ? 1 : kWarp) * width;
  std::optional<int64_t> columns = getConstantIntValue(sizes.back());
  loop("row", first, named(product(outer), "rows"), isBlock ? warps : 1, [&](Value position) {
    SmallVector<Value> at = delinearize(position, outer), sums;
    at.push_back({});
    for (Operation *combiner : combiners)
      sums.push_back(spread(b, constant(getNeutral(combiner)), width));
    // In order, several loads at a time.
    auto along = [&](Value from, Value to, int64_t count) {
      auto loop = scf::ForOp::create(b, from, to, index(count * step), sums);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(loop.getBody());
      Value column = named(loop.getInductionVar(), "column");
      SmallVector<Value> partial(loop.getRegionIterArgs());
      for (int64_t i = 0; i < count; ++i) {
        at.back() = plus(column, index(i * step));
        partial = body(op, at, width, [&](OpOperand &operand) {
          return op.isDpsInit(&operand) ? partial[operand.getOperandNumber() - op.getNumDpsInputs()]
                                        : load(op, operand, at, width);
        });
      }
      scf::YieldOp::create(b, partial);
      sums = loop.getResults();
    };
    Value begin = times(lane, index(width));
    if (int64_t whole = columns.value_or(0) / (atOnce * step) * (atOnce * step)) {
      along(begin, index(whole), atOnce);
      begin = plus(begin, index(whole));
    }
    if (!columns || *columns % (atOnce * step))
      along(begin, sizes.back(), 1);
    foldVectors(sums, combiners, width);
    if (!isAlone)
      foldWarp(sums, combiners);
    auto storeSums = [&] {
      for (auto [operand, combiner, sum] : llvm::zip(op.getDpsInitsMutable(), combiners, sums)) {
        SmallVector<Value> to = indices(op, operand, at);
        Value before = memref::LoadOp::create(b, operand.get(), to);
        memref::StoreOp::create(b, combine(b, combiner, before, sum), operand.get(), to);
      }
    };
    if (isAlone)
      return storeSums();
    when(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, index(0)), storeSums);
  });
  return success();
}
