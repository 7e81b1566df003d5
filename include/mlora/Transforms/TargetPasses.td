//===- TargetPasses.td ---------------------------------------------*- tablegen -*-===//

#ifndef MLORA_TARGET_PASSES_TD
#define MLORA_TARGET_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // MLORA_TARGET_PASSES_TD
