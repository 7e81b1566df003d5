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

void mlir::mlora::buildProgramPipeline(OpPassManager &passes, ProgramKind kind, const ProgramOptions &options) {
  bool isTraining = kind == ProgramKind::Train;
  passes.addPass(createImport({options.config, isTraining ? "train" : "generate"}));
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

/// A pipeline of the command line. Not PassPipelineRegistration: what cannot be built is refused with a message.
static void registerProgramPipeline(StringRef name, StringRef description, ProgramKind kind) {
  auto build = [kind](OpPassManager &passes, StringRef text, function_ref<LogicalResult(const Twine &)> refuse) {
    ProgramOptions options;
    if (failed(options.parseFromString(text)))
      return failure();
    if (options.target != ProgramTarget::CPU)
      return refuse("target=" + Twine(options.target == ProgramTarget::CUDA ? "cuda" : "emulate") +
                    " is not built yet: this compiler has only target=cpu");
    if (!options.chip.empty())
      return refuse("target=cpu takes no chip: code is generated for the CPU at hand");
    buildProgramPipeline(passes, kind, options);
    return success();
  };
  registerPassPipeline(name, description, build,
                       [](function_ref<void(const mlir::detail::PassOptions &)> visit) { visit(ProgramOptions()); });
}

void mlir::mlora::registerCPUPipelines() {
  registerProgramPipeline("mlora-train-pipeline", "A model's configuration to a planned program that trains",
                          ProgramKind::Train);
  registerProgramPipeline("mlora-generate-pipeline", "A model's configuration to a planned program that generates",
                          ProgramKind::Generate);
  PassPipelineRegistration<>("mlora-to-cpu", "Kernels to functions with the kernel ABI, in the LLVM dialect",
                             buildToCPUPipeline);
}

/// request.json: what is to be compiled, and the bytes that its arena may take (0: no limit).
struct Request {
  ProgramKind kind = ProgramKind::Train;
  ProgramOptions options;
  int64_t memoryBudget = 0;
};

static void readRequest(const std::string &path, Request &request) {
  ProgramOptions &options = request.options;
  nlohmann::json json = ::mlora::readJsonFile(path);
  ::mlora::JsonFields fields(json, path);
  if (fields.string("target") != "cpu")
    fields.refuse("target", "this compiler has only the target cpu");
  options.config = fields.string("model");
  std::string kind = fields.string("kind");
  if (kind != "train" && kind != "generate")
    fields.refuse("kind", "must be train or generate");
  request.kind = kind == "train" ? ProgramKind::Train : ProgramKind::Generate;
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
  request.memoryBudget = fields.optionalInteger("memory_budget").value_or(0);
}

static OwningOpRef<ModuleOp> planProgram(MLIRContext &context, const Request &request) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  PassManager passes(&context);
  buildProgramPipeline(passes, request.kind, request.options);
  return succeeded(passes.run(*module)) ? std::move(module) : OwningOpRef<ModuleOp>();
}

LogicalResult mlir::mlora::compileRequest(MLIRContext &context, StringRef path, StringRef folder) {
  Request request;
  try {
    readRequest(path.str(), request);
  } catch (const std::exception &error) {
    return emitError(UnknownLoc::get(&context), error.what());
  }
  OwningOpRef<ModuleOp> module = planProgram(context, request);
  auto exceeds = [&] {
    auto programs = module->getOps<ProgramOp>();
    return request.memoryBudget > 0 && !programs.empty() &&
           int64_t((*programs.begin()).getArena().value_or(0)) > request.memoryBudget;
  };
  if (module && exceeds() && request.kind == ProgramKind::Train) {
    request.options.recompute = "all";
    module = planProgram(context, request);
  }
  if (!module)
    return failure();
  if (exceeds())
    return emitError(UnknownLoc::get(&context))
           << "the program needs " << *(*module->getOps<ProgramOp>().begin()).getArena()
           << " bytes, more than the budget of " << request.memoryBudget << ": use fewer rows";
  PassManager passes(&context);
  WriteBundleOptions bundle;
  bundle.path = folder.str();
  bundle.request = path.str();
  passes.addPass(createWriteBundle(bundle));
  return passes.run(*module);
}
