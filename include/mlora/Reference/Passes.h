//===- Passes.h - test passes of the reference --------------------------------------===//

#pragma once

#include "mlir/Pass/Pass.h"

#include <memory>

namespace mlir::mlora {

#define GEN_PASS_DECL
#include "mlora/Reference/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "mlora/Reference/Passes.h.inc"

} // namespace mlir::mlora
