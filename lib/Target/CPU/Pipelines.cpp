//===- Pipelines.cpp - named pipelines ----------------------------------------------===//

#include "mlora/Target/CPU.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::mlora;

void mlir::mlora::buildToCPUPipeline(OpPassManager &passes) {
  passes.addPass(createMLoraLowerKernels());
  passes.addNestedPass<func::FuncOp>(createVectorize());
  passes.addPass(createLowerGemm());
  passes.addPass(createLowerToLLVM());
}

void mlir::mlora::buildProgramPipeline(OpPassManager &passes, ProgramKind kind,
                                       const ProgramOptions &options) {
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
    rematerialize.budget = options.budget;
    passes.addPass(createRematerialize(rematerialize));
    passes.addPass(createMLoraAddOptimizer());
  }
  passes.addPass(createMLoraFormKernels());
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
    if (options.target != ProgramTarget::CPU)
      return refuse("target=" + Twine(options.target == ProgramTarget::CUDA ? "cuda" : "emulate") +
                    " is not built yet: this compiler has only target=cpu");
    if (!options.chip.empty())
      return refuse("target=cpu takes no chip: code is generated for the CPU at hand");
    buildProgramPipeline(passes, kind, options);
    return success();
  };
  registerPassPipeline(
      name, description, build,
      [](function_ref<void(const mlir::detail::PassOptions &)> visit) { visit(ProgramOptions()); });
}

void mlir::mlora::registerCPUPipelines() {
  registerProgramPipeline("mlora-train-pipeline", "A model's configuration to a planned program that trains",
                          ProgramKind::Train);
  registerProgramPipeline("mlora-generate-pipeline",
                          "A model's configuration to a planned program that generates",
                          ProgramKind::Generate);
  PassPipelineRegistration<>("mlora-to-cpu", "Kernels to functions with the kernel ABI, in the LLVM dialect",
                             buildToCPUPipeline);
}
