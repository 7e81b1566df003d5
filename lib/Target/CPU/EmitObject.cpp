//===- EmitObject.cpp - LLVM dialect to a shared object -----------------------------===//

#include "EmitObject.h"
#include "LLVMCode.h"

#include "mlora/Transforms/Passes.h"

#include "lld/Common/Driver.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Threading.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

LLD_HAS_DRIVER(elf)

namespace mlir::mlora {
#define GEN_PASS_DEF_EMITOBJECT
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;

void mlir::mlora::registerEmitObjectDialects(DialectRegistry &registry) {
  registry.insert<LLVM::LLVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

std::string mlir::mlora::getTargetCPU() { return llvm::sys::getHostCPUName().str(); }

static std::string getTargetFeatures() {
  std::vector<std::string> features;
  for (auto &feature : llvm::sys::getHostCPUFeatures())
    features.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(features);
  return llvm::join(features, ",");
}

static FailureOr<std::unique_ptr<llvm::TargetMachine>> makeTargetMachine(ModuleOp module) {
  llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string message;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return module.emitError() << "no code generator for " << triple.str() << ": " << message;
  llvm::TargetOptions options;
  // a·b + c may become one fma; sums keep their order.
  options.AllowFPOpFusion = llvm::FPOpFusion::Fast;
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, mlora::getTargetCPU(), getTargetFeatures(), options,
                                  llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
}

static llvm::PipelineTuningOptions getTuning() {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = true;
  // Loops over vectors are wide enough; unrolling them only makes code.
  tuning.LoopUnrolling = false;
  return tuning;
}

/// What the object imports must be on the list, or defined in the part that the others share.
static LogicalResult checkImports(ModuleOp module, StringRef object, const llvm::StringSet<> &shared) {
  static const llvm::StringSet<> allowed = {
#define MLORA_ALLOWED_SYMBOL(name) #name,
#include "AllowedSymbols.def"
  };
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "program.o"));
  if (!file)
    return module.emitError("compiled object: " + llvm::toString(file.takeError()));
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name)
      return module.emitError("compiled object: unreadable symbol");
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) && !name->empty() && !allowed.contains(*name) &&
        !shared.contains(*name))
      return module.emitError() << "a kernel calls '" << *name
                                << "', which is not on the list of allowed symbols (AllowedSymbols.def)";
  }
  return success();
}

static LogicalResult link(ModuleOp module, ArrayRef<SmallVector<char, 0>> objects, StringRef path) {
  std::vector<std::string> inputs;
  llvm::scope_exit removeInputs([&] {
    for (const std::string &input : inputs)
      llvm::sys::fs::remove(input);
  });
  for (auto [i, object] : llvm::enumerate(objects)) {
    // Beside the output, under names that nobody has.
    int descriptor;
    SmallString<128> input;
    std::error_code error =
        llvm::sys::fs::createUniqueFile(path + "." + Twine(i) + "-%%%%%%%%.o", descriptor, input);
    if (error)
      return module.emitError() << "cannot write a file beside " << path << ": " << error.message();
    inputs.push_back(input.str().str());
    llvm::raw_fd_ostream file(descriptor, /*shouldClose=*/true);
    file.write(object.data(), object.size());
    file.close();
    error = file.error();
    file.clear_error();
    if (error)
      return module.emitError() << "cannot write " << input << ": " << error.message();
  }
  std::string output = path.str(), messages;
  llvm::raw_string_ostream stream(messages);
  std::vector<const char *> arguments = {
      "ld.lld", "-shared",     "-o", output.c_str(), "--hash-style=gnu", "--build-id=none", "--threads=1",
      "-z",     "noexecstack", "-z", "now"};
  for (const std::string &input : inputs)
    arguments.push_back(input.c_str());
  lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return module.emitError() << "linking " << path << " failed: " << messages;
  return success();
}

namespace {

/// A program's module cut into modules that are compiled side by side. Kernels do not call each other, so
/// that every part has some. What several may need:
/// - private functions and variables are defined in a part of their own, hidden from whoever loads the
/// object,
///   and the other parts declare them;
/// - constants are in every part, where code may be made with their values;
/// - what the module only declares is declared in every part.
/// The parts do not depend on how many threads there are.
class Parts {
public:
  explicit Parts(ModuleOp module) : module(module) {
    SmallVector<Operation *> kernels, others;
    for (Operation &op : *module.getBody())
      (isShared(&op) ? shared : isKernel(&op) ? kernels : others).push_back(&op);
    if (!shared.empty())
      add([&](OpBuilder &builder) {
        for (Operation *op : shared) {
          names.insert(SymbolTable::getSymbolName(op).getValue());
          hide(builder.clone(*op));
        }
        for (Operation *op : others)
          if (isa<LLVM::LLVMFuncOp, LLVM::GlobalOp>(op))
            cloneOwn(builder, op);
      });
    unsigned count = std::min<unsigned>(kMost, kernels.size());
    for (unsigned i = 0; i < count; ++i)
      add([&](OpBuilder &builder) {
        for (Operation *op : shared)
          declare(builder, op);
        for (Operation *op : others)
          cloneOwn(builder, op);
        for (unsigned number = i; number < kernels.size(); number += count)
          builder.clone(*kernels[number]);
      });
  }

