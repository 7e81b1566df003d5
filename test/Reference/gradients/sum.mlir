// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// A scalar spreads over the rows.

// CHECK: @f.value_and_grad: gradient of x
func.func @f(%x: tensor<?xf64> {mlora.extent = "rows", mlora.trainable = "x"}) -> tensor<f64> {
  %y = mlora.sum %x : (tensor<?xf64>) -> tensor<f64>
  return %y : tensor<f64>
}
