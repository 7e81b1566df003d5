//===- LoadedModule.cpp - a gpu.module in this process, for the emulator --------------===//

#include "mlora/Target/LoadedModule.h"

#include "../CPU/EmitObject.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace mlir::mlora;

void mlir::mlora::registerEmulatorDialects(DialectRegistry &registry) {
  registry.insert<affine::AffineDialect, cf::ControlFlowDialect, gpu::GPUDialect, index::IndexDialect,
                  LLVM::LLVMDialect, memref::MemRefDialect, nvgpu::NVGPUDialect, NVVM::NVVMDialect,
                  scf::SCFDialect, ub::UBDialect, vector::VectorDialect>();
  ::mlir::mlora::registerEmitObjectDialects(registry);
  // What convert-gpu-to-nvvm asks the other dialects for.
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  index::registerConvertIndexToLLVMInterface(registry);
  registerConvertMemRefToLLVMInterface(registry);
  ub::registerConvertUBToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
}

llvm::Expected<::mlora::emulator::KernelEntry> LoadedModule::find(llvm::StringRef kernel) {
  auto entry = code->lookup(kernel);
  if (!entry)
    return entry.takeError();
  return entry->toPtr<::mlora::emulator::KernelEntry>();
}

FailureOr<std::unique_ptr<LoadedModule>> mlir::mlora::loadForEmulator(gpu::GPUModuleOp source,
                                                                      llvm::StringRef keep, bool leavesGaps) {
  OwningOpRef<ModuleOp> copy = ModuleOp::create(source.getLoc());
  auto gpuModule = cast<gpu::GPUModuleOp>(OpBuilder::atBlockEnd(copy->getBody()).clone(*source));
  if (failed(lowerToNVVM(*copy)))
    return failure();
  gpuModule = *copy->getOps<gpu::GPUModuleOp>().begin();
  FailureOr<EmulatedModule> module = rewriteForEmulator(gpuModule, leavesGaps);
  if (failed(module))
    return failure();
  // Not through a shared object: lld would forget the command line that mlir-opt still needs for the file's
  // next part.
  SmallVector<char, 0> object;
  if (failed(emitObject(*module->program, object)))
    return failure();
  if (!keep.empty() && failed(emitSharedObject(*module->program, keep)))
    return failure();
  auto loaded = std::make_unique<LoadedModule>();
  loaded->module = std::move(*module);
  auto check = [&](llvm::Error error) -> LogicalResult {
    return error
               ? source.emitError() << "mlora-emulate: compiled kernels: " << llvm::toString(std::move(error))
               : LogicalResult::success();
  };
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return check(jit.takeError());
  loaded->code = std::move(*jit);
  if (failed(check(loaded->code->addObjectFile(
          llvm::MemoryBuffer::getMemBufferCopy(StringRef(object.data(), object.size()), "kernels.o")))))
    return failure();
  return loaded;
}
