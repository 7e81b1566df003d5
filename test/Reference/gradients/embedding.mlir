// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// An id that occurs twice collects both cotangents.

// CHECK: @f.value_and_grad: gradient of table
func.func @f(%ids: tensor<?xi32> {mlora.extent = "rows", mlora.input = "ids"},
             %table: tensor<3x4xf64> {mlora.trainable = "table"}) -> tensor<?x4xf64> {
  %y = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<3x4xf64>) -> tensor<?x4xf64>
  return %y : tensor<?x4xf64>
}
