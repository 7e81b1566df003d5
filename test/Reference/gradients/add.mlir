// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// Cotangents that meet are added: x counts three times.

// CHECK: @f.value_and_grad: gradient of x
// CHECK: @f.value_and_grad: gradient of y
func.func @f(%x: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "x"},
             %y: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "y"}) -> tensor<?x4xf64> {
  %a = mlora.add %x, %x : tensor<?x4xf64>
  %b = mlora.add %a, %y : tensor<?x4xf64>
  %c = mlora.add %b, %x : tensor<?x4xf64>
  return %c : tensor<?x4xf64>
}
