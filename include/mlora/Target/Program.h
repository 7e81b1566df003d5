//===- Program.h - from a request to a bundle, for any target -------------------------===//

#pragma once

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <string>

namespace mlir::mlora {

/// Where kernels run.
enum class ProgramTarget { CPU, CUDA, Emulate };

/// What weights and activations are stored as.
enum class ProgramType { F32, BF16 };

/// What a program is made of, as asked for on the command line or by request.json (docs/architecture.md).
struct ProgramOptions : PassPipelineOptions<ProgramOptions> {
  Option<ProgramTarget> target{
      *this, "target", llvm::cl::desc("where kernels run"), llvm::cl::init(ProgramTarget::CPU),
      llvm::cl::values(clEnumValN(ProgramTarget::CPU, "cpu", "the CPU at hand"),
                       clEnumValN(ProgramTarget::CUDA, "cuda", "an NVIDIA GPU, by PTX for a chip"),
                       clEnumValN(ProgramTarget::Emulate, "emulate", "the GPU's kernels, on the CPU"))};
  Option<std::string> chip{*this, "chip",
                           llvm::cl::desc("the GPU's architecture, such as sm_90a (cuda; emulate: sm_80 "
                                          "unless it is said)")};
  Option<ProgramType> dtype{
      *this, "dtype", llvm::cl::desc("what weights and activations are stored as"),
      llvm::cl::init(ProgramType::F32),
      llvm::cl::values(clEnumValN(ProgramType::F32, "f32", "f32"),
                       clEnumValN(ProgramType::BF16, "bf16", "bf16, with sums, adapters and losses in f32"))};
  Option<std::string> config{*this, "config",
                             llvm::cl::desc("config.json, a folder that holds one, or a GGUF file")};
  Option<std::string> method{*this, "method", llvm::cl::desc("multilora, lora, ft or none"),
                             llvm::cl::init("multilora")};
  Option<int64_t> numBranches{*this, "num-branches",
                              llvm::cl::desc("branches of an adapted layer (multilora)"), llvm::cl::init(3)};
  Option<int64_t> rank{*this, "rank", llvm::cl::desc("rank of a branch"), llvm::cl::init(32)};
  Option<double> alpha{*this, "alpha",
                       llvm::cl::desc("branches are scaled by alpha / rank; 0: alpha is the rank"),
                       llvm::cl::init(0)};
  ListOption<std::string> targets{
      *this, "targets", llvm::cl::desc("layers to adapt by the last part of their name; none: all")};
  ListOption<std::string> quantized{
      *this, "quantized",
      llvm::cl::desc("tensors that stay in a GGUF file's blocks, below the layer: TENSOR=FORMAT (generate, for the CPU)")};
  Option<std::string> recompute{*this, "recompute",
                                llvm::cl::desc("what backward may compute again (train): none, cheap or all"),
                                llvm::cl::init("cheap")};
  Option<int64_t> budget{
      *this, "budget",
      llvm::cl::desc("bytes of a token row that a layer may keep for backward (train); 0: no limit"),
      llvm::cl::init(0)};
  Option<int64_t> chunkRows{*this, "chunk-rows",
                            llvm::cl::desc("rows whose logits are in memory at once (train, for a GPU)"),
                            llvm::cl::init(512)};
};

enum class ProgramKind { Train, Generate };

/// Why a program cannot be made with these options; empty where it can.
std::string whyNotBuilt(ProgramKind kind, const ProgramOptions &options);

/// An empty module to a planned program of the target's kernels, which names its chip (`mlora.chip`) if one
/// is asked for.
void buildProgramPipeline(OpPassManager &passes, ProgramKind kind, const ProgramOptions &options);

/// `--mlora-train-pipeline` and `--mlora-generate-pipeline`.
void registerProgramPipelines();

/// Exit statuses of `mlora-opt --mlora-compile`: with BadRequest the messages are for whoever asked.
enum class CompileStatus { Ok = 0, Failed = 1, BadRequest = 2 };

/// Answers a request file with a bundle in an existing folder.
CompileStatus compileRequest(MLIRContext &context, StringRef request, StringRef folder);

} // namespace mlir::mlora
