// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// y = u g sigmoid(g).

// CHECK: tensor<1x3>
// CHECK-NEXT: [0, 1.46212, -0.715218]
func.func @main() -> tensor<1x3xf64> {
  %g = arith.constant dense<[[0.0, 1.0, -2.0]]> : tensor<1x3xf64>
  %u = arith.constant dense<[[5.0, 2.0, 3.0]]> : tensor<1x3xf64>
  %y = mlora.swiglu %g, %u : (tensor<1x3xf64>, tensor<1x3xf64>) -> tensor<1x3xf64>
  return %y : tensor<1x3xf64>
}
