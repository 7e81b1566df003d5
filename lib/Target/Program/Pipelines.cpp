//===- Pipelines.cpp - named pipelines of whole programs -----------------------------===//

#include "mlora/Target/Program.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::mlora;

void mlir::mlora::buildProgramPipeline(OpPassManager &passes, ProgramKind kind,
                                       const ProgramOptions &options) {
  bool isTraining = kind == ProgramKind::Train;
  passes.addPass(createImport({options.config, isTraining ? "train" : "generate",
                               options.dtype == ProgramType::BF16 ? "bf16" : "f32"}));
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
    rematerialize.budget = options.budget;
    passes.addPass(createRematerialize(rematerialize));
    passes.addPass(createMLoraAddOptimizer());
  }
  MLoraFormKernelsOptions form;
  if (options.target != ProgramTarget::CPU) { // what a block works on is to fit into shared memory
    form.rowBlock = 32;
    form.attentionBlock = 32;
  }
  passes.addPass(createMLoraFormKernels(form));
  passes.addPass(createMLoraPlanMemory());
}

/// A pipeline of the command line. Not PassPipelineRegistration: what cannot be built is refused with a
/// message.
static void registerProgramPipeline(StringRef name, StringRef description, ProgramKind kind) {
  auto build = [kind](OpPassManager &passes, StringRef text,
                      function_ref<LogicalResult(const Twine &)> refuse) {
    ProgramOptions options;
    if (failed(options.parseFromString(text)))
      return failure();
    if (options.target == ProgramTarget::CUDA)
      return refuse("target=cuda is not built yet: this compiler has target=cpu and target=emulate");
    if (!options.chip.empty())
      return refuse("target=cpu and target=emulate take no chip: code is generated for the CPU at hand");
    if (options.target == ProgramTarget::CPU && options.dtype == ProgramType::BF16)
      return refuse("dtype=bf16 is not built for target=cpu, whose kernels are f32: ask for target=emulate");
    buildProgramPipeline(passes, kind, options);
    return success();
  };
  registerPassPipeline(
      name, description, build,
      [](function_ref<void(const mlir::detail::PassOptions &)> visit) { visit(ProgramOptions()); });
}

void mlir::mlora::registerProgramPipelines() {
  registerProgramPipeline("mlora-train-pipeline", "A model's configuration to a planned program that trains",
                          ProgramKind::Train);
  registerProgramPipeline("mlora-generate-pipeline",
                          "A model's configuration to a planned program that generates",
                          ProgramKind::Generate);
}
