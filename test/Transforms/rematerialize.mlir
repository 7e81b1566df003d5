// What a decoder layer keeps: what attention and SwiGLU read, the middle of the residual stream and the skinny m. Norms and
// the activation are computed again, right before they are read; contractions never are.

// RUN: mlora-opt %S/Inputs/layer.mlir --mlora-autodiff --mlora-rematerialize | FileCheck %s

// CHECK-LABEL: func.func @decoder_layer.forward(
// CHECK-SAME:    -> (tensor<?x8xf64>, tensor<?x4xf64> {mlora.extent = "rows", mlora.residual = "v"},
// CHECK-SAME:    mlora.residual = "mid.q+k+v"}
// CHECK-SAME:    mlora.residual = "q"}
// CHECK-SAME:    mlora.residual = "k"}
// CHECK-SAME:    mlora.residual = "attention"}
// CHECK-SAME:    mlora.residual = "lse"}
// CHECK-SAME:    mlora.residual = "mid.o"}
// CHECK-SAME:    tensor<?x8xf64> {mlora.extent = "rows", mlora.residual = "{{[^"]*}}"}
// CHECK-SAME:    mlora.residual = "gate"}
// CHECK-SAME:    mlora.residual = "up"}
// CHECK-SAME:    mlora.residual = "mid.gate+up"}
// CHECK-SAME:    tensor<?x2xf64> {mlora.extent = "rows", mlora.residual = "mid.down"}) {

// CHECK-LABEL: func.func @decoder_layer.backward(
// CHECK-SAME:    %[[DY:.*]]: tensor<?x8xf64> {mlora.cotangent = "h", mlora.extent = "rows"}, %[[H:[^:]*]]: tensor<?x8xf64> {
// CHECK-NOT:     mlora.adapted_linear %
// CHECK-NOT:     mlora.attention %
// CHECK:         mlora.adapted_linear.input_grad(%[[DY]])
// CHECK-NEXT:    %[[S:.*]] = mlora.swiglu
// CHECK-NEXT:    mlora.token_outer %{{.*}}, %[[S]]
// CHECK:         %[[X1:.*]] = mlora.rms_norm
// CHECK-NEXT:    mlora.token_outer %{{.*}}, %[[X1]]
// CHECK:         %[[X:.*]] = mlora.rms_norm %[[H]]
// CHECK-NEXT:    mlora.token_outer %{{.*}}, %[[X]]
// CHECK:         return

// Below the lowest adapter nothing is computed: the last input_grad gives u alone.
// CHECK-LABEL: func.func @decoder_layer.backward.lowest(
// CHECK-COUNT-1: mlora.rms_norm.input_grad
// CHECK-NOT:     mlora.rms_norm.input_grad
// CHECK-NOT:     value_and_grad
