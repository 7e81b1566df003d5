// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// -log softmax(z)[target]; a negative target does not count. The gradient: softmax(z) - onehot(target), times the cotangent.

// CHECK: tensor<3>
// CHECK-NEXT: [0.407606, 0, 0.717736]
// CHECK: tensor<3>
// CHECK-NEXT: [3.40761, 0.964369, 3.71774]
// CHECK: tensor<3x3>
// CHECK-NEXT: [0.180061, 0.489457, -0.669518]
// CHECK-NEXT: [0, 0, 0]
// CHECK-NEXT: [-0.512144, 0.0242889, 0.487856]
func.func @main() -> (tensor<3xf64>, tensor<3xf64>, tensor<3x3xf64>) {
  %z = arith.constant dense<[[1.0, 2.0, 3.0], [0.5, -1.0, -0.5], [3.0, 0.0, 3.0]]> : tensor<3x3xf64>
  %t = arith.constant dense<[2, -100, 0]> : tensor<3xi32>
  %d = arith.constant dense<[2.0, 3.0, 1.0]> : tensor<3xf64>
  %nll, %lse = mlora.nll %z, %t : (tensor<3x3xf64>, tensor<3xi32>) -> (tensor<3xf64>, tensor<3xf64>)
  %dz = mlora.nll.input_grad %d, %z, %t, %lse
    : (tensor<3xf64>, tensor<3x3xf64>, tensor<3xi32>, tensor<3xf64>) -> tensor<3x3xf64>
  return %nll, %lse, %dz : tensor<3xf64>, tensor<3xf64>, tensor<3x3xf64>
}
