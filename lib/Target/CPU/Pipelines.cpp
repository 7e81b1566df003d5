//===- Pipelines.cpp - named pipelines and the compiler's whole way -------------------===//

#include "mlora/Dialect/MLora.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Target/CPU.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::mlora;

void mlir::mlora::buildToCPUPipeline(OpPassManager &passes) {
  passes.addPass(createMLoraLowerKernels());
  passes.addNestedPass<func::FuncOp>(createVectorize());
  passes.addPass(createLowerToLLVM());
}

void mlir::mlora::buildProgramPipeline(OpPassManager &passes, const ProgramOptions &options) {
  bool isTraining = options.kind == "train";
  passes.addPass(createImport({options.config, options.kind}));
  AttachAdaptersOptions adapters;
  adapters.method = options.method;
  adapters.numBranches = options.numBranches;
  adapters.rank = options.rank;
  adapters.alpha = options.alpha;
  adapters.targets.assign(options.targets.begin(), options.targets.end());
  passes.addPass(createAttachAdapters(adapters));
  passes.addPass(createFuseBranches());
  if (isTraining) {
    passes.addPass(createAutodiff());
    RematerializeOptions rematerialize;
    rematerialize.recompute = options.recompute;
    passes.addPass(createRematerialize(rematerialize));
    passes.addPass(createMLoraAddOptimizer());
  }
  passes.addPass(createMLoraFormKernels());
  MLoraPlanMemoryOptions plan;
  plan.rows = options.rows;
  plan.countedRows = options.countedRows;
  plan.kvRows = options.kvRows;
  passes.addPass(createMLoraPlanMemory(plan));
}

void mlir::mlora::registerCPUPipelines() {
  PassPipelineRegistration<>("mlora-to-cpu", "Kernels to functions with the kernel ABI, in the LLVM dialect",
                             buildToCPUPipeline);
  PassPipelineRegistration<ProgramOptions>(
      "mlora-program-pipeline", "A model's configuration to a planned program", buildProgramPipeline);
}

/// Reads request.json into a pipeline's options; returns the memory budget in bytes (0: none).
static int64_t readRequest(const std::string &path, ProgramOptions &options) {
  nlohmann::json json = ::mlora::readJsonFile(path);
  ::mlora::JsonFields fields(json, path);
  if (fields.string("target") != "cpu")
    fields.refuse("target", "this compiler has only the target cpu");
  options.config = fields.string("model");
  options.kind = fields.string("kind");
  if (options.kind != "train" && options.kind != "generate")
    fields.refuse("kind", "must be train or generate");
  options.method = fields.string("method");
  options.numBranches = fields.integer("num_branches");
  options.rank = fields.integer("lora_r");
  options.alpha = fields.number("lora_alpha");
  for (const std::string &target : fields.strings("targets"))
    options.targets.push_back(target);
  ::mlora::JsonFields capacity = fields.object("capacity");
  options.rows = capacity.integer("rows");
  options.countedRows = capacity.integer("counted_rows");
  options.kvRows = capacity.integer("kv_rows");
  return fields.optionalInteger("memory_budget").value_or(0);
}

static OwningOpRef<ModuleOp> planProgram(MLIRContext &context, const ProgramOptions &options) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  PassManager passes(&context);
  buildProgramPipeline(passes, options);
  return succeeded(passes.run(*module)) ? std::move(module) : OwningOpRef<ModuleOp>();
}

CompileStatus mlir::mlora::compileRequest(MLIRContext &context, StringRef request, StringRef folder) {
  ProgramOptions options;
  int64_t budget = 0;
  try {
    budget = readRequest(request.str(), options);
  } catch (const std::exception &error) {
    emitError(UnknownLoc::get(&context), error.what());
    return CompileStatus::BadRequest;
  }
  OwningOpRef<ModuleOp> module = planProgram(context, options);
  auto exceeds = [&] {
    auto programs = module->getOps<ProgramOp>();
    return budget > 0 && !programs.empty() && int64_t((*programs.begin()).getArena().value_or(0)) > budget;
  };
  if (module && exceeds() && options.kind == "train") {
    options.recompute = "all";
    module = planProgram(context, options);
  }
  if (!module)
    return CompileStatus::Failed;
  if (exceeds()) {
    emitError(UnknownLoc::get(&context))
        << "memory_budget: the program needs " << *(*module->getOps<ProgramOp>().begin()).getArena()
        << " bytes, more than the " << budget
        << " allowed: raise it, or lower max_length or per_device_train_batch_size";
    return CompileStatus::BadRequest;
  }
  PassManager passes(&context);
  WriteBundleOptions bundle;
  bundle.path = folder.str();
  bundle.request = request.str();
  passes.addPass(createWriteBundle(bundle));
  return succeeded(passes.run(*module)) ? CompileStatus::Ok : CompileStatus::Failed;
}
