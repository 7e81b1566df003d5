// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Element by element.

// CHECK: tensor<1x3>
// CHECK-NEXT: [5, 3, 1]
func.func @main() -> tensor<1x3xf64> {
  %a = arith.constant dense<[[0.0, 1.0, -2.0]]> : tensor<1x3xf64>
  %b = arith.constant dense<[[5.0, 2.0, 3.0]]> : tensor<1x3xf64>
  %y = mlora.add %a, %b : tensor<1x3xf64>
  return %y : tensor<1x3xf64>
}
