//===- Vectorize.cpp - linalg on blocks to loops over vectors ---------------------===//
//
// One loop dimension becomes vectors of kLanes elements (for f32: two AVX2 registers or one of AVX-512); the
// others become scf.for. A remainder is a narrower vector or a masked one, never a scalar loop. Sums have a
// fixed order: it depends on extents alone.

#include "Building.h"
#include "Reduction.h"
#include "mlora/Dialect/MLora.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_VECTORIZE
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

/// Independent partial results of a long reduction: enough to hide the latency of an addition.
static constexpr int64_t kAccumulators = 4;

namespace {

/// How an operand moves along the vectorised dimension.
enum class Access { Uniform, Contiguous, Gather, Unsupported };

class Vectorizer {
public:
  explicit Vectorizer(linalg::GenericOp op) : op(op), b(op.getLoc(), op), loops(op.getNumLoops()) {}
  LogicalResult run();

private:
  // Shapes.
  Access classify(OpOperand &operand, unsigned dim);
  std::string whyNot(unsigned dim);
  std::optional<unsigned> chooseDimension();
  std::pair<int64_t, Value> extent(unsigned dim);
  SmallVector<Value> indices(OpOperand &operand, ArrayRef<Value> at);
  Value evaluate(AffineExpr expr, ArrayRef<Value> at);

  // Loops.
  void outerLoops(ArrayRef<unsigned> dims, function_ref<void()> inner);
  Value forLoop(Value from, Value to, int64_t step, ValueRange inits, SmallVectorImpl<Value> &results,
                function_ref<SmallVector<Value>(Value, ValueRange)> body);
  void vectorRow();
  void scalarElement();

  // Bodies.
  void hoistUniform();
  SmallVector<Value> vectorBody(Value base, int64_t lanes, Value mask, ValueRange accumulators);
  Value asVector(Value value, int64_t lanes);
  Value vectorOf(Value value, IRMapping &map, int64_t lanes);
  Value loadVector(Value memory, ValueRange at, Type element, int64_t lanes, Value mask);
  Value gatherVector(OpOperand &operand, ValueRange at, int64_t lanes, Value mask);
  Value reduceToScalar(Operation *combiner, Value vector);
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  VectorType vectorType(Type element, int64_t lanes) { return VectorType::get({lanes}, element); }

  linalg::GenericOp op;
  ImplicitLocOpBuilder b;
  unsigned loops;
  unsigned dim = 0;                 ///< the vectorised one
  SmallVector<Value> position;      ///< loop indices; null for `dim`
  IRMapping uniform;                ///< values of the body that do not change along `dim`
  SmallVector<unsigned> reductions; ///< outputs that `dim` is summed into
};

} // namespace

//===- Shapes -------------------------------------------------------------------===//

static std::optional<SmallVector<int64_t>> getStrides(Value memory) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(cast<MemRefType>(memory.getType()).getStridesAndOffset(strides, offset)))
    return std::nullopt;
  return strides;
}

Access Vectorizer::classify(OpOperand &operand, unsigned dim) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (!type || !map.isFunctionOfDim(dim))
    return Access::Uniform;
  auto strides = getStrides(operand.get());
  if (!strides || strides->back() != 1)
    return Access::Unsupported;
  std::optional<unsigned> place;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    if (!expr.isFunctionOfDim(dim))
      continue;
    if (place || !isa<AffineDimExpr>(expr))
      return Access::Unsupported;
    place = i;
  }
  return *place + 1 == map.getNumResults() ? Access::Contiguous : Access::Gather;
}

