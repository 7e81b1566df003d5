// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s
// RUN: mlora-opt %s --mlora-autodiff --mlora-chunk-head=rows=2 --mlora-check-gradients -o /dev/null | FileCheck %s
// RUN: mlora-opt %s --mlora-autodiff --mlora-chunk-head --mlora-check-gradients -o /dev/null | FileCheck %s

// Of the input and of the head; the row with a negative target gives nothing. The same in two chunks of the three rows, and in one.

// CHECK: @f.value_and_grad: gradient of x
// CHECK: @f.value_and_grad: gradient of head
func.func @f(%x: tensor<?x4xf64> {mlora.extent = "counted_rows", mlora.trainable = "x"},
             %head: tensor<7x4xf64> {mlora.trainable = "head"},
             %targets: tensor<?xi32> {mlora.extent = "counted_rows", mlora.input = "targets"}) -> tensor<f64> {
  %nll, %lse = mlora.cross_entropy %x, %head, %targets : (tensor<?x4xf64>, tensor<7x4xf64>, tensor<?xi32>) -> (tensor<?xf64>, tensor<?xf64>)
  %loss = mlora.sum %nll : (tensor<?xf64>) -> tensor<f64>
  return %loss : tensor<f64>
}
