// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// -log softmax(W x)[target]; a negative target does not count.

// CHECK: tensor<3>
// CHECK-NEXT: [0.407606, 0, 0.717736]
// CHECK: tensor<3>
// CHECK-NEXT: [3.40761, 0.964369, 3.71774]
func.func @main() -> (tensor<3xf64>, tensor<3xf64>) {
  %x = arith.constant dense<[[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]]> : tensor<3x2xf64>
  %w = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]> : tensor<3x2xf64>
  %t = arith.constant dense<[2, -100, 0]> : tensor<3xi32>
  %nll, %lse = mlora.cross_entropy %x, %w, %t
    : (tensor<3x2xf64>, tensor<3x2xf64>, tensor<3xi32>) -> (tensor<3xf64>, tensor<3xf64>)
  return %nll, %lse : tensor<3xf64>, tensor<3xf64>
}
