// RUN: mlora-opt %s --mlora-autodiff | FileCheck %s

// Frozen w0 gets no gradient. Nothing is computed for the lowest layer's input; elsewhere the cotangent of h is, too. Cotangents
// of x that come from two readers are added.

// CHECK-LABEL: func.func @decoder_layer(
// CHECK-LABEL: func.func @decoder_layer.value_and_grad(
// CHECK-SAME:    %[[H:.*]]: tensor<?x4xf32> {mlora.extent = "rows", mlora.input = "h"}
// CHECK-SAME:    %[[W0:.*]]: tensor<4x4xf32> {mlora.weight = "w0"}
// CHECK-SAME:    %[[W1:.*]]: tensor<4x4xf32> {mlora.trainable = "w1"}
// CHECK-SAME:    %[[DY:.*]]: tensor<?x4xf32> {mlora.cotangent = "h", mlora.extent = "rows"})
// CHECK-SAME:    -> (tensor<?x4xf32>, tensor<?x4xf32> {mlora.cotangent = "h", mlora.extent = "rows"},
// CHECK-SAME:        tensor<4x4xf32> {mlora.gradient = "w1"})
// CHECK-NEXT:    %[[X:.*]] = mlora.linear %[[H]], %[[W0]]
// CHECK-NEXT:    %[[Y:.*]] = mlora.linear %[[X]], %[[W1]]
// CHECK-NEXT:    %[[Z:.*]] = mlora.add %[[X]], %[[Y]]
// CHECK-NEXT:    %[[DX:.*]] = mlora.linear.input_grad %[[DY]], %[[W1]]
// CHECK-NEXT:    %[[DW:.*]] = mlora.token_outer %[[DY]], %[[X]]
// CHECK-NEXT:    %[[SUM:.*]] = mlora.add %[[DY]], %[[DX]]
// CHECK-NEXT:    %[[DH:.*]] = mlora.linear.input_grad %[[SUM]], %[[W0]]
// CHECK-NEXT:    return %[[Z]], %[[DH]], %[[DW]]

// CHECK-LABEL: func.func @decoder_layer.value_and_grad.lowest(
// CHECK-SAME:    -> (tensor<?x4xf32>, tensor<4x4xf32> {mlora.gradient = "w1"})
// CHECK-NOT:     input_grad
// CHECK:         mlora.token_outer
// CHECK-NEXT:    return
func.func @decoder_layer(%h: tensor<?x4xf32> {mlora.input = "h", mlora.extent = "rows"},
                         %w0: tensor<4x4xf32> {mlora.weight = "w0"},
                         %w1: tensor<4x4xf32> {mlora.trainable = "w1"}) -> tensor<?x4xf32> {
  %x = mlora.linear %h, %w0 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %y = mlora.linear %x, %w1 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %z = mlora.add %x, %y : tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// A head without trainable tensors only hands the cotangent of h down: no gradient of the norm or of the head.

// CHECK-LABEL: func.func @head_loss.value_and_grad(
// CHECK-SAME:    %[[D:[^:]*]]: tensor<f32> {mlora.cotangent = "loss"})
// CHECK-SAME:    -> (tensor<f32>, tensor<?x4xf32> {mlora.cotangent = "h", mlora.extent = "rows"})
// CHECK:         mlora.spread %[[D]]
// CHECK-NEXT:    mlora.cross_entropy.input_grad
// CHECK-NEXT:    mlora.rms_norm.input_grad
// CHECK-NEXT:    mlora.scatter_rows
// CHECK-NEXT:    return
func.func @head_loss(%h: tensor<?x4xf32> {mlora.input = "h", mlora.extent = "rows"},
                     %counted: tensor<?xi32> {mlora.input = "counted", mlora.extent = "counted_rows"},
                     %targets: tensor<?xi32> {mlora.input = "targets", mlora.extent = "counted_rows"},
                     %norm: tensor<4xf32> {mlora.weight = "norm"},
                     %head: tensor<8x4xf32> {mlora.weight = "head"}) -> tensor<f32> {
  %r = mlora.gather_rows %h, %counted : (tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x4xf32>
  %x = mlora.rms_norm %r, %norm eps 1.0e-5 : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %nll, %lse = mlora.cross_entropy %x, %head, %targets
    : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %loss = mlora.sum %nll : (tensor<?xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
