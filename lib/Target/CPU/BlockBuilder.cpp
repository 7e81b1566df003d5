//===- BlockBuilder.cpp - builds one kernel's block ------------------------------===//

#include "BlockBuilder.h"

#include "Building.h"

#include "mlora/Dialect/Names.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <cfloat>

using namespace mlir;
using namespace mlir::mlora;

static constexpr int64_t kAlignment = 64;
static constexpr StringLiteral kScalarNames[] = {"rows", "counted_rows", "kv_rows", "accumulate"};

std::optional<Scalar> mlir::mlora::findScalar(StringRef name) {
  auto *found = llvm::find(kScalarNames, name);
  return found == std::end(kScalarNames) ? std::nullopt : std::optional(Scalar(found - kScalarNames));
}

MemRefType BlockMemory::rowByRow(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(), type.getElementType());
}

BlockMemory BlockMemory::makeFunction(OpBuilder &builder, Operation *kernel, ArrayRef<MemRefType> buffers,
                                      ArrayAttr grid) {
  SmallVector<Type> types(buffers.begin(), buffers.end());
  types.push_back(MemRefType::get({kNumScalars}, builder.getI64Type()));
  types.push_back(MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()));
  types.push_back(builder.getIndexType());
  BlockMemory memory;
  memory.function = func::FuncOp::create(builder, kernel->getLoc(), SymbolTable::getSymbolName(kernel),
                                         builder.getFunctionType(types, {}));
  memory.function->setAttr("mlora.grid", grid);
  Block *entry = memory.function.addEntryBlock();
  auto others = entry->getArguments().take_back(3);
  static constexpr StringLiteral names[] = {"scalars", "scratch", "block"};
  for (auto [argument, name] : llvm::zip_equal(others, names))
    argument.setLoc(withName(kernel->getLoc(), name));
  memory.scalars = others[0], memory.scratch = others[1], memory.block = others[2];
  return memory;
}

BlockBuilder::BlockBuilder(KernelOp kernel, const BlockMemory &memory, const OpBuilder &at,
                           const BlockShape &shape)
    : ImplicitLocOpBuilder(kernel.getLoc(), at), kernel(kernel), function(memory.function),
      grid(kernel.getGridDimensions()), block(memory.block), shape(shape), operands(memory.operands),
      results(memory.results), scratchArgument(memory.scratch) {
  for (int i = 0; i < kNumScalars; ++i) {
    auto cast = arith::IndexCastOp::create(*this, getIndexType(), load(memory.scalars, index(i)));
    cast->setLoc(withName(getLoc(), kScalarNames[i]));
    scalars.push_back(cast);
  }

  // Row-major: the last dimension is the fastest.
  Value rest = block;
  position.resize(grid.size());
  for (size_t i = grid.size(); i-- > 0;) {
    std::optional<Scalar> extent = findScalar(grid[i].extent);
    if (!grid[i].extent.empty() && !extent)
      fail(kernel, "grid over unknown extent '" + grid[i].extent + "'");
    Value size = extent ? scalar(*extent) : index(grid[i].size);
    Value blocks = over(plus(size, index(grid[i].block - 1)), grid[i].block);
    position[i] = i == 0 ? rest : createOrFold<arith::RemUIOp>(rest, blocks);
    if (i > 0)
      rest = createOrFold<arith::DivUIOp>(rest, blocks);
    if (i + 1 < grid.size())
      continue;
    blockRows = grid[i].block;
    first = times(position[i], blockRows);
    bool isFull = blockRows == 1 || (!extent && grid[i].size % blockRows == 0);
    count = isFull ? index(blockRows) : least(index(blockRows), minus(size, first));
    for (auto [value, name] : {std::pair(first, "first"), std::pair(count, "count")})
      if (value.getDefiningOp() && value.use_empty()) // otherwise it has a name already
        value.setLoc(withName(getLoc(), name));
  }
}

void BlockBuilder::fail(Operation *op, const Twine &message) {
  op->emitOpError(message);
  hasFailed = true;
}

