//===- Extents.h - where the rows of a token-sized tensor come from ---------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

namespace mlir::mlora {

/// The operand whose rows an op's result has; null where none has them.
Value rowsLeader(Operation *op);

/// The value that a value's run-time number of rows comes from, through any number of ops: an argument of the
/// function as a rule. It has as many rows; what it holds is another matter. `accept` may refuse values on
/// the way.
Value rowsSource(
    Value value, llvm::function_ref<bool(Value)> accept = [](Value) { return true; });

/// The name of the scalar behind a value's `?`: that of the function argument its rows come from. Null if
/// there is none.
StringAttr extentOf(FunctionOpInterface function, Value value);

} // namespace mlir::mlora
