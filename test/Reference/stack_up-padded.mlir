// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// One branch of rank 2 (alpha/r is 3), then padding: zero, and zero gradients, whatever is there.

// CHECK: tensor<1x3>
// CHECK-NEXT: [6, 12, 0]
// CHECK: tensor<1x3>
// CHECK-NEXT: [30, 60, 0]
// CHECK: tensor<1x1>
// CHECK-NEXT: [75]
func.func @main() -> (tensor<1x3xf64>, tensor<1x3xf64>, tensor<1x1xf64>) {
  %b = arith.constant dense<[[1.0, 2.0, 7.0]]> : tensor<1x3xf64>
  %s = arith.constant dense<[[2.0]]> : tensor<1x1xf64>
  %g = arith.constant dense<[[5.0, 10.0, 9.0]]> : tensor<1x3xf64>
  %y = mlora.stack_up %b, %s alpha 6.0 rank 2 : (tensor<1x3xf64>, tensor<1x1xf64>) -> tensor<1x3xf64>
  %db, %ds = mlora.stack_up.grad %g, %b, %s alpha 6.0 rank 2
    : (tensor<1x3xf64>, tensor<1x3xf64>, tensor<1x1xf64>) -> (tensor<1x3xf64>, tensor<1x1xf64>)
  return %y, %db, %ds : tensor<1x3xf64>, tensor<1x3xf64>, tensor<1x1xf64>
}
