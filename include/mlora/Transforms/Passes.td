//===- Passes.td - passes from the model level to a planned program ---*- tablegen -*-===//

#ifndef MLORA_PASSES_TD
#define MLORA_PASSES_TD

include "mlora/Transforms/ModelPasses.td"
include "mlora/Transforms/AutodiffPasses.td"
include "mlora/Transforms/ProgramPasses.td"
include "mlora/Transforms/TargetPasses.td"

#endif // MLORA_PASSES_TD
