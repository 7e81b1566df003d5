// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// y = w x / sqrt(mean(x²) + eps), with an eps large enough to see.

// CHECK: tensor<2x4>
// CHECK-NEXT: [0.496139, -1.98456, -0.248069, 0.744208]
// CHECK-NEXT: [0, 1.97279, 0.657596, 0.657596]
func.func @main() -> tensor<2x4xf64> {
  %x = arith.constant dense<[[1.0, -2.0, 0.5, 3.0], [0.0, 1.5, -1.0, 2.0]]> : tensor<2x4xf64>
  %w = arith.constant dense<[1.0, 2.0, -1.0, 0.5]> : tensor<4xf64>
  %y = mlora.rms_norm %x, %w eps 5.0e-01 : (tensor<2x4xf64>, tensor<4xf64>) -> tensor<2x4xf64>
  return %y : tensor<2x4xf64>
}
