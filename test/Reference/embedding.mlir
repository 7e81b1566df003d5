// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Rows of the table, one an id, repeated where ids repeat.

// CHECK: tensor<3x2>
// CHECK-NEXT: [5, 6]
// CHECK-NEXT: [1, 2]
// CHECK-NEXT: [5, 6]
func.func @main() -> tensor<3x2xf64> {
  %ids = arith.constant dense<[2, 0, 2]> : tensor<3xi32>
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf64>
  %y = mlora.embedding %ids, %table : (tensor<3xi32>, tensor<3x2xf64>) -> tensor<3x2xf64>
  return %y : tensor<3x2xf64>
}
