//===- EmitObject.cpp - LLVM dialect to a shared object -----------------------------===//

#include "EmitObject.h"

#include "mlora/Transforms/Passes.h"

#include "lld/Common/Driver.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Threading.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
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

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = true;
  // Loops over vectors are wide enough; unrolling them only makes code.
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
}

/// What the object imports must be on the list, or defined in another part.
static LogicalResult checkImports(ModuleOp module, StringRef object) {
  static const llvm::StringSet<> allowed = {
#define MLORA_ALLOWED_SYMBOL(name) #name,
#include "AllowedSymbols.def"
  };
  auto isShared = [&](StringRef name) {
    auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
    return function && function.getVisibility_() == LLVM::Visibility::Hidden;
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
        !isShared(*name))
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
    inputs.push_back((path + "." + Twine(i) + ".o").str());
    std::error_code error;
    llvm::raw_fd_ostream file(inputs.back(), error);
    if (!error) {
      file.write(object.data(), object.size());
      file.close();
      error = file.error();
      file.clear_error();
    }
    if (error)
      return module.emitError() << "cannot write " << inputs.back() << ": " << error.message();
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

/// Kernels do not call each other, so that they can be compiled side by side. What they call is private: it
/// gets a part of its own, hidden from whoever loads the object, and the other parts declare it. The parts do
/// not depend on how many threads there are.
static SmallVector<OwningOpRef<ModuleOp>> split(ModuleOp module) {
  constexpr unsigned kParts = 8;
  SmallVector<LLVM::LLVMFuncOp> kernels, shared;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    (SymbolTable::getSymbolVisibility(function) == SymbolTable::Visibility::Private ? shared : kernels)
        .push_back(function);
  SmallVector<OwningOpRef<ModuleOp>> parts;
  auto add = [&] {
    parts.push_back(ModuleOp::create(module.getLoc()));
    return OpBuilder::atBlockEnd(parts.back()->getBody());
  };
  if (!shared.empty()) {
    OpBuilder builder = add();
    for (LLVM::LLVMFuncOp function : shared) {
      auto copy = cast<LLVM::LLVMFuncOp>(builder.clone(*function));
      copy.setSymVisibility("public");
      copy.setVisibility_(LLVM::Visibility::Hidden);
    }
  }
  unsigned count = std::min<unsigned>(kParts, kernels.size());
  for (unsigned i = 0; i < count; ++i) {
    OpBuilder builder = add();
    for (LLVM::LLVMFuncOp function : shared)
      LLVM::LLVMFuncOp::create(builder, function.getLoc(), function.getName(), function.getFunctionType())
          .setVisibility_(LLVM::Visibility::Hidden);
    for (unsigned number = i; number < kernels.size(); number += count)
      builder.clone(*kernels[number]);
    for (Operation &op : *module.getBody()) // constants
      if (!isa<LLVM::LLVMFuncOp>(op))
        builder.clone(op);
  }
  return parts;
}

static LogicalResult compile(ModuleOp module, SmallVector<char, 0> &object) {
  auto machine = makeTargetMachine(module);
  if (failed(machine))
    return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> translated = translateModuleToLLVMIR(module, context, "program");
  if (!translated)
    return module.emitError("could not be translated to LLVM IR");
  translated->setDataLayout((*machine)->createDataLayout());
  translated->setTargetTriple((*machine)->getTargetTriple());
  for (llvm::Function &function : *translated) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", (*machine)->getTargetCPU());
    function.addFnAttr("target-features", (*machine)->getTargetFeatureString());
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  optimize(*translated, **machine);

  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager codegen;
  if ((*machine)->addPassesToEmitFile(codegen, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return module.emitError("this target writes no object files");
  codegen.run(*translated);
  return checkImports(module, StringRef(object.data(), object.size()));
}

LogicalResult mlir::mlora::emitObject(ModuleOp module, SmallVector<char, 0> &object) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  return compile(module, object);
}

LogicalResult mlir::mlora::emitSharedObject(ModuleOp module, StringRef path) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  SmallVector<OwningOpRef<ModuleOp>> parts = split(module);
  std::vector<SmallVector<char, 0>> objects(parts.size());
  if (failed(failableParallelForEachN(module.getContext(), 0, parts.size(),
                                      [&](size_t i) { return compile(*parts[i], objects[i]); })))
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
