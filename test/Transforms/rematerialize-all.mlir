// `all` (or a budget that `cheap` exceeds: it keeps 576 bytes a row) keeps nothing but arguments: the layer runs again.

// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize=recompute=all | FileCheck %s
// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize=budget=500 | FileCheck %s
// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize=budget=600 | FileCheck %s --check-prefix=FITS

// CHECK-LABEL: func.func @decoder_layer.backward(
// CHECK-NOT:   mlora.residual
// CHECK:       mlora.attention %
// FITS:        mlora.residual = "attention"
