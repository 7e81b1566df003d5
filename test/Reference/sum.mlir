// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// The sum of a vector.

// CHECK: tensor<>
// CHECK-NEXT: [3]
func.func @main() -> tensor<f64> {
  %x = arith.constant dense<[1.0, 2.5, -0.5]> : tensor<3xf64>
  %y = mlora.sum %x : (tensor<3xf64>) -> tensor<f64>
  return %y : tensor<f64>
}
