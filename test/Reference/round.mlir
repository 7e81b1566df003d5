// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// What storing rounds off is no part of what an op means.

// CHECK: tensor<1x2>
// CHECK-NEXT: [1.00001, 2]
func.func @main() -> tensor<1x2xbf16> {
  %x = arith.constant dense<[[1.00001, 2.0]]> : tensor<1x2xf64>
  %y = mlora.round %x : (tensor<1x2xf64>) -> tensor<1x2xbf16>
  return %y : tensor<1x2xbf16>
}
