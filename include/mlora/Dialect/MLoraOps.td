//===- MLoraOps.td - every op of the dialect ---------------------*- tablegen -*-===//

include "mlora/Dialect/MLoraAdapterOps.td"
include "mlora/Dialect/MLoraBlockOps.td"
include "mlora/Dialect/MLoraGradientOps.td"
include "mlora/Dialect/MLoraLossOps.td"
include "mlora/Dialect/MLoraModelOps.td"
include "mlora/Dialect/MLoraOptimizerOps.td"
include "mlora/Dialect/MLoraProductOps.td"
include "mlora/Dialect/MLoraProgramOps.td"
include "mlora/Dialect/MLoraQuantizedOps.td"