Value BlockBuilder::placeholder(Type type) {
  return UnrealizedConversionCastOp::create(*this, TypeRange{BlockMemory::rowByRow(type)}, block)
      .getResult(0);
}

//===- Memory -----------------------------------------------------------------===//

std::optional<unsigned> BlockBuilder::resultIndex(Value value) {
  ValueRange yielded = kernel.getBody().front().getTerminator()->getOperands();
  auto found = llvm::find(yielded, value);
  return found == yielded.end() ? std::nullopt : std::optional<unsigned>(found - yielded.begin());
}

Value BlockBuilder::in(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return rowBlock(operands[argument.getArgNumber()]);
  if (Value local = locals.lookup(value))
    return local;
  if (std::optional<unsigned> result = resultIndex(value))
    return rowBlock(results[*result]);
  if (auto place = value.getDefiningOp<PlaceOp>(); place && place.getAt()[0] == 0)
    return rowBlock(wholeResult(value)); // placed into once more, elsewhere
  if (auto window = value.getDefiningOp<WindowOp>(); window && window.getAt()[0] == 0)
    return columns(in(window.getInput()), window.getAt()[1], window.getOutput().getType().getDimSize(1));
  fail(value.getDefiningOp(), "result is no block of rows");
  return placeholder(value.getType());
}

Value BlockBuilder::out(Value value) {
  if (std::optional<unsigned> result = resultIndex(value))
    return rowBlock(results[*result]);
  if (Value local = locals.lookup(value))
    return local;
  for (OpOperand &use : value.getUses())
    if (auto join = dyn_cast<JoinOp>(use.getOwner()); join && isComputedIn(value, join))
      return locals[value] = columns(out(join.getOutput()), join.getFirstColumn(use.getOperandNumber()),
                                     cast<RankedTensorType>(value.getType()).getDimSize(1));
    else if (auto place = dyn_cast<PlaceOp>(use.getOwner()); place && isComputedIn(value, place))
      return locals[value] = windowOf(place);
  Value local = rowScratch(cast<RankedTensorType>(value.getType()).getShape().drop_front());
  llvm::find_if(allocations, [&](Allocation &a) { return a.value == local; })->value = value;
  return locals[value] = local;
}

Value BlockBuilder::whole(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return operands[argument.getArgNumber()];
  if (auto window = value.getDefiningOp<WindowOp>())
    return view(whole(window.getInput()), getAsIndexOpFoldResult(getContext(), window.getAt()),
                {getAsOpFoldResult(rowsOf(window.getOutput(), kRows)),
                 getIndexAttr(window.getOutput().getType().getDimSize(1))});
  fail(value.getDefiningOp(), "result is used as a whole inside the kernel that computes it");
  return placeholder(value.getType());
}

BlockBuilder::Weight BlockBuilder::weight(Value value) {
  auto dequantize = value.getDefiningOp<DequantizeOp>();
  return dequantize ? Weight{whole(dequantize.getBlocks()), dequantize.getFormatAttr()} : Weight{whole(value), {}};
}

Value BlockBuilder::wholeResult(Value value) {
  if (std::optional<unsigned> result = resultIndex(value))
    return results[*result];
  for (Operation *user : value.getUsers()) // placed into once more
    if (auto place = dyn_cast<PlaceOp>(user); place && place.getInput() == value)
      return wholeResult(place.getOutput());
  fail(value.getDefiningOp(), "result must be yielded");
  return placeholder(value.getType());
}

/// An op's result that stays in the kernel and that no earlier join has. Others are copied.
bool BlockBuilder::isComputedIn(Value value, JoinOp join) {
  Operation *op = value.getDefiningOp();
  if (!op || isResult(value) || isa<WindowOp>(op) || llvm::count(join.getInputs(), value) != 1)
    return false;
  return llvm::none_of(value.getUsers(), [&](Operation *user) {
    return user != join && isa<JoinOp>(user) && user->isBeforeInBlock(join);
  });
}