/// Empty when `dim` can be vectorised.
std::string Vectorizer::whyNot(unsigned dim) {
  for (OpOperand &operand : op->getOpOperands()) {
    Access access = classify(operand, dim);
    bool isOutput = op.isDpsInit(&operand);
    unsigned number = operand.getOperandNumber();
    if (access == Access::Unsupported || (isOutput && access == Access::Gather))
      return "operand " + std::to_string(number) + " is not contiguous along it";
    if (isOutput && access == Access::Uniform && !mlora::getCombiner(op, number - op.getNumDpsInputs()))
      return "output " + std::to_string(number - op.getNumDpsInputs()) +
             " is no sum, product or extremum over it";
  }
  // Values of the body that move along the dimension.
  llvm::DenseSet<Value> varying;
  for (OpOperand &operand : op->getOpOperands())
    if (op.isDpsInit(&operand) || classify(operand, dim) != Access::Uniform)
      varying.insert(op.getMatchingBlockArgument(&operand));
  for (Operation &inner : op.getBody()->without_terminator()) {
    auto which = dyn_cast<linalg::IndexOp>(inner);
    if (which ? which.getDim() != dim
              : llvm::none_of(inner.getOperands(), [&](Value v) { return varying.contains(v); }))
      continue;
    if (inner.getNumResults() == 1)
      varying.insert(inner.getResult(0));
    if (which || OpTrait::hasElementwiseMappableTraits(&inner))
      continue;
    auto load = dyn_cast<memref::LoadOp>(inner);
    auto strides = load ? getStrides(load.getMemRef()) : std::nullopt;
    if (!load || load.getIndices().empty() || !strides || strides->back() != 1)
      return "its body has " + inner.getName().getStringRef().str();
    auto last = load.getIndices().back().getDefiningOp<linalg::IndexOp>();
    if (!last || llvm::any_of(load.getIndices().drop_back(), [&](Value v) { return varying.contains(v); }))
      return "a load of its body is not contiguous along it";
  }
  return "";
}

std::optional<unsigned> Vectorizer::chooseDimension() {
  std::optional<unsigned> best;
  int64_t bestCost = 0;
  for (unsigned d = loops; d-- > 0;) {
    if (!whyNot(d).empty())
      continue;
    int64_t cost = extent(d).first == 1 ? 2 : 0;
    for (OpOperand &operand : op->getOpOperands())
      cost += classify(operand, d) == Access::Gather ? 4 : 0;
    if (!best || cost < bestCost)
      best = d, bestCost = cost;
  }
  return best;
}

/// A loop's extent: static, or kDynamic and the operand and dimension that tell (as memref.dim, made on
/// demand).
std::pair<int64_t, Value> Vectorizer::extent(unsigned d) {
  std::pair<int64_t, Value> found = {ShapedType::kDynamic, Value()};
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    for (auto [i, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      if (expr != getAffineDimExpr(d, op.getContext()))
        continue;
      if (!type.isDynamicDim(i))
        return {type.getDimSize(i), Value()};
      if (!found.second)
        found.second = operand.get();
    }
  }
  return found;
}

/// The loop's extent as a value.
static Value extentValue(ImplicitLocOpBuilder &b, linalg::GenericOp op, unsigned d) {
  Value dynamic;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    for (auto [i, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      if (expr != getAffineDimExpr(d, op.getContext()))
        continue;
      if (!type.isDynamicDim(i))
        return arith::ConstantIndexOp::create(b, type.getDimSize(i));
      if (!dynamic)
        dynamic = b.createOrFold<memref::DimOp>(operand.get(), i);
    }
  }
  return dynamic;
}

Value Vectorizer::evaluate(AffineExpr expr, ArrayRef<Value> at) {
  if (auto d = dyn_cast<AffineDimExpr>(expr))
    return at[d.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return index(constant.getValue());
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = evaluate(binary.getLHS(), at), rhs = evaluate(binary.getRHS(), at);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return b.createOrFold<arith::AddIOp>(lhs, rhs);
  case AffineExprKind::Mul:
    return b.createOrFold<arith::MulIOp>(lhs, rhs);
  case AffineExprKind::FloorDiv:
    return b.createOrFold<arith::DivUIOp>(lhs, rhs); // indices are not negative
  case AffineExprKind::CeilDiv:
    return b.createOrFold<arith::CeilDivUIOp>(lhs, rhs);
  default:
    return b.createOrFold<arith::RemUIOp>(lhs, rhs);
  }
}

