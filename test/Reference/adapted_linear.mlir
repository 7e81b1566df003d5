// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Two layers share x; the first owns column 0 of m, the second columns 1 and 2.

// CHECK: tensor<2x2>
// CHECK-NEXT: [4, 5.5]
// CHECK-NEXT: [0, -0.25]
// CHECK: tensor<2x1>
// CHECK-NEXT: [8]
// CHECK-NEXT: [-6]
// CHECK: tensor<2x3>
// CHECK-NEXT: [3, 2, 2]
// CHECK-NEXT: [-0.5, -1, 1]
func.func @main() -> (tensor<2x2xf64>, tensor<2x1xf64>, tensor<2x3xf64>) {
  %x = arith.constant dense<[[1.0, 2.0], [0.5, -1.0]]> : tensor<2x2xf64>
  %w1 = arith.constant dense<[[1.0, 0.0], [2.0, 1.0]]> : tensor<2x2xf64>
  %w2 = arith.constant dense<[[0.0, 3.0]]> : tensor<1x2xf64>
  %u1 = arith.constant dense<[[1.0], [0.5]]> : tensor<2x1xf64>
  %u2 = arith.constant dense<[[2.0, -1.0]]> : tensor<1x2xf64>
  %down = arith.constant dense<[[1.0, 1.0], [0.0, 1.0], [2.0, 0.0]]> : tensor<3x2xf64>
  %y:2, %m = mlora.adapted_linear %x weights(%w1, %w2) ups(%u1, %u2) down %down
    : (tensor<2x2xf64>, tensor<2x2xf64>, tensor<1x2xf64>, tensor<2x1xf64>, tensor<1x2xf64>, tensor<3x2xf64>)
    -> (tensor<2x2xf64>, tensor<2x1xf64>, tensor<2x3xf64>)
  return %y#0, %y#1, %m : tensor<2x2xf64>, tensor<2x1xf64>, tensor<2x3xf64>
}
