// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// The named rows, in the order in which they are named.

// CHECK: tensor<2x2>
// CHECK-NEXT: [5, 6]
// CHECK-NEXT: [1, 2]
func.func @main() -> tensor<2x2xf64> {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf64>
  %rows = arith.constant dense<[2, 0]> : tensor<2xi32>
  %y = mlora.gather_rows %x, %rows : (tensor<3x2xf64>, tensor<2xi32>) -> tensor<2x2xf64>
  return %y : tensor<2x2xf64>
}
