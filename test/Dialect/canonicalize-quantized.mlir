// Weights stored in blocks: what is the same said shorter.

// RUN: mlora-opt %s --canonicalize --cse | FileCheck %s

// mlora.dequantize: blocks are unpacked once.
// CHECK-LABEL: func.func @dequantize(
// CHECK-NEXT: mlora.dequantize %
// CHECK-NEXT: return %[[W:[^,]+]], %[[W]] :
func.func @dequantize(%blocks: tensor<32x40xi8>) -> (tensor<32x64xf32>, tensor<32x64xf32>) {
  %w = mlora.dequantize %blocks of "Q4_1" : (tensor<32x40xi8>) -> tensor<32x64xf32>
  %again = mlora.dequantize %blocks of "Q4_1" : (tensor<32x40xi8>) -> tensor<32x64xf32>
  %unread = mlora.dequantize %blocks of "Q4_1" : (tensor<32x40xi8>) -> tensor<32x64xf32>
  return %w, %again : tensor<32x64xf32>, tensor<32x64xf32>
}
