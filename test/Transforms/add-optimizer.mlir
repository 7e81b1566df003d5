// What happens between gradients and new parameters, parameter-sized: the norm of the raw sums, then AdamW and the new factors. The
// gradient of a factor is split into those of its branches where they are needed.

// RUN: mlora-opt %s --mlora-add-optimizer | FileCheck %s

// CHECK-LABEL: func.func @norm(
// CHECK-SAME:    tensor<2xf32> {mlora.partial = "q.A"}, {{.*}}tensor<8xf32> {mlora.partial = "q.B"}, {{.*}}tensor<8xf32> {mlora.partial = "q.s"})
// CHECK-SAME:    -> (tensor<f32> {mlora.input = "norm"})
// CHECK:         mlora.norm

// CHECK-LABEL: func.func @layer.norm(
// CHECK:         mlora.square_sum
// CHECK:         %[[DB:.*]], %[[DS:.*]] = mlora.stack_up.grad
// CHECK-NEXT:    mlora.square_sum %[[DB]]
// CHECK-NEXT:    mlora.square_sum %[[DS]]

// CHECK-LABEL: func.func @layer.update(
// CHECK-SAME:    {mlora.gradient = "q.A"}
// CHECK-SAME:    {mlora.input = "hyper"}
// CHECK:         mlora.adamw
// CHECK:         %[[DB:.*]], %[[DS:.*]] = mlora.stack_up.grad
// CHECK-NEXT:    %[[B:.*]], %{{.*}}, %{{.*}} = mlora.adamw %{{.*}}, %[[DB]],
// CHECK-NEXT:    %[[S:.*]], %{{.*}}, %{{.*}} = mlora.adamw %{{.*}}, %[[DS]],
// CHECK-NEXT:    mlora.stack_up %[[B]], %[[S]] alpha 1.0

func.func @layer.prepare(%b: tensor<8x2xf32> {mlora.trainable = "q.B"}, %s: tensor<8x1xf32> {mlora.trainable = "q.s"})
    -> (tensor<8x2xf32> {mlora.factor = "q.up"}) {
  %up = mlora.stack_up %b, %s alpha 1.0 : (tensor<8x2xf32>, tensor<8x1xf32>) -> tensor<8x2xf32>
  return %up : tensor<8x2xf32>
}
func.func @layer.backward(%dy: tensor<?x8xf32>, %x: tensor<?x8xf32>, %m: tensor<?x2xf32>)
    -> (tensor<2x8xf32> {mlora.gradient = "q.A"}, tensor<8x2xf32> {mlora.gradient = "q.up"}) {
  %da = mlora.token_outer %m, %x : (tensor<?x2xf32>, tensor<?x8xf32>) -> tensor<2x8xf32>
  %g = mlora.token_outer %dy, %m : (tensor<?x8xf32>, tensor<?x2xf32>) -> tensor<8x2xf32>
  return %da, %g : tensor<2x8xf32>, tensor<8x2xf32>
}
