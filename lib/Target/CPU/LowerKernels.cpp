//===- LowerKernels.cpp - kernels to functions of one block ----------------------===//

#include "BlockBuilder.h"

#include "Building.h"
#include "BlockAttributes.h"

#include "mlora/Dialect/Names.h"
#include "mlora/Dialect/Traffic.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_MLORALOWERKERNELS
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

static BlockEmitters makeEmitters() {
  BlockEmitters table;
  addRowEmitters(table);
  addRopeEmitters(table);
  addParameterEmitters(table);
  addAttentionEmitters(table);
  addOuterEmitters(table);
  addHeadEmitters(table);
  addLossEmitters(table);
  addTotalEmitters(table);
  return table;
}

/// Kernels hold f32, bf16, i32 and bytes of blocks; anything else has no block form.
static LogicalResult checkTypes(KernelOp kernel) {
  for (Type type : llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    Type element = tensor ? tensor.getElementType() : Type();
    if (!tensor || !(element.isF32() || element.isBF16() || element.isInteger(32) ||
                    element.isInteger(8)))
      return kernel.emitOpError() << "operand or result of type " << type
                                  << " (f32, bf16, i32 and i8 tensors are supported)";
    for (int64_t i = 1; i < tensor.getRank(); ++i)
      if (tensor.isDynamicDim(i))
        return kernel.emitOpError() << "type " << type << ": only the first dimension may be dynamic";
  }
  return success();
}

/// Whether a value is needed after an op, maybe through a view.
static bool isReadAfter(Value value, Operation *op) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    return op->isBeforeInBlock(user) || (isViewOp(user) && isReadAfter(user->getResult(0), op));
  });
}

/// What is emitted, op by op.
static SmallVector<Operation *> bodyOf(KernelOp kernel) {
  SmallVector<Operation *> body;
  Operation *yield = kernel.getBody().front().getTerminator();
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (!isViewOp(&op) || llvm::is_contained(op.getUsers(), yield)) // others are looked through
      body.push_back(&op);
  return body;
}

/// Blocks of each op that has its own; the kernel has nothing but such ops, or none.
static LogicalResult checkTiles(KernelOp kernel, ArrayRef<Operation *> body) {
  auto tiles = kernel->getAttrOfType<DenseI64ArrayAttr>("mlora.tiles");
  unsigned numTiled = llvm::count_if(body, isTiled);
  if (numTiled > 0 && numTiled < body.size())
    return kernel.emitOpError() << "mixes ops that have blocks of their own (sums over tokens, linear layers "
                                << "cut into columns) with others";
  if (numTiled > 0 && !tiles)
    return kernel.emitOpError() << "sums over tokens but has no 'mlora.tiles': the blocks of each sum, as "
                                << "mlora-form-kernels writes them";
  if (numTiled > 0 && tiles.size() != numTiled)
    return kernel.emitOpError() << "has " << numTiled << " ops and " << tiles.size()
                                << " entries in 'mlora.tiles'";
  return success();
}

/// Builds one block of the kernel.
static LogicalResult emitBlock(BlockBuilder &b, const BlockEmitters &table) {
  KernelOp kernel = b.kernel;
  SmallVector<Operation *> body = bodyOf(kernel);
  if (failed(checkTypes(kernel)) || failed(checkTiles(kernel, body)))
    return failure();
  auto tiles = kernel->getAttrOfType<DenseI64ArrayAttr>("mlora.tiles");
  bool isCut = llvm::any_of(body, isTiled);
  int64_t firstTile = 0;
  for (auto [i, op] : llvm::enumerate(body)) {
    BlockEmitter emit = table.lookup(op->getName().getStringRef());
    if (!emit) {
      b.fail(op, "has no form on blocks");
      break;
    }
    b.setLoc(op->getLoc());
    if (!isCut) {
      emit(b, op);
    } else {
      // Blocks [firstTile, firstTile + count) of the grid's first dimension belong to this op.
      b.numTiles = tiles[i];
      b.tile = b.minus(b.position[0], b.index(firstTile));
      Value inside = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, b.tile, b.index(b.numTiles));
      b.when(inside, [&] { emit(b, op); });
      firstTile += b.numTiles;
    }
    b.release();
    for (Value value :
         llvm::concat<Value>(llvm::to_vector(op->getOperands()), llvm::to_vector(op->getResults())))
      if (!isReadAfter(value, op))
        b.release(value);
  }
  b.finish();
  return failure(b.hasFailed);
}

