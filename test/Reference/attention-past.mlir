// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// A query behind two cached rows sees them and its own.

// CHECK: tensor<1x4>
// CHECK-NEXT: [0.756825, 0.756825, 0.444689, 1.09042]
// CHECK: tensor<1x2>
// CHECK-NEXT: [1.58805, 3.13811]
func.func @main() -> (tensor<1x4xf64>, tensor<1x2xf64>) {
  %q = arith.constant dense<[[0.5, 0.5, -1.0, 2.0]]> : tensor<1x4xf64>
  %k = arith.constant dense<[[1.0, 1.0], [0.0, 2.0], [-1.0, 0.5]]> : tensor<3x2xf64>
  %v = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]> : tensor<3x2xf64>
  %past = arith.constant dense<2> : tensor<i32>
  %y, %lse = mlora.attention %q, %k, %v past %past heads 2 kv_heads 1
    : (tensor<1x4xf64>, tensor<3x2xf64>, tensor<3x2xf64>, tensor<i32>) -> (tensor<1x4xf64>, tensor<1x2xf64>)
  return %y, %lse : tensor<1x4xf64>, tensor<1x2xf64>
}
