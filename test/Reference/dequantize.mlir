// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// Q4_1: d = 0.5, m = -1, the low nibbles are 0 to 15, the high ones 15 to 0. Q8_0: d = 0.25, bytes -128, -120, … 120.
// Of several formats the row behind the last one says which it is: 0, then 1.
// The other formats' values are compared with those of the runtime's decoders (unit/target/QuantizedGemmTest.cpp).

// CHECK: tensor<1x32>
// CHECK-NEXT: [-1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 6.5, 6, 5.5, 5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5, 0, -0.5, -1]
// CHECK: tensor<1x32>
// CHECK-NEXT: [-32, -30, -28, -26, -24, -22, -20, -18, -16, -14, -12, -10, -8, -6, -4, -2, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]
// CHECK: tensor<1x32>
// CHECK-NEXT: [-1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 6.5, 6, 5.5, 5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5, 0, -0.5, -1]
// CHECK: tensor<1x32>
// CHECK-NEXT: [-32, -30, -28, -26, -24, -22, -20, -18, -16, -14, -12, -10, -8, -6, -4, -2, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]
func.func @main() -> (tensor<1x32xf32>, tensor<1x32xf32>, tensor<1x32xf32>, tensor<1x32xf32>) {
  %a = arith.constant dense<[[0, 56, 0, -68, -16, -31, -46, -61, -76, -91, -106, -121, 120, 105, 90, 75, 60, 45, 30, 15]]> : tensor<1x20xi8>
  %b = arith.constant dense<[[0, 52, -128, -120, -112, -104, -96, -88, -80, -72, -64, -56, -48, -40, -32, -24, -16, -8, 0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120]]> : tensor<1x34xi8>
  %x = mlora.dequantize %a of "Q4_1" : (tensor<1x20xi8>) -> tensor<1x32xf32>
  %y = mlora.dequantize %b of "Q8_0" : (tensor<1x34xi8>) -> tensor<1x32xf32>
  %c = arith.constant dense<[[0, 56, 0, -68, -16, -31, -46, -61, -76, -91, -106, -121, 120, 105, 90, 75, 60, 45, 30, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<2x34xi8>
  %d = arith.constant dense<[[0, 52, -128, -120, -112, -104, -96, -88, -80, -72, -64, -56, -48, -40, -32, -24, -16, -8, 0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<2x34xi8>
  %z = mlora.dequantize %c of "Q4_1|Q8_0" : (tensor<2x34xi8>) -> tensor<1x32xf32>
  %w = mlora.dequantize %d of "Q4_1|Q8_0" : (tensor<2x34xi8>) -> tensor<1x32xf32>
  return %x, %y, %z, %w : tensor<1x32xf32>, tensor<1x32xf32>, tensor<1x32xf32>, tensor<1x32xf32>
}
