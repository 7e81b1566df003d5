// Rows of a block on a device, few where nothing is multiplied, so that all multiprocessors have some; more where they share what is read of a weight.

// RUN: mlora-opt %s --mlora-form-kernels="row-block=32 tensor-cores" | FileCheck %s --check-prefixes=CHECK,GPU
// RUN: mlora-opt %s --mlora-form-kernels="row-block=32" | FileCheck %s --check-prefixes=CHECK,CPU
// RUN: mlora-opt %s --mlora-form-kernels="row-block=2 tensor-cores" | FileCheck %s --check-prefix=FEWER

// CHECK-LABEL: mlora.kernel @plain.0.add_rms_norm(
// GPU: grid ["rows by 4"]
// CPU: grid ["rows by 32"]
// FEWER: grid ["rows by 2"]
func.func @plain(%h: tensor<?x8xf32> {mlora.extent = "rows"}, %n: tensor<8xf32>) -> tensor<?x8xf32> {
  %s = mlora.add %h, %h : tensor<?x8xf32>
  %x = mlora.rms_norm %s, %n eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %x : tensor<?x8xf32>
}

// CHECK-LABEL: mlora.kernel @multiplies.0.rms_norm_linear(
// CHECK: grid ["rows by 32"]
func.func @multiplies(%h: tensor<?x8xf32> {mlora.extent = "rows"}, %n: tensor<8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %x = mlora.rms_norm %h, %n eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %y = mlora.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
