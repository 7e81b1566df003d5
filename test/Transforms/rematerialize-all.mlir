// `all` keeps nothing but arguments: the layer runs again. So does the smallest budget; `cheap` keeps 576 bytes a row.

// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize=recompute=all | FileCheck %s
// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize=budget=1 | FileCheck %s
// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize=budget=576 | FileCheck %s --check-prefix=FITS

// CHECK-LABEL: func.func @decoder_layer.backward(
// CHECK-NOT:   mlora.residual
// CHECK:       mlora.attention %
// FITS-LABEL:  func.func @decoder_layer.backward(
// FITS:        mlora.residual = "attention"
// FITS-NOT:    mlora.attention %
// FITS:        return
