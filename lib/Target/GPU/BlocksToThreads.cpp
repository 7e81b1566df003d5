//===- BlocksToThreads.cpp - functions of a block to kernels of a GPU ----------------===//

#include "Distributor.h"
#include "KernelModule.h"

#include "mlora/Dialect/Names.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

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

namespace {
struct BlocksToThreads : mlir::mlora::impl::BlocksToThreadsBase<BlocksToThreads> {
  using BlocksToThreadsBase::BlocksToThreadsBase;
  void runOnOperation() override;

private:
  LogicalResult lower(func::FuncOp function, OpBuilder &kernels);
};
} // namespace

LogicalResult BlocksToThreads::lower(func::FuncOp function, OpBuilder &kernels) {
  Block &entry = function.getBody().front();
  unsigned count = entry.getNumArguments();
  auto scratchBytes = function->getAttrOfType<IntegerAttr>("mlora.scratch_bytes");
  if (count < 3 || !scratchBytes || !entry.getArgument(count - 1).getType().isIndex())
    return function.emitOpError(
        "must be (memrefs…, scalars, scratch, block) -> (), as mlora-lower-kernels makes");
  bool hasProducts = function.walk([](GemmOp) { return WalkResult::interrupt(); }).wasInterrupted();
  int64_t tiles = hasProducts ? Distributor::tileBytes() : 0, scratch = scratchBytes.getInt();
  bool isShared = tiles + scratch <= sharedLimit;

  TypeRange types = TypeRange(entry.getArgumentTypes()).drop_back();
  auto kernel = gpu::GPUFuncOp::create(kernels, function.getLoc(), function.getSymName(),
                                       kernels.getFunctionType(types, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), kernels.getUnitAttr());
  kernel.setKnownBlockSizeAttr(kernels.getDenseI32ArrayAttr({int32_t(Distributor::kThreads), 1, 1}));
  // Promised to ptxas, which otherwise aims for more and spills.
  kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                  kernels.getI32IntegerAttr(Distributor::kResidentBlocks));
  for (StringRef name : {"mlora.grid"})
    kernel->setAttr(name, function->getAttr(name));
  kernel->setAttr("mlora.schedule", kernels.getStringAttr("general"));
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
  if (hasProducts || (isShared && scratch > 0))
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
  function.erase();
  return Distributor(kernel, Distributor::kThreads, shared).run();
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
