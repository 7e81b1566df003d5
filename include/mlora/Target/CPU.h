//===- CPU.h - from a request to a bundle ------------------------------------------===//

#pragma once

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <string>

namespace mlir::mlora {

/// Kernels to the LLVM dialect.
void buildToCPUPipeline(OpPassManager &passes);

/// What is trained or generated, as asked for by request.json (docs/architecture.md).
struct ProgramOptions : PassPipelineOptions<ProgramOptions> {
  Option<std::string> config{*this, "config",
                             llvm::cl::desc("config.json, a folder that holds one, or a GGUF file")};
  Option<std::string> kind{*this, "kind", llvm::cl::desc("train or generate"), llvm::cl::init("train")};
  Option<std::string> method{*this, "method", llvm::cl::desc("multilora, lora, ft or none"),
                             llvm::cl::init("multilora")};
  Option<int64_t> numBranches{*this, "num-branches", llvm::cl::desc("branches of an adapted layer"),
                              llvm::cl::init(3)};
  Option<int64_t> rank{*this, "rank", llvm::cl::desc("rank of a branch"), llvm::cl::init(32)};
  Option<double> alpha{*this, "alpha", llvm::cl::desc("scale of a branch times its rank; 0: the rank"),
                       llvm::cl::init(0)};
  ListOption<std::string> targets{*this, "targets", llvm::cl::desc("layers to adapt; none: all")};
  Option<int64_t> rows{*this, "rows", llvm::cl::desc("capacity of token rows"), llvm::cl::init(512)};
  Option<int64_t> countedRows{*this, "counted-rows", llvm::cl::desc("capacity of counted rows (0: as rows)"),
                              llvm::cl::init(0)};
  Option<int64_t> kvRows{*this, "kv-rows", llvm::cl::desc("capacity of keys and values (0: as rows)"),
                         llvm::cl::init(0)};
  Option<std::string> recompute{*this, "recompute",
                                llvm::cl::desc("what backward may compute again: none, cheap or all"),
                                llvm::cl::init("cheap")};
};

/// An empty module to a planned program.
void buildProgramPipeline(OpPassManager &passes, const ProgramOptions &options);

/// `--mlora-to-cpu` and `--mlora-program-pipeline`.
void registerCPUPipelines();

/// Exit statuses of `mlora-opt --mlora-compile`: with BadRequest the messages are for whoever asked.
enum class CompileStatus { Ok = 0, Failed = 1, BadRequest = 2 };

/// Answers a request file with a bundle in an existing folder.
CompileStatus compileRequest(MLIRContext &context, StringRef request, StringRef folder);

} // namespace mlir::mlora