/// An op's result that stays in the kernel and only goes there: rows of tokens, or where no one looks at what was
/// there before.
bool BlockBuilder::isComputedIn(Value value, PlaceOp place) {
  Operation *op = value.getDefiningOp();
  if (!op || isResult(value) || isa<WindowOp, PlaceOp>(op) || !value.hasOneUse() || place.getPart() != value)
    return false;
  if (place.getPart().getType().isDynamicDim(0))
    return true;
  Value whole = place.getInput();
  while (auto before = whole ? whole.getDefiningOp<PlaceOp>() : PlaceOp())
    whole = before.getInput();
  return whole && isa<BlockArgument>(whole) && llvm::all_of(whole.getUses(), [](OpOperand &use) {
           auto user = dyn_cast<PlaceOp>(use.getOwner());
           return user && use.getOperandNumber() == 1;
         });
}

Value BlockBuilder::windowOf(PlaceOp place) {
  int64_t columns = place.getPart().getType().getDimSize(1);
  return view(wholeResult(place.getOutput()),
              {getAsOpFoldResult(plus(first, index(place.getAt()[0]))), getIndexAttr(place.getAt()[1])},
              {getAsOpFoldResult(count), getIndexAttr(columns)});
}

Value BlockBuilder::rowBlock(Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  if (type.getRank() == 0)
    return memory;
  SmallVector<OpFoldResult> offsets(type.getRank(), getIndexAttr(0)), sizes(type.getRank());
  offsets[0] = getAsOpFoldResult(first);
  sizes[0] = getAsOpFoldResult(count);
  for (int64_t i = 1; i < type.getRank(); ++i)
    sizes[i] = getIndexAttr(type.getDimSize(i));
  return view(memory, offsets, sizes);
}

Value BlockBuilder::scratch(ArrayRef<int64_t> shape, Type element, bool keep) {
  auto type = MemRefType::get(shape, element ? element : Type(getF32Type()));
  int64_t bytes = llvm::alignTo(type.getNumElements() * type.getElementTypeBitWidth() / 8, kAlignment);
  // First fit between the live allocations, which are sorted.
  int64_t offset = 0;
  auto *place = allocations.begin();
  for (; place != allocations.end() && place->offset - offset < bytes; ++place)
    offset = place->offset + place->bytes;
  Value memory = memref::ViewOp::create(*this, type, scratchArgument, index(offset), ValueRange{});
  allocations.insert(place, {offset, bytes, memory, keep});
  scratchBytes = std::max(scratchBytes, offset + bytes);
  return memory;
}

Value BlockBuilder::rowScratch(ArrayRef<int64_t> features, bool keep) {
  SmallVector<int64_t> shape = {blockRows};
  llvm::append_range(shape, features);
  Value memory = scratch(shape, {}, keep);
  SmallVector<OpFoldResult> offsets(shape.size(), getIndexAttr(0)), sizes = {getAsOpFoldResult(count)};
  for (int64_t size : features)
    sizes.push_back(getIndexAttr(size));
  Value rows = view(memory, offsets, sizes);
  llvm::find_if(allocations, [&](Allocation &a) { return a.value == memory; })->value = rows;
  return rows;
}

void BlockBuilder::release() {
  llvm::erase_if(allocations, [&](Allocation &a) {
    return !a.keep && !llvm::any_of(locals, [&](auto &local) { return local.first == a.value; });
  });
}

void BlockBuilder::release(Value value) {
  llvm::erase_if(allocations, [&](Allocation &a) { return a.value == value; });
  // The view stays valid to name, but nothing reads it any more.
}

Value BlockBuilder::view(Value memory, ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> strides(sizes.size(), getIndexAttr(1));
  return memref::SubViewOp::create(*this, memory, offsets, sizes, strides);
}

Value BlockBuilder::columns(Value memory, int64_t from, int64_t size) {
  auto type = cast<MemRefType>(memory.getType());
  if (from == 0 && size == type.getDimSize(1))
    return memory;
  OpFoldResult rows =
      type.isDynamicDim(0) ? getAsOpFoldResult(count) : OpFoldResult(getIndexAttr(type.getDimSize(0)));
  return view(memory, {getIndexAttr(0), getIndexAttr(from)}, {rows, getIndexAttr(size)});
}

