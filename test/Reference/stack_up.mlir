// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Two branches of rank 2 side by side, each column scaled by its branch (alpha/r is 3).

// CHECK: tensor<2x4>
// CHECK-NEXT: [6, 12, 4.5, 6]
// CHECK-NEXT: [-3, 0, -3, -1.5]
func.func @main() -> tensor<2x4xf64> {
  %b = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [-1.0, 0.0, 1.0, 0.5]]> : tensor<2x4xf64>
  %s = arith.constant dense<[[2.0, 0.5], [1.0, -1.0]]> : tensor<2x2xf64>
  %y = mlora.stack_up %b, %s alpha 6.0 : (tensor<2x4xf64>, tensor<2x2xf64>) -> tensor<2x4xf64>
  return %y : tensor<2x4xf64>
}
