//===- EmitPTX.cpp - kernels of the llvm and nvvm dialects to PTX ---------------------===//

#include "../CPU/LLVMCode.h"
#include "Warpgroup.h"
#include "mlora/Target/PTX.h"

#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace mlir::mlora;

void mlir::mlora::registerPTXDialects(DialectRegistry &registry) {
  registry.insert<gpu::GPUDialect, LLVM::LLVMDialect, NVVM::NVVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

/// The code generator aborts on these. (exp2 is an instruction of f32 and f16.)
static bool hasNoInstruction(Operation *op) {
  if (auto exp2 = dyn_cast<LLVM::Exp2Op>(op))
    return getElementTypeOrSelf(exp2.getType()).isF64();
  return isa<LLVM::ACosOp, LLVM::ASinOp, LLVM::ATan2Op, LLVM::ATanOp, LLVM::CosOp, LLVM::CoshOp,
             LLVM::Exp10Op, LLVM::ExpOp, LLVM::Log10Op, LLVM::Log2Op, LLVM::LogOp, LLVM::PowIOp, LLVM::PowOp,
             LLVM::SincosOp, LLVM::SinhOp, LLVM::SinOp, LLVM::TanhOp, LLVM::TanOp>(op);
}

/// All code is in the module and is the llvm and nvvm dialects'.
static LogicalResult checkIsWhole(gpu::GPUModuleOp kernels) {
  WalkResult result = kernels.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op == kernels)
      return WalkResult::advance();
    if (!isa_and_nonnull<LLVM::LLVMDialect, NVVM::NVVMDialect>(op->getDialect())) {
      op->emitOpError("is not of the llvm and nvvm dialects: run mlora-gpu-to-nvvm before");
      return WalkResult::interrupt();
    }
    if (hasNoInstruction(op)) {
      op->emitOpError("has no instruction on a GPU: mlora-gpu-to-nvvm makes it a polynomial");
      return WalkResult::interrupt();
    }
    FlatSymbolRefAttr callee;
    if (auto call = dyn_cast<LLVM::CallOp>(op))
      callee = call.getCalleeAttr();
    else if (auto address = dyn_cast<LLVM::AddressOfOp>(op))
      callee = address.getGlobalNameAttr();
    auto function = callee ? kernels.lookupSymbol<LLVM::LLVMFuncOp>(callee.getAttr()) : nullptr;
    if (function && function.isExternal()) {
      op->emitOpError() << "needs '" << callee.getValue()
                        << "', which is not in this module: kernels import nothing";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

std::string mlir::mlora::ptxName(StringRef symbol) {
  std::string name = symbol.str();
  for (char &letter : name)
    if (!llvm::isAlnum(letter) && letter != '_')
      letter = '$';
  return name;
}

/// The code generator renames only what is internal.
static LogicalResult renameSymbols(gpu::GPUModuleOp kernels) {
  SymbolTable symbols(kernels);
  for (Operation &op : llvm::make_early_inc_range(*kernels.getBody())) {
    auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
    if (!name || name.getValue() == ptxName(name.getValue()))
      continue;
    if (symbols.lookup(ptxName(name.getValue())))
      return op.emitOpError() << "and another one are both '" << ptxName(name.getValue()) << "' in PTX";
    if (failed(symbols.rename(&op, ptxName(name.getValue()))))
      return failure();
  }
  return success();
}

/// An internal array of no bytes would become a byte of static shared memory, which others may overlap.
static void declareDynamicShared(gpu::GPUModuleOp kernels) {
  for (auto global : kernels.getOps<LLVM::GlobalOp>()) {
    auto type = dyn_cast<LLVM::LLVMArrayType>(global.getGlobalType());
    bool isShared = global.getAddrSpace() == unsigned(NVVM::NVVMMemorySpace::Shared);
    if (isShared && type && type.getNumElements() == 0)
      global.setLinkage(LLVM::Linkage::External);
  }
}

/// What `mlora.tensor_maps` names are parameters of 128 bytes, encoded for each launch and aligned as CUDA
/// 13's CUtensorMap; kernels have their addresses.
static void passTensorMaps(gpu::GPUModuleOp kernels) {
  Builder b(kernels.getContext());
  for (auto function : kernels.getOps<LLVM::LLVMFuncOp>())
    if (auto maps = function->getAttrOfType<ArrayAttr>("mlora.tensor_maps"))
      for (auto map : maps.getAsRange<DictionaryAttr>()) {
        unsigned argument = map.getAs<IntegerAttr>("argument").getInt();
        auto bytes = LLVM::LLVMArrayType::get(b.getI8Type(), 128);
        function.setArgAttr(argument, LLVM::LLVMDialect::getByValAttrName(), TypeAttr::get(bytes));
        function.setArgAttr(argument, LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(128));
        function.setArgAttr(argument, NVVM::NVVMDialect::getGridConstantAttrName(), b.getUnitAttr());
      }
}

/// nvvm ops without an intrinsic become inline PTX.
static LogicalResult writeInlinePTX(gpu::GPUModuleOp kernels) {
  RewritePatternSet patterns(kernels.getContext());
  populateNVVMToLLVMConversionPatterns(patterns);
  ConversionTarget target(*kernels.getContext());
  target.addLegalDialect<LLVM::LLVMDialect>();
  target.addDynamicallyLegalDialect<NVVM::NVVMDialect>([](Operation *op) {
    auto builder = dyn_cast<NVVM::BasicPtxBuilderInterface>(op);
    return !builder || builder.hasIntrinsic();
  });
  if (failed(holdSumsUntilWait(kernels)))
    return failure();
  return applyPartialConversion(kernels, target, std::move(patterns));
}

static FailureOr<std::unique_ptr<llvm::TargetMachine>> makeTargetMachine(Operation *module,
                                                                         const Chip &chip) {
  static const bool isInitialized = [] {
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)isInitialized;
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string message;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return module->emitError() << "no code generator for " << triple.str() << ": " << message;
  llvm::TargetOptions options;
  // As on the CPU: a·b + c may become one fma; sums keep their order, roots and quotients are rounded
  // correctly.
  options.AllowFPOpFusion = llvm::FPOpFusion::Fast;
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, chip.name, ("+" + chip.ptxVersion).str(), options, std::nullopt,
                                  std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

FailureOr<std::string> mlir::mlora::emitPTX(gpu::GPUModuleOp kernels, const Chip &chip) {
  if (failed(checkIsWhole(kernels)))
    return failure();
  auto machine = makeTargetMachine(kernels, chip);
  if (failed(machine))
    return failure();
  OwningOpRef<gpu::GPUModuleOp> copy = cast<gpu::GPUModuleOp>(kernels->clone());
  declareDynamicShared(*copy);
  passTensorMaps(*copy);
  if (failed(renameSymbols(*copy)) || failed(writeInlinePTX(*copy)))
    return failure();
  // Accesses without an alignment of their own have that of their type, which the layout says.
  (*copy)->setAttr(LLVM::LLVMDialect::getDataLayoutAttrName(),
                   StringAttr::get(copy->getContext(), (*machine)->createDataLayout().getStringRepresentation()));
  llvm::LLVMContext context;
  auto translated = translateFor(**machine, *copy, context);
  if (failed(translated))
    return failure();
  optimize(**translated, **machine, llvm::PipelineTuningOptions());
  SmallString<0> ptx;
  if (failed(emitCode(kernels, **translated, **machine, llvm::CodeGenFileType::AssemblyFile, ptx)))
    return failure();
  return ptx.str().str();
}