Value BlockBuilder::sumsFor(Value result) {
  auto type = cast<MemRefType>(result.getType());
  return type.getElementType().isF32() ? result : rowScratch(type.getShape().drop_front());
}

void BlockBuilder::storeSums(Value sums, Value result) {
  if (sums == result)
    return;
  copy(sums, result);
  release(sums);
}

Value BlockBuilder::scalarView(Value memory, int64_t at) {
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<OpFoldResult> offset = {getIndexAttr(at)}, one = {getIndexAttr(1)};
  auto reduced = memref::SubViewOp::inferRankReducedResultType({}, type, offset, one, one);
  return memref::SubViewOp::create(*this, cast<MemRefType>(reduced), memory, offset, one, one);
}

Value BlockBuilder::split(Value memory, int64_t outer, int64_t inner) {
  auto type = cast<MemRefType>(memory.getType());
  OpFoldResult rows =
      type.isDynamicDim(0) ? getAsOpFoldResult(count) : OpFoldResult(getIndexAttr(type.getDimSize(0)));
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  return memref::ExpandShapeOp::create(
      *this, ArrayRef<int64_t>{type.getDimSize(0), outer, inner}, memory, groups,
      ArrayRef<OpFoldResult>{rows, getIndexAttr(outer), getIndexAttr(inner)});
}

//===- Extents and gradients ----------------------------------------------------===//

Value BlockBuilder::rowsOf(Value value, Scalar fallback) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.isDynamicDim(0))
    return index(type.getDimSize(0));
  if (auto window = value.getDefiningOp<WindowOp>())
    return rowsOf(window.getInput(), fallback);
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (auto name = kernel.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kExtentAttr))
      if (std::optional<Scalar> named = findScalar(name))
        return scalar(*named);
  return scalar(fallback);
}

Value BlockBuilder::beta() {
  if (kernel->hasAttr("mlora.accumulate"))
    return real(1);
  Value accumulate = arith::IndexCastOp::create(*this, getI64Type(), scalar(kAccumulate));
  return arith::SIToFPOp::create(*this, getF32Type(), accumulate);
}

void BlockBuilder::clearUnlessAccumulating(Value memory) {
  if (!kernel->hasAttr("mlora.accumulate"))
    when(equal(scalar(kAccumulate), index(0)), [&] { fill(memory, 0); });
}

//===- Arithmetic and control ----------------------------------------------------===//

Value BlockBuilder::loadIndex(Value memory, ValueRange at) {
  return arith::IndexCastOp::create(*this, getIndexType(), load(memory, at));
}

Value BlockBuilder::widen(Value value) {
  return value.getType().isBF16() ? arith::ExtFOp::create(*this, getF32Type(), value) : value;
}

Value BlockBuilder::narrow(Value value, Type type) {
  if (value.getType() == type || !type.isBF16())
    return value;
  if (auto wide = value.getDefiningOp<arith::ExtFOp>(); wide && wide.getIn().getType() == type)
    return wide.getIn(); // moved, not computed
  return createOrFold<arith::TruncFOp>(type, value);
}

void BlockBuilder::store(Value value, Value memory, ValueRange at) {
  Type type = cast<MemRefType>(memory.getType()).getElementType();
  memref::StoreOp::create(*this, narrow(value, type), memory, at);
}

Value BlockBuilder::maximum(Value a, Value b) {
  // Plain `maxps`: scores are no NaN in a run that is worth anything, and a NaN still reaches the loss
  // through exp.
  return arith::MaximumFOp::create(*this, a, b, arith::FastMathFlags::nnan | arith::FastMathFlags::nsz);
}

void BlockBuilder::loop(Value from, Value to, int64_t step, function_ref<void(Value)> body) {
  buildLoop(*this, from, to, index(step), [&](scf::ForOp op) { body(op.getInductionVar()); });
}

