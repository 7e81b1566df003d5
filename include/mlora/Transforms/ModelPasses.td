//===- ModelPasses.td ---------------------------------------------*- tablegen -*-===//

#ifndef MLORA_MODEL_PASSES_TD
#define MLORA_MODEL_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // MLORA_MODEL_PASSES_TD
