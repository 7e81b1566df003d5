//===- ParsePTX.h - the instructions of inline assembly --------------------------------===//

#pragma once

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace mlir::mlora {

/// One instruction, such as `@p mbarrier.init.shared.b64 [$0], $1`. Braces, brackets and what lies in them
/// are one operand.
struct PTXInstruction {
  std::string predicate; ///< `p` or `!p`; empty: none
  std::string name;
  llvm::SmallVector<std::string> operands;
};

/// The statements of a text, without declarations of registers, labels, comments and braces around them.
llvm::SmallVector<PTXInstruction> parsePTX(llvm::StringRef text);

/// What stands between brackets or braces, split at its commas; anything else is its only part.
llvm::SmallVector<llvm::StringRef> partsOf(llvm::StringRef operand);

} // namespace mlir::mlora
