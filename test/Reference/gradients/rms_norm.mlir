// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// Of the input and of the weight.

// CHECK: @f.value_and_grad: gradient of x
// CHECK: @f.value_and_grad: gradient of w
func.func @f(%x: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "x"},
             %w: tensor<4xf64> {mlora.trainable = "w"}) -> tensor<?x4xf64> {
  %y = mlora.rms_norm %x, %w eps 1.0e-02 : (tensor<?x4xf64>, tensor<4xf64>) -> tensor<?x4xf64>
  return %y : tensor<?x4xf64>
}
