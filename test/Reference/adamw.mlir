// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// One step as torch.optim.AdamW takes it; the gradient is scaled by the last entry of hyper.

// CHECK: tensor<2>
// CHECK-NEXT: [0.939556, -1.898]
// CHECK: tensor<2>
// CHECK-NEXT: [0.29, -0.001]
// CHECK: tensor<2>
// CHECK-NEXT: [0.238, 1e-06]
func.func @main() -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) {
  %p = arith.constant dense<[1.0, -2.0]> : tensor<2xf64>
  %g = arith.constant dense<[4.0, -0.02]> : tensor<2xf64>
  %m = arith.constant dense<[0.1, 0.0]> : tensor<2xf64>
  %v = arith.constant dense<[0.2, 0.0]> : tensor<2xf64>
  %hyper = arith.constant dense<[0.1, 0.9, 0.99, 1.0e-8, 0.01, 0.1, 0.01, 0.5]> : tensor<8xf64>
  %q, %m1, %v1 = mlora.adamw %p, %g, %m, %v, %hyper : tensor<2xf64>, tensor<8xf64>
  return %q, %m1, %v1 : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>
}
