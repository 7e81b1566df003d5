// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// The root of the sum over all operands.

// CHECK: tensor<>
// CHECK-NEXT: [4]
func.func @main() -> tensor<f64> {
  %a = arith.constant dense<[9.0, 4.0]> : tensor<2xf64>
  %b = arith.constant dense<[3.0]> : tensor<1xf64>
  %y = mlora.norm %a, %b : (tensor<2xf64>, tensor<1xf64>) -> tensor<f64>
  return %y : tensor<f64>
}
