// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// A group of two layers of different width and rank: of the input, the weights, both factors.

// CHECK: @f.value_and_grad: gradient of x
// CHECK: @f.value_and_grad: gradient of w0
// CHECK: @f.value_and_grad: gradient of w1
// CHECK: @f.value_and_grad: gradient of up0
// CHECK: @f.value_and_grad: gradient of up1
// CHECK: @f.value_and_grad: gradient of down
func.func @f(%x: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "x"},
             %w0: tensor<6x4xf64> {mlora.trainable = "w0"},
             %w1: tensor<6x4xf64> {mlora.trainable = "w1"},
             %up0: tensor<6x2xf64> {mlora.trainable = "up0"},
             %up1: tensor<6x3xf64> {mlora.trainable = "up1"},
             %down: tensor<5x4xf64> {mlora.trainable = "down"}) -> tensor<?x6xf64> {
  %y0, %y1, %m = mlora.adapted_linear %x weights(%w0, %w1) ups(%up0, %up1) down %down
    : (tensor<?x4xf64>, tensor<6x4xf64>, tensor<6x4xf64>, tensor<6x2xf64>, tensor<6x3xf64>, tensor<5x4xf64>)
    -> (tensor<?x6xf64>, tensor<?x6xf64>, tensor<?x5xf64>)
  %y = mlora.swiglu %y0, %y1 : (tensor<?x6xf64>, tensor<?x6xf64>) -> tensor<?x6xf64>
  return %y : tensor<?x6xf64>
}
