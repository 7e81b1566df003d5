// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Cosines, then sines, of p * theta^(-2i/d).

// CHECK: tensor<3x4>
// CHECK-NEXT: [1, 1, 0, 0]
// CHECK-NEXT: [0.540302, 0.995004, 0.841471, 0.0998334]
// CHECK-NEXT: [-0.989992, 0.955336, 0.14112, 0.29552]
func.func @main() -> tensor<3x4xf64> {
  %p = arith.constant dense<[0, 1, 3]> : tensor<3xi32>
  %t = mlora.rope_table %p theta 100.0 : (tensor<3xi32>) -> tensor<3x4xf64>
  return %t : tensor<3x4xf64>
}
