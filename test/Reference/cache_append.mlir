// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// New rows lie behind the cached ones.

// CHECK: tensor<3x2>
// CHECK-NEXT: [1, 1]
// CHECK-NEXT: [2, 2]
// CHECK-NEXT: [7, 8]
func.func @main() -> tensor<3x2xf64> {
  %c = arith.constant dense<[[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]> : tensor<3x2xf64>
  %x = arith.constant dense<[[7.0, 8.0]]> : tensor<1x2xf64>
  %past = arith.constant dense<2> : tensor<i32>
  %y = mlora.cache_append %c, %x at %past : (tensor<3x2xf64>, tensor<1x2xf64>, tensor<i32>) -> tensor<3x2xf64>
  return %y : tensor<3x2xf64>
}
