// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Plain LoRA has no scaling vector.

// CHECK: tensor<1x2>
// CHECK-NEXT: [25, -5]
func.func @main() -> tensor<1x2xf64> {
  %y = arith.constant dense<[[1.0, 1.0]]> : tensor<1x2xf64>
  %x = arith.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf64>
  %a = arith.constant dense<[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]> : tensor<2x3xf64>
  %b = arith.constant dense<[[1.0, 2.0], [0.0, -1.0]]> : tensor<2x2xf64>
  %z = mlora.branch %y, %x, %a, %b alpha 6.0
    : (tensor<1x2xf64>, tensor<1x3xf64>, tensor<2x3xf64>, tensor<2x2xf64>) -> tensor<1x2xf64>
  return %z : tensor<1x2xf64>
}
