//===- ProgramPasses.td ---------------------------------------------*- tablegen -*-===//

#ifndef MLORA_PROGRAM_PASSES_TD
#define MLORA_PROGRAM_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // MLORA_PROGRAM_PASSES_TD