SmallVector<Value> Vectorizer::indices(OpOperand &operand, ArrayRef<Value> at) {
  return llvm::map_to_vector(op.getMatchingIndexingMap(&operand).getResults(),
                             [&](AffineExpr expr) { return evaluate(expr, at); });
}

//===- Loops --------------------------------------------------------------------===//

LogicalResult Vectorizer::run() {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("must work on memrefs");
  position.resize(loops);
  if (llvm::any_of(llvm::seq<unsigned>(0, loops), [&](unsigned d) { return extent(d).first == 0; })) {
    op.erase();
    return success();
  }
  std::optional<unsigned> chosen = chooseDimension();
  if (!chosen) {
    // Scalar code is right where nothing could be read as a vector anyway; elsewhere it would hide a slow
    // kernel.
    if (loops > 0 && extent(loops - 1).first != 1)
      for (OpOperand &operand : op->getOpOperands())
        if (classify(operand, loops - 1) == Access::Contiguous)
          return op.emitOpError() << "cannot be vectorised along loop " << loops - 1 << ": "
                                  << whyNot(loops - 1);
    outerLoops(llvm::to_vector(llvm::seq<unsigned>(0, loops)), [&] { scalarElement(); });
    op.erase();
    return success();
  }
  dim = *chosen;
  for (OpOperand &operand : op.getDpsInitsMutable())
    if (classify(operand, dim) == Access::Uniform)
      reductions.push_back(operand.getOperandNumber() - op.getNumDpsInputs());
  SmallVector<unsigned> outer;
  for (unsigned d = 0; d < loops; ++d)
    if (d != dim)
      outer.push_back(d);
  outerLoops(outer, [&] { vectorRow(); });
  op.erase();
  return success();
}

void Vectorizer::outerLoops(ArrayRef<unsigned> dims, function_ref<void()> inner) {
  if (dims.empty())
    return inner();
  unsigned d = dims.front();
  if (extent(d).first == 1) {
    position[d] = index(0);
    return outerLoops(dims.drop_front(), inner);
  }
  buildLoop(b, index(0), extentValue(b, op, d), index(1), [&](scf::ForOp loop) {
    position[d] = loop.getInductionVar();
    outerLoops(dims.drop_front(), inner);
  });
}

/// A loop that carries values, unless it is known to run never or once.
Value Vectorizer::forLoop(Value from, Value to, int64_t step, ValueRange inits,
                          SmallVectorImpl<Value> &results,
                          function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto first = getConstantIntValue(from), last = getConstantIntValue(to);
  results.assign(inits.begin(), inits.end());
  if (first && last && *first >= *last)
    return to;
  if (first && last && *first + step >= *last) {
    results = body(from, inits);
    return to;
  }
  auto loop = buildLoop(b, from, to, index(step), inits,
                        [&](scf::ForOp op) { return body(op.getInductionVar(), op.getRegionIterArgs()); });
  results.assign(loop.getResults().begin(), loop.getResults().end());
  return to;
}

void Vectorizer::scalarElement() {
  IRMapping map;
  for (OpOperand &operand : op->getOpOperands()) {
    Value argument = op.getMatchingBlockArgument(&operand);
    if (!isa<MemRefType>(operand.get().getType()))
      map.map(argument, operand.get());
    else if (!argument.use_empty())
      map.map(argument, memref::LoadOp::create(b, operand.get(), indices(operand, position)));
  }
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (auto which = dyn_cast<linalg::IndexOp>(inner))
      map.map(which.getResult(), position[which.getDim()]);
    else
      b.clone(inner, map);
  }
  Operation *yield = op.getBody()->getTerminator();
  for (auto [operand, value] : llvm::zip(op.getDpsInitsMutable(), yield->getOperands()))
    memref::StoreOp::create(b, map.lookupOrDefault(value), operand.get(), indices(operand, position));
}

