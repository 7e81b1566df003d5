// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// The transpose of a rotation is its inverse, and the other way round.

// CHECK: @f.value_and_grad: gradient of x
func.func @f(%x: tensor<?x8xf64> {mlora.extent = "rows", mlora.trainable = "x"},
             %position: tensor<?xi32> {mlora.extent = "rows", mlora.input = "position"}) -> tensor<?x8xf64> {
  %t = mlora.rope_table %position theta 10.0 : (tensor<?xi32>) -> tensor<?x4xf64>
  %y = mlora.rope %x, %t heads 2 : (tensor<?x8xf64>, tensor<?x4xf64>) -> tensor<?x8xf64>
  %z = mlora.add %y, %x : tensor<?x8xf64>
  %r = mlora.rope %z, %t heads 2 inverse : (tensor<?x8xf64>, tensor<?x4xf64>) -> tensor<?x8xf64>
  return %r : tensor<?x8xf64>
}
