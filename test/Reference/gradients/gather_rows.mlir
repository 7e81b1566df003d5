// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// Rows that are not gathered have a zero gradient.

// CHECK: @f.value_and_grad: gradient of x
func.func @f(%x: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "x"},
             %rows: tensor<?xi32> {mlora.extent = "counted_rows", mlora.input = "rows"}) -> tensor<?x4xf64> {
  %y = mlora.gather_rows %x, %rows : (tensor<?x4xf64>, tensor<?xi32>) -> tensor<?x4xf64>
  return %y : tensor<?x4xf64>
}
