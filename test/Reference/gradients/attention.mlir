// RUN: mlora-opt %s --mlora-autodiff --mlora-check-gradients -o /dev/null | FileCheck %s

// Two documents, four query heads on two key heads.

// CHECK: @f.value_and_grad: gradient of q
// CHECK: @f.value_and_grad: gradient of k
// CHECK: @f.value_and_grad: gradient of v
func.func @f(%q: tensor<?x8xf64> {mlora.extent = "rows", mlora.trainable = "q"},
             %k: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "k"},
             %v: tensor<?x4xf64> {mlora.extent = "rows", mlora.trainable = "v"},
             %start: tensor<?xi32> {mlora.extent = "rows", mlora.input = "start"}) -> tensor<?x8xf64> {
  %y, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x8xf64>, tensor<?x4xf64>, tensor<?x4xf64>, tensor<?xi32>) -> (tensor<?x8xf64>, tensor<?x4xf64>)
  return %y : tensor<?x8xf64>
}
