// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Causal, inside documents (row 2 begins one and sees itself alone), two query heads on one key head.

// CHECK: tensor<3x4>
// CHECK-NEXT: [1, 0, 1, 0]
// CHECK-NEXT: [0.5, 0.5, 0.107042, 0.892958]
// CHECK-NEXT: [2, 2, 2, 2]
// CHECK: tensor<3x2>
// CHECK-NEXT: [0.707107, 0.707107]
// CHECK-NEXT: [1.40025, 2.94164]
// CHECK-NEXT: [-1.76777, 0]
func.func @main() -> (tensor<3x4xf64>, tensor<3x2xf64>) {
  %q = arith.constant dense<[[1.0, 0.0, 0.0, 1.0], [0.5, 0.5, -1.0, 2.0], [2.0, -1.0, 0.0, 0.0]]> : tensor<3x4xf64>
  %k = arith.constant dense<[[1.0, 1.0], [0.0, 2.0], [-1.0, 0.5]]> : tensor<3x2xf64>
  %v = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]> : tensor<3x2xf64>
  %start = arith.constant dense<[0, 0, 2]> : tensor<3xi32>
  %y, %lse = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<3x4xf64>, tensor<3x2xf64>, tensor<3x2xf64>, tensor<3xi32>)
    -> (tensor<3x4xf64>, tensor<3x2xf64>)
  return %y, %lse : tensor<3x4xf64>, tensor<3x2xf64>
}
