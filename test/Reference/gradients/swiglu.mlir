// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// Of the gate and of what it gates.

// CHECK: @f.value_and_grad: gradient of gate
// CHECK: @f.value_and_grad: gradient of up
func.func @f(%gate: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "gate"},
             %up: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "up"}) -> tensor<?x4xf64> {
  %y = mlora.swiglu %gate, %up : (tensor<?x4xf64>, tensor<?x4xf64>) -> tensor<?x4xf64>
  return %y : tensor<?x4xf64>
}
