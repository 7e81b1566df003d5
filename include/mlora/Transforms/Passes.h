//===- Passes.h - passes from the model level to a planned program ---------------===//

#pragma once

#include "mlir/Pass/Pass.h"

#include <memory>

namespace mlir::mlora {

#define GEN_PASS_DECL
#include "mlora/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "mlora/Transforms/Passes.h.inc"

} // namespace mlir::mlora
