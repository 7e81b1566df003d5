// Ops of the optimizer: what is the same said shorter.
// What is computed twice is computed once, what nobody reads is erased; what folds is said at each op. The rest stays as it is.

// RUN: mlora-opt %s --canonicalize --cse | FileCheck %s

// mlora.square_sum: nothing folds.
// CHECK-LABEL: func.func @square_sum(
// CHECK-NEXT: mlora.square_sum %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @square_sum(%db: tensor<32x12xf32>) -> (tensor<32xf32>, tensor<32xf32>) {
  %p = mlora.square_sum %db : (tensor<32x12xf32>) -> tensor<32xf32>
  %p_again = mlora.square_sum %db : (tensor<32x12xf32>) -> tensor<32xf32>
  %p_unread = mlora.square_sum %db : (tensor<32x12xf32>) -> tensor<32xf32>
  return %p, %p_again : tensor<32xf32>, tensor<32xf32>
}

// mlora.norm: nothing folds.
// CHECK-LABEL: func.func @norm(
// CHECK-NEXT: mlora.norm %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @norm(%p0: tensor<32xf32>, %p1: tensor<24xf32>) -> (tensor<f32>, tensor<f32>) {
  %n = mlora.norm %p0, %p1 : (tensor<32xf32>, tensor<24xf32>) -> tensor<f32>
  %n_again = mlora.norm %p0, %p1 : (tensor<32xf32>, tensor<24xf32>) -> tensor<f32>
  %n_unread = mlora.norm %p0, %p1 : (tensor<32xf32>, tensor<24xf32>) -> tensor<f32>
  return %n, %n_again : tensor<f32>, tensor<f32>
}

// mlora.adamw: nothing folds.
// CHECK-LABEL: func.func @adamw(
// CHECK-NEXT: mlora.adamw %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @adamw(%p: tensor<32x12xf32>, %g: tensor<32x12xf32>, %m: tensor<32x12xf32>, %v: tensor<32x12xf32>,
                 %hyper: tensor<8xf32>) -> (tensor<32x12xf32>, tensor<32x12xf32>) {
  %p1, %m1, %v1 = mlora.adamw %p, %g, %m, %v, %hyper : tensor<32x12xf32>, tensor<8xf32>
  %p1_again, %m1_again, %v1_again = mlora.adamw %p, %g, %m, %v, %hyper : tensor<32x12xf32>, tensor<8xf32>
  %p1_unread, %m1_unread, %v1_unread = mlora.adamw %p, %g, %m, %v, %hyper : tensor<32x12xf32>, tensor<8xf32>
  return %p1, %p1_again : tensor<32x12xf32>, tensor<32x12xf32>
}
