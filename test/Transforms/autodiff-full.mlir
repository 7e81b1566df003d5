// RUN: mlora-opt %s --mlora-autodiff --mlora-rematerialize | FileCheck %s

// Full fine-tuning trains the embedding, so no layer is the lowest: every layer hands its cotangent down to it.

// CHECK-NOT:   lowest
// CHECK-LABEL: func.func @embed.forward(
// CHECK-LABEL: func.func @embed.backward(
// CHECK-SAME:    %[[DH:.*]]: tensor<?x4xf32> {mlora.cotangent = "h", mlora.extent = "rows"}
// CHECK-SAME:    %[[IDS:.*]]: tensor<?xi32> {mlora.extent = "rows", mlora.input = "ids"})
// CHECK-SAME:    -> (tensor<8x4xf32> {mlora.gradient = "table"})
// CHECK-NEXT:    mlora.embedding.weight_grad %[[DH]], %[[IDS]]
// CHECK-NOT:   lowest
func.func @embed(%ids: tensor<?xi32> {mlora.input = "ids", mlora.extent = "rows"},
                 %table: tensor<8x4xf32> {mlora.trainable = "table"}) -> tensor<?x4xf32> {
  %h = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  return %h : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @decoder_layer.backward(
// CHECK-NOT:   lowest
func.func @decoder_layer(%h: tensor<?x4xf32> {mlora.input = "h", mlora.extent = "rows"},
                         %w: tensor<4x4xf32> {mlora.trainable = "w"}) -> tensor<?x4xf32> {
  %y = mlora.linear %h, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
