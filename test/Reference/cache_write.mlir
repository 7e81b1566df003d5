// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Each new row goes to its own place; the others stay.

// CHECK: tensor<4x2>
// CHECK-NEXT: [5, 6]
// CHECK-NEXT: [2, 2]
// CHECK-NEXT: [7, 8]
// CHECK-NEXT: [4, 4]
func.func @main() -> tensor<4x2xf64> {
  %c = arith.constant dense<[[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]]> : tensor<4x2xf64>
  %x = arith.constant dense<[[7.0, 8.0], [5.0, 6.0]]> : tensor<2x2xf64>
  %rows = arith.constant dense<[2, 0]> : tensor<2xi32>
  %y = mlora.cache_write %c, %x at %rows : (tensor<4x2xf64>, tensor<2x2xf64>, tensor<2xi32>) -> tensor<4x2xf64>
  return %y : tensor<4x2xf64>
}
