// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// The inverse turns back.

// CHECK: tensor<1x8>
// CHECK-NEXT: [1.8419, 4.44649, 2.57049, 0.478266, -0.807576, 1.68294, 0.773188, 1.0806]
func.func @main() -> tensor<1x8xf64> {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, -1.0, 0.0, 0.5, 2.0]]> : tensor<1x8xf64>
  %t = arith.constant dense<[[0.955336, 0.540302, 0.29552, 0.841471]]> : tensor<1x4xf64>
  %y = mlora.rope %x, %t heads 2 inverse : (tensor<1x8xf64>, tensor<1x4xf64>) -> tensor<1x8xf64>
  return %y : tensor<1x8xf64>
}
