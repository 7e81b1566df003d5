//===- LLVMCode.h - from the LLVM dialect to a machine's code, for every target ---------===//

#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"

namespace mlir::mlora {

/// A module of the LLVM dialect (or a gpu.module of it) as LLVM IR for `machine`.
FailureOr<std::unique_ptr<llvm::Module>> translateFor(llvm::TargetMachine &machine, Operation *module,
                                                      llvm::LLVMContext &context);

/// -O3. What `tuning` says is the target's choice.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, const llvm::PipelineTuningOptions &tuning);

/// Code of `module`, appended to `code`.
LogicalResult emitCode(Operation *source, llvm::Module &module, llvm::TargetMachine &machine,
                       llvm::CodeGenFileType type, SmallVectorImpl<char> &code);

} // namespace mlir::mlora
