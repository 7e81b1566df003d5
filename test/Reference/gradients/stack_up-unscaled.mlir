// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// Without scalings it is linear in b alone.

// CHECK: @f.value_and_grad: gradient of b
func.func @f(%b: tensor<5x6xf64> {mlora.trainable = "b"}) -> tensor<5x6xf64> {
  %y = mlora.stack_up %b alpha 3.0 : (tensor<5x6xf64>) -> tensor<5x6xf64>
  return %y : tensor<5x6xf64>
}