/// Whether a launch of a program may have one piece of memory in two places.
static bool mayBeOne(LaunchOp launch, unsigned a, unsigned c) {
  if (launch.getOperands_()[a] != launch.getOperands_()[c])
    return false;
  auto slotOf = [&](unsigned i) { return cast<StringAttr>((*launch.getSlots())[i]).getValue(); };
  StringRef one = slotOf(a), other = slotOf(c);
  bool areNeighbours = (one == "layer" && other == "layer+1") || (one == "layer+1" && other == "layer");
  auto buffer = launch.getOperands_()[a].getDefiningOp<BufferOp>();
  return !areNeighbours || !buffer || buffer.getSlots() < 2; // layers take a buffer's slots in turn
}

/// Operands of an op whose results may be written where they lie.
static SmallVector<Value> mayBeOverwritten(Operation *op) {
  if (auto write = dyn_cast<CacheWriteOp>(op))
    return {write.getCache()};
  if (auto place = dyn_cast<PlaceOp>(op))
    return {place.getInput()}; // null: none
  if (auto adamw = dyn_cast<AdamWOp>(op))
    return {adamw.getParameter(), adamw.getMoment1(), adamw.getMoment2()};
  return {};
}

/// Operands that may lie where a result does: the kernel's ops say so, or a launch has one buffer for both. Nothing
/// writes the others while the kernel runs.
static SmallVector<int64_t> operandsInPlace(KernelOp kernel, ArrayRef<LaunchOp> launches) {
  unsigned numOperands = kernel.getArgumentTypes().size(), numResults = kernel.getResultTypes().size();
  llvm::BitVector found(numOperands);
  for (Operation &op : kernel.getBody().front())
    for (Value value : mayBeOverwritten(&op))
      if (auto argument = dyn_cast_or_null<BlockArgument>(value))
        found.set(argument.getArgNumber());
  for (LaunchOp launch : launches)
    for (unsigned a = 0; a < numOperands && launch.getSlots(); ++a)
      for (unsigned c = numOperands; c < numOperands + numResults; ++c)
        if (mayBeOne(launch, a, c))
          found.set(a);
  SmallVector<int64_t> numbers;
  for (unsigned i : found.set_bits())
    numbers.push_back(i);
  return numbers;
}

/// The end of a function, and what its launch has to give a block.
static void finishFunction(func::FuncOp function, Location location, int64_t scratchBytes) {
  OpBuilder builder = OpBuilder::atBlockEnd(&function.getBody().front());
  func::ReturnOp::create(builder, location);
  function->setAttr("mlora.scratch_bytes", builder.getI64IntegerAttr(scratchBytes));
}

static LogicalResult lowerKernel(KernelOp kernel, ArrayRef<LaunchOp> launches, const BlockEmitters &table,
                                 const BlockShape &shape) {
  if (failed(checkTypes(kernel)))
    return failure();
  OpBuilder builder(kernel);
  SmallVector<MemRefType> buffers;
  for (Type type : llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes()))
    buffers.push_back(BlockMemory::rowByRow(type));
  BlockMemory memory = BlockMemory::makeFunction(builder, kernel, buffers, kernel.getGridAttr());
  // Everything keeps its name: operands and results those of the kernel's values.
  size_t numOperands = kernel.getArgumentTypes().size();
  auto values = llvm::to_vector(llvm::concat<Value>(
      llvm::map_to_vector(kernel.getBody().getArguments(), [](BlockArgument v) -> Value { return v; }),
      llvm::to_vector(kernel.getBody().front().getTerminator()->getOperands())));
  for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(memory.buffers(), values))) {
    BlockArgument argument = std::get<0>(pair);
    Value value = std::get<1>(pair);
    argument.setLoc(namedAs(value));
    (i < numOperands ? memory.operands : memory.results).push_back(argument);
  }
  builder.setInsertionPointToStart(&memory.function.getBody().front());
  BlockBuilder b(kernel, memory, builder, shape);
  if (failed(emitBlock(b, table))) {
    memory.function.erase();
    return failure();
  }
  finishFunction(memory.function, kernel.getLoc(), b.getScratchBytes());
  setBytesMoved(memory.function, kernel);
  if (SmallVector<int64_t> inPlace = operandsInPlace(kernel, launches); !inPlace.empty())
    memory.function->setAttr(kInPlaceAttr, builder.getDenseI64ArrayAttr(inPlace));
  kernel.erase();
  return success();
}

/// The layer's own of memory that holds one for each.
static Value sliceOf(ImplicitLocOpBuilder &b, Value memory, Value layer) {
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      ones(type.getRank(), b.getIndexAttr(1)),
      sizes = getAsIndexOpFoldResult(b.getContext(), type.getShape());
  offsets[0] = getAsOpFoldResult(layer);
  sizes[0] = b.getIndexAttr(1);
  auto slice =
      memref::SubViewOp::inferRankReducedResultType(type.getShape().drop_front(), type, offsets, sizes, ones);
  auto view = memref::SubViewOp::create(b, cast<MemRefType>(slice), memory, offsets, sizes, ones);
  view->setLoc(namedAs(memory));
  return view;
}

