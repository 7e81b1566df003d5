// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Each head turns by halves: [a | b] becomes [a c - b s | b c + a s].

// CHECK: tensor<1x8>
// CHECK-NEXT: [0.068776, -2.28528, 3.16153, 3.84415, -1.1031, -1.68294, 0.182148, 1.0806]
func.func @main() -> tensor<1x8xf64> {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, -1.0, 0.0, 0.5, 2.0]]> : tensor<1x8xf64>
  %t = arith.constant dense<[[0.955336, 0.540302, 0.29552, 0.841471]]> : tensor<1x4xf64>
  %y = mlora.rope %x, %t heads 2 : (tensor<1x8xf64>, tensor<1x4xf64>) -> tensor<1x8xf64>
  return %y : tensor<1x8xf64>
}
