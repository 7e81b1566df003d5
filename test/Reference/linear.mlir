// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// y = W x for each row; W is [out, in].

// CHECK: tensor<2x3>
// CHECK-NEXT: [-1, 1.25, 3]
// CHECK-NEXT: [-4, 1.25, 2]
func.func @main() -> tensor<2x3xf64> {
  %x = arith.constant dense<[[1.0, -2.0, 0.5, 3.0], [0.0, 1.5, -1.0, 2.0]]> : tensor<2x4xf64>
  %w = arith.constant dense<[[1.0, 0.0, 2.0, -1.0], [0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 0.0, 1.0]]> : tensor<3x4xf64>
  %y = mlora.linear %x, %w : (tensor<2x4xf64>, tensor<3x4xf64>) -> tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
