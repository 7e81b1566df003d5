// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// Without document starts everything before a row is seen.

// CHECK: @f.value_and_grad: gradient of q
// CHECK: @f.value_and_grad: gradient of k
// CHECK: @f.value_and_grad: gradient of v
func.func @f(%q: tensor<?x8xf64> {mlora.extent = "rows", mlora.trainable = "q"},
             %k: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "k"},
             %v: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "v"}) -> tensor<?x8xf64> {
  %y, %lse = mlora.attention %q, %k, %v heads 4 kv_heads 2
    : (tensor<?x8xf64>, tensor<?x4xf64>, tensor<?x4xf64>) -> (tensor<?x8xf64>, tensor<?x4xf64>)
  return %y : tensor<?x8xf64>
}
