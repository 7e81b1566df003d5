//===- EmitObject.h - LLVM dialect to a shared object ------------------------------===//

#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace mlir::mlora {

/// Makes what `emitSharedObject` needs known to a pass's registry.
void registerEmitObjectDialects(DialectRegistry &registry);

/// The CPU that programs are compiled for: this one, by LLVM's name.
std::string getTargetCPU();

/// Compiles a module of the LLVM dialect for this CPU; imports outside AllowedSymbols.def are errors.
LogicalResult emitObject(ModuleOp module, SmallVector<char, 0> &object);

/// Compiles a module of the LLVM dialect for this CPU and links it to a shared object. Its functions are
/// exported; imports outside AllowedSymbols.def are errors.
LogicalResult emitSharedObject(ModuleOp module, StringRef path);

} // namespace mlir::mlora
