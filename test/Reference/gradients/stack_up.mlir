// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// G splits into gradients of branches and of scalings.

// CHECK: @f.value_and_grad: gradient of b
// CHECK: @f.value_and_grad: gradient of s
func.func @f(%b: tensor<5x6xf64> {mlora.trainable = "b"},
             %s: tensor<5x3xf64> {mlora.trainable = "s"}) -> tensor<5x6xf64> {
  %y = mlora.stack_up %b, %s alpha 3.0 : (tensor<5x6xf64>, tensor<5x3xf64>) -> tensor<5x6xf64>
  return %y : tensor<5x6xf64>
}
