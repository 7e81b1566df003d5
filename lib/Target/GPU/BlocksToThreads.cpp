//===- BlocksToThreads.cpp - functions of a block to kernels of a GPU ----------------===//

#include "../CPU/BlockBuilder.h"
#include "../CPU/BlockAttributes.h"
#include "Distributor.h"
#include "KernelModule.h"
#include "MemoryFacts.h"

#include "mlora/Dialect/Names.h"
#include "mlora/Dialect/Traffic.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_BLOCKSTOTHREADS
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

/// Whoever sees this memory sees it in the memory space that it has now.
static LogicalResult propagateMemorySpace(Value memory) {
  auto space = cast<MemRefType>(memory.getType()).getMemorySpace();
  for (Operation *user : memory.getUsers()) {
    if (!isa<memref::ViewOp, memref::SubViewOp, memref::ExpandShapeOp, memref::CastOp>(user)) {
      if (llvm::any_of(user->getResultTypes(), [](Type type) { return isa<MemRefType>(type); }))
        return user->emitOpError("of shared memory is not known here");
      continue;
    }
    auto type = cast<MemRefType>(user->getResult(0).getType());
    user->getResult(0).setType(MemRefType::Builder(type).setMemorySpace(space));
    if (failed(propagateMemorySpace(user->getResult(0))))
      return failure();
  }
  return success();
}

/// Whether anything but a read is done with memory, through views or not.
static bool isWritten(Value memory) {
  return llvm::any_of(memory.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<memref::SubViewOp, memref::ExpandShapeOp, memref::CastOp>(user))
      return isWritten(user->getResult(0));
    if (auto generic = dyn_cast<linalg::GenericOp>(user))
      return generic.isDpsInit(&use);
    if (auto gemm = dyn_cast<GemmOp>(user))
      return use.get() == gemm.getC();
    return !isa<memref::LoadOp, memref::DimOp, vector::LoadOp>(user);
  });
}

/// What LLVM may know of a kernel's pointers. What a launch only reads no thread of it writes, under any name:
/// buffers that live at once lie apart. Of what is written no such thing holds: threads see each other's parts of
/// it, behind a barrier.
static void describeArguments(gpu::GPUFuncOp kernel, ArrayRef<int64_t> inPlace) {
  Builder b(kernel.getContext());
  auto arguments = kernel.getBody().front().getArguments();
  for (BlockArgument argument : arguments) {
    unsigned i = argument.getArgNumber();
    kernel.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(alignmentOf(argument)));
    bool isScratch = i + 1 == arguments.size();
    if (isScratch || llvm::is_contained(inPlace, int64_t(i)) || isWritten(argument))
      continue;
    kernel.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
    kernel.setArgAttr(i, LLVM::LLVMDialect::getReadonlyAttrName(), b.getUnitAttr());
  }
}

/// Bytes of buffers whatever the rows, and of a row of the others.
static std::pair<int64_t, int64_t> bytesOf(TypeRange buffers) {
  int64_t fixed = 0, row = 0;
  for (Type buffer : buffers) {
    auto type = cast<MemRefType>(buffer);
    (type.hasStaticShape() ? fixed : row) += bytesPerRow(type);
  }
  return {fixed, row};
}

/// Blocks whose registers a multiprocessor holds at once. Products want more registers, several of them more
/// still: addresses of one are kept while another one runs; so does one with large tiles (96x64, 64x128): a
/// thread has 48 sums or 64; and so do eight places at once beside one. With more blocks ptxas spills.
static int64_t residentBlocks(func::FuncOp function, const DenseMap<Operation *, ProductSchedule> &products) {
  constexpr int64_t kLargeTile = 96 * 64;
  int64_t fewer = 0;
  function.walk([&](linalg::GenericOp) { fewer = products.empty() ? 0 : 1; });
  for (auto &[gemm, schedule] : products)
    fewer += schedule.rows * schedule.columns >= kLargeTile ? 2 : 1;
  return Distributor::kResidentBlocks - std::min<int64_t>(fewer, 2);
}

