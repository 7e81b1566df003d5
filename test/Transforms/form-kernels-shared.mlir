// Kernels that differ in their names only are one: the first. What differs in an attribute, in the grid's extent or in the
// ops is not the same.

// RUN: mlora-opt %s --mlora-form-kernels | FileCheck %s

// CHECK: mlora.kernel @first.0.rms_norm_linear(
// CHECK-NOT: mlora.kernel
// CHECK: func.func @first(
// CHECK: mlora.launch @first.0.rms_norm_linear(%arg0, %arg1, %arg2)
func.func @first(%h: tensor<?x8xf32> {mlora.extent = "rows"}, %n: tensor<8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %x = mlora.rms_norm %h, %n eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %y = mlora.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Other names of values, and another function around it.
// CHECK: mlora.kernel @again.1.attention(
// CHECK-NOT: mlora.kernel
// CHECK: func.func @again(
// CHECK: mlora.launch @first.0.rms_norm_linear(%arg0, %arg1, %arg2)
// CHECK: mlora.launch @again.1.attention(
// CHECK: mlora.launch @first.0.rms_norm_linear(%{{.*}}, %arg1, %arg2)
func.func @again(%a: tensor<?x8xf32> {mlora.extent = "rows"}, %scale: tensor<8xf32>, %weight: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %x = mlora.rms_norm %a, %scale eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %y = mlora.linear %x, %weight : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %t, %lse = mlora.attention %y, %y, %y heads 1 kv_heads 1
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x1xf32>)
  %z = mlora.rms_norm %t, %scale eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %v = mlora.linear %z, %weight : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %v : tensor<?x8xf32>
}

// CHECK: mlora.kernel @other_rows.0.rms_norm_linear(
// CHECK-SAME: grid ["counted_rows by 128"]
func.func @other_rows(%h: tensor<?x8xf32> {mlora.extent = "counted_rows"}, %n: tensor<8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %x = mlora.rms_norm %h, %n eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %y = mlora.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK: mlora.kernel @other_epsilon.0.rms_norm_linear(
// CHECK: mlora.rms_norm {{.*}} eps 2.500000e-01
func.func @other_epsilon(%h: tensor<?x8xf32> {mlora.extent = "rows"}, %n: tensor<8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %x = mlora.rms_norm %h, %n eps 0.25 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %y = mlora.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Both results leave.
// CHECK: mlora.kernel @other_results.0.rms_norm_linear(
// CHECK-SAME: -> (tensor<?x8xf32> {mlora.extent = "rows"}, tensor<?x8xf32> {mlora.extent = "rows"})
func.func @other_results(%h: tensor<?x8xf32> {mlora.extent = "rows"}, %n: tensor<8xf32>, %w: tensor<8x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %x = mlora.rms_norm %h, %n eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %y = mlora.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %x, %y : tensor<?x8xf32>, tensor<?x8xf32>
}