/// The vectorised dimension at one position of the others: full vectors, then the rest.
void Vectorizer::vectorRow() {
  hoistUniform();
  int64_t size = extent(dim).first;
  bool isDynamic = ShapedType::isDynamic(size);
  bool isReduction = !reductions.empty();
  int64_t lanes = isDynamic ? kLanes : std::min<int64_t>(kLanes, llvm::PowerOf2Ceil(size));
  Value zero = index(0), end = extentValue(b, op, dim);
  Operation *yield = op.getBody()->getTerminator();

  SmallVector<Operation *> combiners;
  SmallVector<Value> accumulators;
  for (unsigned output : reductions) {
    combiners.push_back(mlora::getCombiner(op, output));
    auto type = vectorType(yield->getOperand(output).getType(), lanes);
    accumulators.push_back(arith::ConstantOp::create(
        b, type, DenseElementsAttr::get(type, mlora::getNeutral(combiners.back()))));
  }

  auto boundary = [&](int64_t step) -> Value {
    if (!isDynamic)
      return index(size / step * step);
    return arith::MulIOp::create(b, arith::DivUIOp::create(b, end, index(step)), index(step));
  };
  // Full vectors, `unroll` at a time, each with partial results of its own, which are folded by halves.
  Value done = zero;
  size_t count = accumulators.size();
  auto fullVectors = [&](int64_t unroll) {
    SmallVector<Value> initial, results;
    for (int64_t i = 0; i < unroll; ++i)
      llvm::append_range(initial, accumulators);
    int64_t step = lanes * unroll;
    done = forLoop(done, boundary(step), step, initial, results, [&](Value base, ValueRange parts) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < unroll; ++i) {
        Value at = i == 0 ? base : b.createOrFold<arith::AddIOp>(base, index(i * lanes));
        llvm::append_range(next, vectorBody(at, lanes, Value(), parts.slice(i * count, count)));
      }
      return next;
    });
    for (int64_t width = unroll / 2; width > 0; width /= 2)
      for (size_t i = 0; i < width * count; ++i)
        results[i] = mlora::combine(b, combiners[i % count], results[i], results[i + width * count]);
    accumulators.assign(results.begin(), results.begin() + count);
  };
  if (isReduction && (isDynamic || size >= lanes * kAccumulators))
    fullVectors(kAccumulators);
  fullVectors(1);

  if (isDynamic) {
    Value hasRest = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, done, end);
    auto rest = scf::IfOp::create(b, ValueRange(accumulators).getTypes(), hasRest, /*addThenBlock=*/true,
                                  /*addElseBlock=*/isReduction);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(rest.thenBlock());
    Value left = arith::SubIOp::create(b, end, done);
    Value mask = vector::CreateMaskOp::create(b, vectorType(b.getI1Type(), lanes), left);
    scf::YieldOp::create(b, vectorBody(done, lanes, mask, accumulators));
    if (isReduction) {
      b.setInsertionPointToStart(rest.elseBlock());
      scf::YieldOp::create(b, accumulators);
    }
    accumulators.assign(rest.getResults().begin(), rest.getResults().end());
  } else if (int64_t left = size % lanes) {
    int64_t narrow = isReduction ? lanes : llvm::PowerOf2Ceil(left);
    Value mask;
    if (left != narrow)
      mask = vector::ConstantMaskOp::create(b, vectorType(b.getI1Type(), narrow), ArrayRef<int64_t>{left});
    accumulators = vectorBody(done, narrow, mask, accumulators);
  }
  for (auto [output, combiner, accumulator] : llvm::zip(reductions, combiners, accumulators)) {
    OpOperand &operand = op.getDpsInitsMutable()[output];
    SmallVector<Value> at = indices(operand, position);
    Value before = memref::LoadOp::create(b, operand.get(), at);
    memref::StoreOp::create(b, mlora::combine(b, combiner, before, reduceToScalar(combiner, accumulator)),
                            operand.get(), at);
  }
}

//===- Bodies -------------------------------------------------------------------===//

