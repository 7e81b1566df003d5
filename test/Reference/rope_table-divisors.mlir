// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// A GGUF file may divide each frequency.

// CHECK: tensor<3x4>
// CHECK-NEXT: [1, 1, 0, 0]
// CHECK-NEXT: [0.877583, 0.999688, 0.479426, 0.0249974]
// CHECK-NEXT: [0.0707372, 0.997189, 0.997495, 0.0749297]
func.func @main() -> tensor<3x4xf64> {
  %p = arith.constant dense<[0, 1, 3]> : tensor<3xi32>
  %t = mlora.rope_table %p theta 100.0 divisors [2.0, 4.0] : (tensor<3xi32>) -> tensor<3x4xf64>
  return %t : tensor<3x4xf64>
}
