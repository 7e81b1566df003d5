// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// W + B A.

// CHECK: tensor<2x3>
// CHECK-NEXT: [2, 5, 2]
// CHECK-NEXT: [0.5, -0.5, -1]
func.func @main() -> tensor<2x3xf64> {
  %w = arith.constant dense<[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]> : tensor<2x3xf64>
  %up = arith.constant dense<[[1.0, 2.0], [0.5, -1.0]]> : tensor<2x2xf64>
  %down = arith.constant dense<[[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]]> : tensor<2x3xf64>
  %y = mlora.merge %w, %up, %down : (tensor<2x3xf64>, tensor<2x2xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