/// Loads and computes, once a row, what does not change along it.
void Vectorizer::hoistUniform() {
  uniform.clear();
  for (OpOperand &operand : op->getOpOperands()) {
    Value argument = op.getMatchingBlockArgument(&operand);
    if (!isa<MemRefType>(operand.get().getType()))
      uniform.map(argument, operand.get());
    else if (!op.isDpsInit(&operand) && classify(operand, dim) == Access::Uniform && !argument.use_empty())
      uniform.map(argument, memref::LoadOp::create(b, operand.get(), indices(operand, position)));
  }
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (auto which = dyn_cast<linalg::IndexOp>(inner)) {
      if (which.getDim() != dim)
        uniform.map(which.getResult(), position[which.getDim()]);
      continue;
    }
    if (llvm::all_of(inner.getOperands(), [&](Value value) {
          return uniform.contains(value) || value.getParentBlock() != op.getBody();
        }))
      b.clone(inner, uniform);
  }
}

Value Vectorizer::asVector(Value value, int64_t lanes) {
  if (isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(b, vectorType(value.getType(), lanes), value);
}

Value Vectorizer::vectorOf(Value value, IRMapping &map, int64_t lanes) {
  if (Value varying = map.lookupOrNull(value))
    return varying;
  return asVector(uniform.lookupOrDefault(value), lanes);
}

Value Vectorizer::loadVector(Value memory, ValueRange at, Type element, int64_t lanes, Value mask) {
  auto type = vectorType(element, lanes);
  if (!mask)
    return vector::LoadOp::create(b, type, memory, at);
  // Lanes outside are 1 where integers could be divisors.
  TypedAttr outside =
      isa<FloatType>(element) ? TypedAttr(b.getFloatAttr(element, 0)) : b.getIntegerAttr(element, 1);
  Value pass = arith::ConstantOp::create(b, type, DenseElementsAttr::get(type, outside));
  return vector::MaskedLoadOp::create(b, type, memory, at, mask, pass);
}

/// Elements a row stride apart.
Value Vectorizer::gatherVector(OpOperand &operand, ValueRange at, int64_t lanes, Value mask) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  unsigned place = 0;
  while (!map.getResult(place).isFunctionOfDim(dim))
    ++place;
  int64_t stride = (*getStrides(operand.get()))[place];
  Value step = ShapedType::isDynamic(stride)
                   ? memref::ExtractStridedMetadataOp::create(b, operand.get()).getStrides()[place]
                   : index(stride);
  auto type = vectorType(cast<MemRefType>(operand.get().getType()).getElementType(), lanes);
  auto places = vectorType(b.getIndexType(), lanes);
  Value offsets = arith::MulIOp::create(b, vector::StepOp::create(b, places), asVector(step, lanes));
  if (!mask)
    mask = vector::ConstantMaskOp::create(b, vectorType(b.getI1Type(), lanes), ArrayRef<int64_t>{lanes});
  Value pass = arith::ConstantOp::create(b, type, b.getZeroAttr(type));
  return vector::GatherOp::create(b, type, operand.get(), at, offsets, mask, pass);
}