/// Each product's schedule once, in order.
static SmallVector<std::string> namesOf(func::FuncOp function,
                                        const DenseMap<Operation *, ProductSchedule> &products) {
  SmallVector<std::string> names;
  function.walk([&](GemmOp op) {
    std::string name = products.at(op).name();
    if (!llvm::is_contained(names, name))
      names.push_back(name);
  });
  return names;
}

/// The rows of a block, and how it works on them.
static std::string describe(ArrayAttr grid, SmallVector<std::string> names, int64_t widestAccess) {
  if (names.empty() && widestAccess > 1)
    names.push_back("elements x" + std::to_string(widestAccess));
  if (names.empty())
    return "general";
  auto [extent, rows] = cast<StringAttr>(grid[grid.size() - 1]).getValue().split(" by ");
  if (findScalar(extent))
    names.insert(names.begin(), ("rows " + rows).str());
  return llvm::join(names, ", ");
}

namespace {
struct BlocksToThreads : mlir::mlora::impl::BlocksToThreadsBase<BlocksToThreads> {
  using BlocksToThreadsBase::BlocksToThreadsBase;
  void runOnOperation() override;

private:
  using ProductSchedules = DenseMap<Operation *, ProductSchedule>;
  ProductSchedules chooseSchedules(func::FuncOp function, int64_t scratch);
  LogicalResult lower(func::FuncOp function, OpBuilder &kernels);
};
} // namespace

/// Scratch comes first: what lies in it is read more than once.
BlocksToThreads::ProductSchedules BlocksToThreads::chooseSchedules(func::FuncOp function, int64_t scratch) {
  int64_t left = sharedLimit - scratch;
  if (left < Distributor::generalTileBytes())
    left = sharedLimit;
  ProductSchedules products;
  function.walk([&](GemmOp op) { products[op] = chooseProduct(op, left); });
  return products;
}

