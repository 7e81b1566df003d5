// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// Of every operand of a branch.

// CHECK: @f.value_and_grad: gradient of y
// CHECK: @f.value_and_grad: gradient of x
// CHECK: @f.value_and_grad: gradient of a
// CHECK: @f.value_and_grad: gradient of b
// CHECK: @f.value_and_grad: gradient of s
func.func @f(%y: tensor<?x6xf64> {mlora.extent = "rows", mlora.trainable = "y"},
             %x: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "x"},
             %a: tensor<2x4xf64> {mlora.trainable = "a"},
             %b: tensor<6x2xf64> {mlora.trainable = "b"},
             %s: tensor<6xf64> {mlora.trainable = "s"}) -> tensor<?x6xf64> {
  %z = mlora.branch %y, %x, %a, %b, %s alpha 3.0
    : (tensor<?x6xf64>, tensor<?x4xf64>, tensor<2x4xf64>, tensor<6x2xf64>, tensor<6xf64>) -> tensor<?x6xf64>
  return %z : tensor<?x6xf64>
}
