//===- KernelFunction.cpp - a kernel as one thread sees it ----------------------------===//

#include "KernelFunction.h"

#include "../CPU/BlockBuilder.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Dialect/Traffic.h"

using namespace mlir;
using namespace mlir::mlora;

/// Tiles begin at multiples of the longest row.
static constexpr int64_t kAlignment = 512;

/// Address of the module's dynamic shared memory: an external symbol, so that NVPTX leaves its size to the
/// launch.
static Value sharedMemory(ThreadBuilder &b, OpBuilder &kernels) {
  Operation *module = kernels.getInsertionBlock()->getParentOp();
  auto bytes = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  auto global = SymbolTable::lookupSymbolIn(module, KernelFunction::kSharedName);
  if (!global) {
    OpBuilder::InsertionGuard guard(kernels);
    kernels.setInsertionPointToStart(kernels.getInsertionBlock());
    global = LLVM::GlobalOp::create(kernels, b.getLoc(), bytes, /*isConstant=*/false, LLVM::Linkage::External,
                                    KernelFunction::kSharedName, Attribute(), kAlignment, /*addrSpace=*/3);
  }
  Value pointer = LLVM::AddressOfOp::create(b, cast<LLVM::GlobalOp>(global));
  return LLVM::PtrToIntOp::create(b, b.getI32Type(), pointer);
}

KernelFunction::KernelFunction(OpBuilder &kernels, KernelOp kernel, int64_t threads)
    : b(kernel.getLoc(), kernel.getContext()), kernel(kernel) {
  unsigned buffers = kernel.getArgumentTypes().size() + kernel.getResultTypes().size();
  SmallVector<Type> types(buffers + 2, LLVM::LLVMPointerType::get(b.getContext(), 1));
  function = gpu::GPUFuncOp::create(kernels, kernel.getLoc(), kernel.getSymName(),
                                    kernels.getFunctionType(types, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), kernels.getUnitAttr());
  function.setKnownBlockSizeAttr(kernels.getDenseI32ArrayAttr({int32_t(threads), 1, 1}));
  Block &body = function.getBody().front();
  for (auto [argument, value] : llvm::zip(body.getArguments(), kernel.getBody().getArguments()))
    argument.setLoc(namedAs(value));
  ValueRange yielded = kernel.getBody().front().getTerminator()->getOperands();
  for (auto [i, value] : llvm::enumerate(yielded))
    body.getArgument(kernel.getArgumentTypes().size() + i).setLoc(namedAs(value));
  scalars = body.getArgument(buffers);
  body.getArgument(buffers).setLoc(withName(kernel.getLoc(), "scalars"));
  body.getArgument(buffers + 1).setLoc(withName(kernel.getLoc(), "scratch"));

  b.setInsertionPointToStart(&body);
  thread = NVVM::ThreadIdXOp::create(b, b.getI32Type());
  block = NVVM::BlockIdXOp::create(b, b.getI32Type());
  lane = b.bitAnd(thread, b.number(31));
  // Through a shuffle, so that ptxas sees that branches on it are a warp's.
  warp = b.shuffle(b.right(thread, 5), NVVM::ShflKind::idx, 0);
  quadRow = b.right(lane, 2);
  quadColumn = b.left(b.bitAnd(lane, b.number(3)), 1);
  shared = sharedMemory(b, kernels);
  // Otherwise ptxas may spill some bytes for one block more a multiprocessor; and it obeys setmaxnreg where it knows
  // the registers at entry.
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(1));
}

void KernelFunction::describe(const Twine &schedule, ArrayRef<std::string> grid, int64_t sharedBytes) {
  function->setAttr("mlora.schedule", b.getStringAttr(schedule));
  function->setAttr("mlora.grid", b.getStrArrayAttr(llvm::to_vector_of<StringRef>(grid)));
  setBytesMoved(function, kernel);
  function->setAttr("mlora.shared_bytes", b.getI64IntegerAttr(sharedBytes));
  function->setAttr("mlora.scratch_bytes", b.getI64IntegerAttr(0));
}

//===- Arguments ------------------------------------------------------------------------===//

Value KernelFunction::buffer(Value value) {
  Block &body = function.getBody().front();
  if (auto argument = dyn_cast<BlockArgument>(value))
    return body.getArgument(argument.getArgNumber());
  ValueRange yielded = kernel.getBody().front().getTerminator()->getOperands();
  auto found = llvm::find(yielded, value);
  return found == yielded.end()
             ? Value()
             : body.getArgument(kernel.getArgumentTypes().size() + (found - yielded.begin()));
}

Columns KernelFunction::columnsOf(Value value) {
  auto columns = [](Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); };
  if (auto window = value.getDefiningOp<WindowOp>())
    return {buffer(window.getInput()), columns(window.getInput()), window.getAt()[1]};
  if (auto rope = nextOf<RopeOp>(value))
    value = rope.getOutput();
  int64_t first = 0;
  if (auto place = nextOf<PlaceOp>(value)) {
    first = place.getAt()[1];
    value = place.getOutput();
    while (auto next = nextOf<PlaceOp>(value)) // another part beside this one
      value = next.getOutput();
  }
  return {buffer(value), columns(value), first};
}

Value KernelFunction::scalar(unsigned which) {
  Value wide = b.load(b.getI64Type(), b.at(scalars, 8 * which));
  return arith::TruncIOp::create(b, b.getI32Type(), wide);
}

Attribute mlir::mlora::rowsExtentOf(KernelOp kernel, Value operand) {
  auto type = cast<RankedTensorType>(operand.getType());
  if (!type.isDynamicDim(0))
    return IntegerAttr::get(IntegerType::get(kernel.getContext(), 64), type.getDimSize(0));
  auto window = operand.getDefiningOp<WindowOp>();
  auto argument = cast<BlockArgument>(window ? window.getInput() : operand).getArgNumber();
  auto name = kernel.getArgAttrOfType<StringAttr>(argument, kExtentAttr);
  return name && findScalar(name) ? Attribute(name) : Attribute();
}

Attribute KernelFunction::extentOf(Value operand, StringRef fallback) {
  Attribute rows = rowsExtentOf(kernel, operand);
  return rows ? rows : b.getStringAttr(fallback);
}

Value KernelFunction::extent(Attribute extent) {
  if (auto number = dyn_cast<IntegerAttr>(extent))
    return b.number(number.getInt());
  return scalar(*findScalar(cast<StringAttr>(extent)));
}
