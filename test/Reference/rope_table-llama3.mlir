// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// The scaling of Llama 3: high frequencies stay, low ones are divided, those between are blended.

// CHECK: tensor<3x8>
// CHECK-NEXT: [1, 1, 1, 1, 0, 0, 0, 0]
// CHECK-NEXT: [0.540302, 0.991977, 0.999878, 0.999985, 0.841471, 0.126416, 0.0156244, 0.00552424]
// CHECK-NEXT: [-0.989992, 0.928566, 0.998902, 0.999863, 0.14112, 0.371167, 0.0468578, 0.0165721]
func.func @main() -> tensor<3x8xf64> {
  %p = arith.constant dense<[0, 1, 3]> : tensor<3xi32>
  %t = mlora.rope_table %p theta 64.0 llama3 [8.0, 1.0, 4.0, 32.0] : (tensor<3xi32>) -> tensor<3x8xf64>
  return %t : tensor<3x8xf64>
}
