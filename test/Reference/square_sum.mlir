// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Sums of squares of each row.

// CHECK: tensor<2>
// CHECK-NEXT: [1, 1]
func.func @main() -> tensor<2xf64> {
  %x = arith.constant dense<[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]> : tensor<2x3xf64>
  %y = mlora.square_sum %x : (tensor<2x3xf64>) -> tensor<2xf64>
  return %y : tensor<2xf64>
}
