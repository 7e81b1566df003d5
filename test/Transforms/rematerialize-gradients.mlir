// Gradients of a whole layer, cut in two, against central differences; and the same bits whatever is kept.

// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize --mlora-check-gradients -o /dev/null | FileCheck %s
// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize=recompute=none --mlora-check-gradients=print -o /dev/null > %t.none
// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize=recompute=cheap --mlora-check-gradients=print -o /dev/null > %t.cheap
// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize=recompute=all --mlora-check-gradients=print -o /dev/null > %t.all
// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize=budget=300 --mlora-check-gradients=print -o /dev/null > %t.budget
// RUN: diff %t.none %t.cheap
// RUN: diff %t.none %t.all
// RUN: diff %t.none %t.budget

// CHECK:         @decoder_layer.backward: gradient of h
// CHECK-COUNT-11: @decoder_layer.backward: gradient of
// CHECK-COUNT-11: @decoder_layer.backward.lowest: gradient of
// CHECK-NOT:     gradient of
