//===- Pipelines.cpp - named pipelines of whole programs -----------------------------===//

#include "mlora/Target/PTX.h"
#include "mlora/Target/Program.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::mlora;

/// Columns of a block of a linear layer of generation, whose steps are often of one row: enough blocks for all
/// threads.
static constexpr int64_t kLinearColumns = 48;

namespace {
/// Says in the module which GPU its kernels are to be made for: plans do not depend on it.
struct NameChip : PassWrapper<NameChip, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(NameChip)
  explicit NameChip(std::string chip) : chip(std::move(chip)) {}
  StringRef getName() const override { return "NameChip"; }
  void runOnOperation() override {
    getOperation()->setAttr("mlora.chip", StringAttr::get(&getContext(), chip));
  }
  std::string chip;
};
} // namespace

std::string mlir::mlora::whyNotBuilt(ProgramKind kind, const ProgramOptions &options) {
  if (!options.quantized.empty() && kind == ProgramKind::Train)
    return "weights that stay quantised are read by programs that generate only";
  if (!options.quantized.empty() && options.target != ProgramTarget::CPU)
    return "weights that stay quantised are built for target=cpu only";
  if (options.target == ProgramTarget::CPU && options.dtype == ProgramType::BF16)
    return "dtype=bf16 is not built for target=cpu, whose kernels are f32: ask for target=cuda or target=emulate";
  if (options.target == ProgramTarget::CPU)
    return options.chip.empty() ? "" : "target=cpu takes no chip: code is generated for the CPU at hand";
  if (options.chip.empty())
    return options.target == ProgramTarget::CUDA ? "target=cuda needs a chip, one of " + chipNames() : "";
  return findChip(options.chip)
             ? ""
             : "no kernels for chip '" + options.chip + "'; expected one of " + chipNames();
}

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
  // A GPU's products are a library's, and its tensor cores take 16 columns at a time.
  bool isGPU = options.target != ProgramTarget::CPU;
  passes.addPass(createFuseBranches({isGPU ? 16 : 1}));
  if (isTraining) {
    passes.addPass(createAutodiff());
    RematerializeOptions rematerialize;
    // Where bytes are dearer than memory, nothing is computed again but for a budget.
    rematerialize.recompute = isGPU && !options.recompute.hasValue() && options.budget == 0
                                  ? std::string("none")
                                  : std::string(options.recompute);
    rematerialize.budget = options.budget;
    passes.addPass(createRematerialize(rematerialize));
    passes.addPass(createMLoraAddOptimizer());
  }
  MLoraFormKernelsOptions form;
  if (isGPU) {
    passes.addPass(createAugmentProducts());
    passes.addPass(createChunkHead({options.chunkRows}));
    form.rowBlock = 32; // what a block works on is to fit into shared memory
    form.attentionBlock = 32;
    form.parameterBlock = 16;
    form.tileColumns = 64; // of any product's schedule: addresses are computed for one tile, and none is spilled
    form.tensorCores = true;
  }
  if (!isGPU && !isTraining) {
    passes.addPass(createSplitAdapted());
    QuantizeWeightsOptions quantize;
    quantize.formats.assign(options.quantized.begin(), options.quantized.end());
    passes.addPass(createQuantizeWeights(quantize));
    form.columnBlock = kLinearColumns;
  }
  passes.addPass(createMLoraFormKernels(form));
  passes.addPass(createMLoraPlanMemory());
  if (isGPU)
    passes.addPass(createJoinLaunches());
  if (!options.chip.empty())
    passes.addPass(std::make_unique<NameChip>(options.chip));
}

/// A pipeline of the command line. Not PassPipelineRegistration: what cannot be built is refused with a
/// message.
static void registerProgramPipeline(StringRef name, StringRef description, ProgramKind kind) {
  auto build = [kind](OpPassManager &passes, StringRef text,
                      function_ref<LogicalResult(const Twine &)> refuse) {
    ProgramOptions options;
    if (failed(options.parseFromString(text)))
      return failure();
    if (std::string why = whyNotBuilt(kind, options); !why.empty())
      return refuse(why);
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