  SmallVector<OwningOpRef<ModuleOp>> modules;
  llvm::StringSet<> names; ///< what the first part defines for the others

private:
  static constexpr unsigned kMost = 8;

  static bool isKernel(Operation *op) {
    auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
    return function && !function.isExternal() && !isPrivate(op);
  }
  static bool isShared(Operation *op) {
    if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op))
      return !function.isExternal() && isPrivate(op);
    auto global = dyn_cast<LLVM::GlobalOp>(op);
    return global && !global.getConstant() && isDefinition(global);
  }
  static bool isPrivate(Operation *op) {
    return SymbolTable::getSymbolVisibility(op) == SymbolTable::Visibility::Private;
  }
  static bool isDefinition(LLVM::GlobalOp global) {
    return global.getValueOrNull() || !global.getInitializerRegion().empty();
  }

  void add(function_ref<void(OpBuilder &)> fill) {
    modules.push_back(ModuleOp::create(module.getLoc()));
    OpBuilder builder = OpBuilder::atBlockEnd(modules.back()->getBody());
    fill(builder);
  }

  static void hide(Operation *op) {
    SymbolTable::setSymbolVisibility(op, SymbolTable::Visibility::Public);
    if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op)) {
      function.setLinkage(LLVM::Linkage::External);
      function.setVisibility_(LLVM::Visibility::Hidden);
    } else {
      cast<LLVM::GlobalOp>(op).setLinkage(LLVM::Linkage::External);
      cast<LLVM::GlobalOp>(op).setVisibility_(LLVM::Visibility::Hidden);
    }
  }

  static void declare(OpBuilder &builder, Operation *op) {
    if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op)) {
      hide(LLVM::LLVMFuncOp::create(builder, op->getLoc(), function.getName(), function.getFunctionType()));
      return;
    }
    auto global = cast<LLVM::GlobalOp>(builder.clone(*op));
    global.removeValueAttr();
    global.getInitializerRegion().getBlocks().clear();
    hide(global);
  }

  /// A declaration, or a constant that no other part sees.
  static void cloneOwn(OpBuilder &builder, Operation *op) {
    auto global = dyn_cast<LLVM::GlobalOp>(builder.clone(*op));
    if (global && isDefinition(global))
      global.setLinkage(LLVM::Linkage::Internal);
  }

  ModuleOp module;
  SmallVector<Operation *> shared;
};

} // namespace

static LogicalResult compile(ModuleOp module, const llvm::StringSet<> &shared, SmallVector<char, 0> &object) {
  auto machine = makeTargetMachine(module);
  if (failed(machine))
    return failure();
  llvm::LLVMContext context;
  auto translated = mlora::translateFor(**machine, module, context);
  if (failed(translated))
    return failure();
  mlora::optimize(**translated, **machine, getTuning());
  if (failed(mlora::emitCode(module, **translated, **machine, llvm::CodeGenFileType::ObjectFile, object)))
    return failure();
  return checkImports(module, StringRef(object.data(), object.size()), shared);
}

LogicalResult mlir::mlora::emitObject(ModuleOp module, SmallVector<char, 0> &object) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  return compile(module, {}, object);
}

LogicalResult mlir::mlora::emitSharedObject(ModuleOp module, StringRef path) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  Parts parts(module);
  std::vector<SmallVector<char, 0>> objects(parts.modules.size());
  auto compilePart = [&](size_t i) { return compile(*parts.modules[i], parts.names, objects[i]); };
  if (failed(failableParallelForEachN(module.getContext(), 0, objects.size(), compilePart)))
    return failure();
  return link(module, objects, path);
}

namespace {
struct EmitObject : mlora::impl::EmitObjectBase<EmitObject> {
  using EmitObjectBase::EmitObjectBase;
  void getDependentDialects(DialectRegistry &registry) const override {
    mlora::registerEmitObjectDialects(registry);
  }
  void runOnOperation() override {
    if (failed(mlora::emitSharedObject(getOperation(), path)))
      signalPassFailure();
  }
};
} // namespace