void BlockBuilder::parallel(ArrayRef<Value> counts, function_ref<void(ValueRange)> body) {
  auto op = scf::ForallOp::create(*this, getAsOpFoldResult(counts), ValueRange(), std::nullopt);
  InsertionGuard guard(*this);
  setInsertionPoint(op.getBody()->getTerminator());
  body(op.getInductionVars());
}

void BlockBuilder::when(Value condition, function_ref<void()> body) { buildIf(*this, condition, body); }

//===- Work on blocks -------------------------------------------------------------===//

void BlockBuilder::generic(unsigned loops, ArrayRef<Operand> ins, ArrayRef<Operand> outs,
                           bool reduceInnermost, Body body) {
  SmallVector<Value> inputs, outputs;
  SmallVector<AffineMap> maps;
  auto append = [&](const Operand &operand, SmallVector<Value> &values) {
    SmallVector<AffineExpr> dims;
    for (unsigned dim : operand.dims)
      dims.push_back(getAffineDimExpr(dim));
    maps.push_back(AffineMap::get(loops, 0, dims, getContext()));
    values.push_back(operand.memory);
  };
  for (const Operand &operand : ins)
    append(operand, inputs);
  for (const Operand &operand : outs)
    append(operand, outputs);
  SmallVector<utils::IteratorType> iterators(loops, utils::IteratorType::parallel);
  if (reduceInnermost)
    iterators.back() = utils::IteratorType::reduction;
  linalg::GenericOp::create(*this, TypeRange{}, inputs, outputs, maps, iterators,
                            [&](OpBuilder &nested, Location, ValueRange arguments) {
                              InsertionGuard guard(*this);
                              setInsertionPointToEnd(nested.getInsertionBlock());
                              auto wide = llvm::map_to_vector(arguments, [&](Value v) { return widen(v); });
                              SmallVector<Value> values = body(wide);
                              for (auto [value, output] : llvm::zip_equal(values, outputs))
                                value = narrow(value, cast<MemRefType>(output.getType()).getElementType());
                              linalg::YieldOp::create(*this, values);
                              // What only seems to be read would be loaded.
                              for (auto [value, argument] : llvm::zip_equal(wide, arguments))
                                if (value != argument && value.use_empty())
                                  value.getDefiningOp()->erase();
                            });
}

void BlockBuilder::each(unsigned loops, ArrayRef<Operand> ins, ArrayRef<Operand> outs, Body body) {
  generic(loops, ins, outs, false, body);
}
void BlockBuilder::reduce(unsigned loops, ArrayRef<Operand> ins, ArrayRef<Operand> outs, Body body) {
  generic(loops, ins, outs, true, body);
}

static SmallVector<unsigned, 3> allDims(Value memory) {
  return llvm::to_vector<3>(llvm::seq<unsigned>(0, cast<MemRefType>(memory.getType()).getRank()));
}

void BlockBuilder::fill(Value memory, double value) {
  if (llvm::is_contained(cast<MemRefType>(memory.getType()).getShape(), 0))
    return; // such as what lies before the first key
  SmallVector<unsigned, 3> dims = allDims(memory);
  each(dims.size(), {}, {{memory, dims}}, [&](ValueRange) { return SmallVector<Value>{real(value)}; });
}

void BlockBuilder::copy(Value from, Value to) {
  SmallVector<unsigned, 3> dims = allDims(to);
  each(dims.size(), {{from, dims}}, {{to, dims}}, [&](ValueRange v) { return SmallVector<Value>{v[0]}; });
}

void BlockBuilder::gemm(Value a, Value b, Value c, Value alpha, Value beta, bool transposeA,
                        bool transposeB, StringAttr format) {
  GemmOp::create(*this, a, b, c, alpha, beta, transposeA, transposeB, format);
}

void BlockBuilder::finish() {
  for (auto [i, value] : llvm::enumerate(kernel.getBody().front().getTerminator()->getOperands()))
    if (isa<BlockArgument>(value) || *resultIndex(value) != i)
      copy(in(value), rowBlock(results[i]));
}
