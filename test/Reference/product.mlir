// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// y = x · (the first rows of w)ᵀ, then dx = dy · (the first columns of w), a part of it, two side by side, one put into w, and one where nothing is yet.

// CHECK: tensor<1x2>
// CHECK-NEXT: [7, 10]
// CHECK: tensor<1x2>
// CHECK-NEXT: [10, 13]
// CHECK: tensor<2x1>
// CHECK-NEXT: [5]
// CHECK-NEXT: [8]
// CHECK: tensor<1x4>
// CHECK-NEXT: [1, 2, 3, 1]
// CHECK: tensor<3x3>
// CHECK-NEXT: [1, 0, 2]
// CHECK-NEXT: [3, 1, 2]
// CHECK-NEXT: [6, 1, 2]
// CHECK: tensor<1x2>
// CHECK-NEXT: [{{-?}}nan, 1]
func.func @main() -> (tensor<1x2xf64>, tensor<1x2xf64>, tensor<2x1xf64>, tensor<1x4xf64>, tensor<3x3xf64>, tensor<1x2xf64>) {
  %x = arith.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf64>
  %one = arith.constant dense<[[1.0]]> : tensor<1x1xf64>
  %w = arith.constant dense<[[1.0, 0.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]> : tensor<3x3xf64>
  %v = arith.constant dense<[[1.0, 0.0, 2.0], [0.0, 2.0, 2.0], [3.0, 3.0, 8.0]]> : tensor<3x3xf64>
  %p = arith.constant dense<[[1.0, 2.0], [1.0, 2.0]]> : tensor<2x2xf64>
  %y = mlora.product %x, %v : (tensor<1x3xf64>, tensor<3x3xf64>) -> tensor<1x2xf64>
  %dx = mlora.product %x, %v transposed : (tensor<1x3xf64>, tensor<3x3xf64>) -> tensor<1x2xf64>
  %c = mlora.window %w at [1, 2] : (tensor<3x3xf64>) -> tensor<2x1xf64>
  %xm = mlora.join %x, %one : (tensor<1x3xf64>, tensor<1x1xf64>) -> tensor<1x4xf64>
  %w1 = mlora.place %p in %w at [1, 1] : (tensor<2x2xf64>, tensor<3x3xf64>) -> tensor<3x3xf64>
  %new = mlora.place %one at [0, 1] : (tensor<1x1xf64>) -> tensor<1x2xf64>
  return %y, %dx, %c, %xm, %w1, %new : tensor<1x2xf64>, tensor<1x2xf64>, tensor<2x1xf64>, tensor<1x4xf64>, tensor<3x3xf64>, tensor<1x2xf64>
}
