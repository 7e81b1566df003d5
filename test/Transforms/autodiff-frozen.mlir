// RUN: mlora-opt %s --mlora-autodiff | FileCheck %s

// Nothing is trained: nothing is added.

// CHECK-NOT: value_and_grad
func.func @decoder_layer(%h: tensor<?x4xf32> {mlora.input = "h", mlora.extent = "rows"},
                         %w: tensor<4x4xf32> {mlora.weight = "w"}) -> tensor<?x4xf32> {
  %y = mlora.linear %h, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
