// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// The paper's equation 4: y + (alpha/r) diag(s) B A x.

// CHECK: tensor<1x2>
// CHECK-NEXT: [13, -11]
func.func @main() -> tensor<1x2xf64> {
  %y = arith.constant dense<[[1.0, 1.0]]> : tensor<1x2xf64>
  %x = arith.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf64>
  %a = arith.constant dense<[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]> : tensor<2x3xf64>
  %b = arith.constant dense<[[1.0, 2.0], [0.0, -1.0]]> : tensor<2x2xf64>
  %s = arith.constant dense<[0.5, 2.0]> : tensor<2xf64>
  %z = mlora.branch %y, %x, %a, %b, %s alpha 6.0
    : (tensor<1x2xf64>, tensor<1x3xf64>, tensor<2x3xf64>, tensor<2x2xf64>, tensor<2xf64>) -> tensor<1x2xf64>
  return %z : tensor<1x2xf64>
}