LogicalResult BlocksToThreads::lower(func::FuncOp function, OpBuilder &kernels) {
  Block &entry = function.getBody().front();
  unsigned count = entry.getNumArguments();
  auto scratchBytes = function->getAttrOfType<IntegerAttr>("mlora.scratch_bytes");
  if (count < 3 || !scratchBytes || !entry.getArgument(count - 1).getType().isIndex())
    return function.emitOpError(
        "must be (memrefs…, scalars, scratch, block) -> (), as mlora-lower-kernels makes");
  int64_t scratch = scratchBytes.getInt();
  ProductSchedules products = chooseSchedules(function, scratch);
  SmallVector<std::string> names = namesOf(function, products);
  int64_t tiles = 0;
  for (auto &[gemm, schedule] : products)
    tiles = std::max(tiles, sharedBytesOf(schedule, cast<GemmOp>(gemm)));
  bool isShared = tiles + scratch <= sharedLimit;

  TypeRange types = TypeRange(entry.getArgumentTypes()).drop_back();
  auto kernel = gpu::GPUFuncOp::create(kernels, function.getLoc(), function.getSymName(),
                                       kernels.getFunctionType(types, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), kernels.getUnitAttr());
  kernel.setKnownBlockSizeAttr(kernels.getDenseI32ArrayAttr({int32_t(Distributor::kThreads), 1, 1}));
  // Promised to ptxas, which otherwise aims for more and spills.
  kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                  kernels.getI32IntegerAttr(residentBlocks(function, products)));
  kernel->setAttr("mlora.grid", function->getAttr("mlora.grid"));
  // What a launch moves. A kernel knows which of its buffers it does not read whole; of a function without one, all.
  auto [fixed, row] = bytesOf(types.drop_back(2));
  for (auto [name, bytes] : {std::pair("mlora.fixed_bytes", fixed), {"mlora.row_bytes", row}}) {
    auto known = function->getAttrOfType<IntegerAttr>(name);
    kernel->setAttr(name, known ? known : kernels.getI64IntegerAttr(bytes));
  }
  kernel->setAttr("mlora.shared_bytes", kernels.getI64IntegerAttr(tiles + (isShared ? scratch : 0)));
  kernel->setAttr("mlora.scratch_bytes", kernels.getI64IntegerAttr(isShared ? 0 : scratch));

  // The body moves; its terminator is the kernel's.
  Block &body = kernel.getBody().front();
  for (auto [argument, old] : llvm::zip(body.getArguments(), entry.getArguments().drop_back())) {
    argument.setLoc(old.getLoc());
    old.replaceAllUsesWith(argument);
  }
  body.getOperations().splice(body.end(), entry.getOperations());
  Operation *last = body.getTerminator();
  ImplicitLocOpBuilder b(withoutNames(function.getLoc()), last);
  gpu::ReturnOp::create(b);
  last->erase();

  b.setInsertionPointToStart(&body);
  Value number = gpu::BlockIdOp::create(b, withName(b.getLoc(), "block"), gpu::Dimension::x);
  entry.getArgument(count - 1).replaceAllUsesWith(number);
  auto bytes = [&](Attribute space) {
    return MemRefType::get({ShapedType::kDynamic}, b.getI8Type(), MemRefLayoutAttrInterface(), space);
  };
  auto space = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  Value shared;
  if (tiles > 0 || (isShared && scratch > 0))
    shared = gpu::DynamicSharedMemoryOp::create(b, withName(b.getLoc(), "shared"), bytes(space));
  BlockArgument global = body.getArgument(count - 2);
  for (Operation *user : llvm::make_early_inc_range(global.getUsers())) {
    auto view = dyn_cast<memref::ViewOp>(user);
    if (!view)
      return user->emitOpError("of scratch is not known here");
    b.setInsertionPoint(view);
    Value shift;
    if (isShared) {
      shift = arith::ConstantIndexOp::create(b, tiles);
      view.getSourceMutable().assign(shared);
      auto type = cast<MemRefType>(view.getType());
      view.getResult().setType(MemRefType::Builder(type).setMemorySpace(space));
      if (failed(propagateMemorySpace(view.getResult())))
        return failure();
    } else { // each block has its own
      shift = b.createOrFold<arith::MulIOp>(number, arith::ConstantIndexOp::create(b, scratch));
    }
    view.getByteShiftMutable().assign(b.createOrFold<arith::AddIOp>(view.getByteShift(), shift));
  }
  auto inPlace = function->getAttrOfType<DenseI64ArrayAttr>(kInPlaceAttr);
  describeArguments(kernel, inPlace ? inPlace.asArrayRef() : ArrayRef<int64_t>());
  int64_t atOnce = function->hasAttr(kJoinedAttr) ? Distributor::kAtOnceInJoined
                   : products.empty()             ? Distributor::kAtOnce
                                                  : Distributor::kAtOnceBesideProduct;
  function.erase();
  Distributor distributor(kernel, Distributor::kThreads, atOnce, shared, products);
  if (failed(distributor.run()))
    return failure();
  auto grid = kernel->getAttrOfType<ArrayAttr>("mlora.grid");
  kernel->setAttr("mlora.schedule", kernels.getStringAttr(describe(grid, names, distributor.widestAccess())));
  return success();
}

void BlocksToThreads::runOnOperation() {
  ModuleOp module = getOperation();
  SmallVector<func::FuncOp> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr("mlora.grid"))
      functions.push_back(function);
  if (functions.empty())
    return;
  gpu::GPUModuleOp kernels = getKernelModule(module);
  for (auto global : llvm::make_early_inc_range(module.getOps<memref::GlobalOp>()))
    global->moveBefore(kernels.getBody(), kernels.getBody()->end());
  OpBuilder inside = OpBuilder::atBlockEnd(kernels.getBody());
  for (func::FuncOp function : functions)
    if (failed(lower(function, inside)))
      return signalPassFailure();
}
