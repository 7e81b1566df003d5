// RUN: mlora-opt %s --mlora-autodiff | FileCheck %s
// RUN: echo 'module attributes {mlora.adapter = {method = "none"}} {' > %t && cat %s >> %t && echo '}' >> %t
// RUN: mlora-opt %t --mlora-autodiff | FileCheck %s --check-prefix=FROZEN

// Nothing is trained: nothing is added, or, where no adapter was asked for, the backward pass of the activations.

// CHECK-NOT: value_and_grad
func.func @embed(%ids: tensor<?xi32> {mlora.input = "ids", mlora.extent = "rows"},
                 %w: tensor<9x4xf32> {mlora.weight = "e"}) -> tensor<?x4xf32> {
  %h = mlora.embedding %ids, %w : (tensor<?xi32>, tensor<9x4xf32>) -> tensor<?x4xf32>
  return %h : tensor<?x4xf32>
}
func.func @decoder_layer(%h: tensor<?x4xf32> {mlora.input = "h", mlora.extent = "rows"},
                         %w: tensor<4x4xf32> {mlora.weight = "w"}) -> tensor<?x4xf32> {
  %y = mlora.linear %h, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// FROZEN-NOT: @embed.value_and_grad
// FROZEN: @decoder_layer.value_and_grad({{.*}}, [[W:%.*]]: tensor<4x4xf32> {{.*}}, [[DY:%.*]]: tensor<?x4xf32> {mlora.cotangent = "h", mlora.extent = "rows"})
// FROZEN-SAME: -> (tensor<?x4xf32>, tensor<?x4xf32> {mlora.cotangent = "h", mlora.extent = "rows"})
// FROZEN: [[Y:%.*]] = mlora.linear
// FROZEN: [[DH:%.*]] = mlora.linear.input_grad [[DY]], [[W]]
// FROZEN-NOT: mlora.token_outer
// FROZEN: return [[Y]], [[DH]]
// FROZEN-NOT: value_and_grad
