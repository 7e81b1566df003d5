//===- AutodiffPasses.td ---------------------------------------------*- tablegen -*-===//

#ifndef MLORA_AUTODIFF_PASSES_TD
#define MLORA_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // MLORA_AUTODIFF_PASSES_TD