/// A block looks for its part: those of a part, layer after layer, lie behind those of the parts before it.
static LogicalResult lowerJoined(JoinedKernelOp joined, const BlockEmitters &table, const BlockShape &shape) {
  ImplicitLocOpBuilder b(joined.getLoc(), OpBuilder(joined));
  SmallVector<MemRefType> types;
  for (Type type : joined.getBody().getArgumentTypes())
    types.push_back(cast<MemRefType>(type));
  std::string grid = std::to_string(joined.getBlocks()) + " by 1";
  BlockMemory all = BlockMemory::makeFunction(b, joined, types, b.getStrArrayAttr({grid}));
  for (BlockArgument argument : all.buffers())
    argument.setLoc(namedAs(joined.getBody().getArgument(argument.getArgNumber())));
  b.setInsertionPointToStart(&all.function.getBody().front());
  int64_t firstBlock = 0, scratchBytes = 0;
  LogicalResult status = success();
  for (auto part : joined.getBody().getOps<PartOp>()) {
    KernelOp kernel = part.getJoined();
    int64_t layers = part.getLayers(), blocks = part.getBlocksOfLayer();
    Value number = b.createOrFold<arith::SubIOp>(all.block, arith::ConstantIndexOp::create(b, firstBlock));
    Value isOwn = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number,
                                        arith::ConstantIndexOp::create(b, layers * blocks));
    buildIf(b, isOwn, [&] {
      Value size = arith::ConstantIndexOp::create(b, blocks);
      Value layer = b.createOrFold<arith::DivUIOp>(number, size);
      BlockMemory own = all;
      own.block = b.createOrFold<arith::RemUIOp>(number, size);
      unsigned numOperands = kernel.getArgumentTypes().size();
      llvm::MapVector<Value, Value> slices; // one of a buffer that is read and written
      for (auto [i, buffer] : llvm::enumerate(part.getBuffers())) {
        Value argument = all.buffers()[cast<BlockArgument>(buffer).getArgNumber()], &slice = slices[argument];
        if (!slice)
          slice = part.isPerLayer(i) ? sliceOf(b, argument, layer) : argument;
        (i < numOperands ? own.operands : own.results).push_back(slice);
      }
      BlockBuilder block(kernel, own, b, shape);
      if (failed(emitBlock(block, table)))
        status = failure();
      scratchBytes = std::max(scratchBytes, block.getScratchBytes());
    });
    firstBlock += layers * blocks;
  }
  if (failed(status)) {
    all.function.erase();
    return failure();
  }
  finishFunction(all.function, joined.getLoc(), scratchBytes);
  all.function->setAttr("mlora.fixed_bytes", b.getI64IntegerAttr(bytesMoved(joined)));
  all.function->setAttr("mlora.row_bytes", b.getI64IntegerAttr(0));
  all.function->setAttr(kJoinedAttr, b.getUnitAttr());
  // Arguments may be one buffer, all of its slots and one of them.
  all.function->setAttr(kInPlaceAttr, b.getDenseI64ArrayAttr(llvm::to_vector(
                                          llvm::seq<int64_t>(0, joined.getBody().getNumArguments()))));
  joined.erase();
  return success();
}

namespace {
struct LowerKernels : mlir::mlora::impl::MLoraLowerKernelsBase<LowerKernels> {
  using MLoraLowerKernelsBase::MLoraLowerKernelsBase;
  void runOnOperation() override {
    for (const auto &[name, value] :
         {std::pair("key-chunk", int64_t(keyChunk)), {"stripe-columns", int64_t(stripeColumns)}})
      if (value < 1) {
        getOperation().emitError() << name << " is " << value << "; expected at least 1";
        return signalPassFailure();
      }
    BlockShape shape{keyChunk, stripeColumns};
    BlockEmitters table = makeEmitters();
    llvm::StringMap<SmallVector<LaunchOp>> launches;
    getOperation().walk([&](LaunchOp launch) { launches[launch.getKernel()].push_back(launch); });
    for (KernelOp kernel : llvm::make_early_inc_range(getOperation().getOps<KernelOp>()))
      if (!kernel->hasAttr("library") && failed(lowerKernel(kernel, launches.lookup(kernel.getSymName()), table, shape)))
        return signalPassFailure();
    for (JoinedKernelOp joined : llvm::make_early_inc_range(getOperation().getOps<JoinedKernelOp>()))
      if (failed(lowerJoined(joined, table, shape)))
        return signalPassFailure();
  }
};
} // namespace