/// The body on `lanes` elements from `base`: stores what moves along the row, returns the accumulators.
SmallVector<Value> Vectorizer::vectorBody(Value base, int64_t lanes, Value mask, ValueRange accumulators) {
  IRMapping map;
  SmallVector<Value> at = position;
  at[dim] = base;
  for (OpOperand &operand : op->getOpOperands()) {
    Value argument = op.getMatchingBlockArgument(&operand);
    Access access = classify(operand, dim);
    if (access == Access::Uniform || argument.use_empty())
      continue;
    map.map(argument, access == Access::Gather
                          ? gatherVector(operand, indices(operand, at), lanes, mask)
                          : loadVector(operand.get(), indices(operand, at), argument.getType(), lanes, mask));
  }
  SmallVector<Operation *> combiners =
      llvm::map_to_vector(reductions, [&](unsigned i) { return mlora::getCombiner(op, i); });
  for (Operation &inner : op.getBody()->without_terminator()) {
    Value result = inner.getResult(0);
    if (uniform.contains(result) || llvm::is_contained(combiners, &inner))
      continue;
    if (isa<linalg::IndexOp>(inner)) {
      Value step = vector::StepOp::create(b, vectorType(b.getIndexType(), lanes));
      map.map(result, arith::AddIOp::create(b, asVector(base, lanes), step));
    } else if (auto load = dyn_cast<memref::LoadOp>(inner)) {
      SmallVector<Value> from =
          llvm::map_to_vector(load.getIndices(), [&](Value value) { return uniform.lookupOrDefault(value); });
      from.back() = base;
      map.map(result,
              loadVector(uniform.lookupOrDefault(load.getMemRef()), from, result.getType(), lanes, mask));
    } else {
      SmallVector<Value> operands =
          llvm::map_to_vector(inner.getOperands(), [&](Value value) { return vectorOf(value, map, lanes); });
      OperationState state(inner.getLoc(), inner.getName(), operands, {vectorType(result.getType(), lanes)},
                           inner.getAttrs());
      map.map(result, b.create(state)->getResult(0));
    }
  }
  SmallVector<Value> next;
  Operation *yield = op.getBody()->getTerminator();
  for (auto [number, value] : llvm::enumerate(yield->getOperands())) {
    OpOperand &operand = op.getDpsInitsMutable()[number];
    if (llvm::is_contained(reductions, number)) {
      Operation *combiner = combiners[next.size()];
      Value before = accumulators[next.size()];
      bool isFirst = combiner->getOperand(0) == op.getRegionOutputArgs()[number];
      Value sum = mlora::combine(b, combiner, before, vectorOf(combiner->getOperand(isFirst), map, lanes));
      next.push_back(mask ? arith::SelectOp::create(b, mask, sum, before) : sum);
      continue;
    }
    Value vector = vectorOf(value, map, lanes);
    if (mask)
      vector::MaskedStoreOp::create(b, operand.get(), indices(operand, at), mask, vector);
    else
      vector::StoreOp::create(b, vector, operand.get(), indices(operand, at));
  }
  return next;
}

Value Vectorizer::reduceToScalar(Operation *combiner, Value vector) {
  return foldLanes(b, vector, [&](Value x, Value y) { return mlora::combine(b, combiner, x, y); });
}

//===- Pass ---------------------------------------------------------------------===//

namespace {
struct Vectorize : mlora::impl::VectorizeBase<Vectorize> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // A block is one thread's: what could be shared out is a loop.
    SmallVector<scf::ForallOp> shared;
    getOperation()->walk([&](scf::ForallOp op) { shared.push_back(op); });
    for (scf::ForallOp op : shared) {
      rewriter.setInsertionPoint(op);
      if (failed(scf::forallToForLoop(rewriter, op))) {
        op.emitOpError("has no form as loops");
        return signalPassFailure();
      }
    }
    SmallVector<Operation *> work;
    getOperation()->walk([&](Operation *op) {
      if (isa<linalg::LinalgOp, memref::CopyOp>(op))
        work.push_back(op);
    });
    for (Operation *op : work) {
      if (llvm::any_of(op->getOperandTypes(),
                       [](Type type) { return getElementTypeOrSelf(type).isBF16(); })) {
        op->emitOpError("has bf16 operands, which are not built for the CPU: use f32");
        return signalPassFailure();
      }
      rewriter.setInsertionPoint(op);
      if (auto copy = dyn_cast<memref::CopyOp>(op))
        op = rewriter.replaceOpWithNewOp<linalg::CopyOp>(copy, copy.getSource(), copy.getTarget());
      auto generic = dyn_cast<linalg::GenericOp>(op);
      if (!generic) {
        FailureOr<linalg::GenericOp> made = linalg::generalizeNamedOp(rewriter, cast<linalg::LinalgOp>(op));
        if (failed(made)) {
          op->emitOpError("has no general form to vectorise");
          return signalPassFailure();
        }
        generic = *made;
      }
      if (failed(Vectorizer(generic).run()))
        return signalPassFailure();
    }
  }
};
} // namespace
