// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// Of the input and of the weight.

// CHECK: @f.value_and_grad: gradient of x
// CHECK: @f.value_and_grad: gradient of w
func.func @f(%x: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "x"},
             %w: tensor<6x4xf64> {mlora.trainable = "w"}) -> tensor<?x6xf64> {
  %y = mlora.linear %x, %w : (tensor<?x4xf64>, tensor<6x4xf64>) -> tensor<?x6xf64>
  return %y : tensor<?x6xf64>
}
