// Ops of library products: what is the same said shorter.

// RUN: mlora-opt %s --canonicalize --cse | FileCheck %s

// mlora.product: nothing folds.
// CHECK-LABEL: func.func @product(
// CHECK-NEXT: mlora.product %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @product(%x: tensor<?x112xf32>, %w: tensor<176x112xf32>) -> (tensor<?x128xf32>, tensor<?x128xf32>) {
  %y = mlora.product %x, %w : (tensor<?x112xf32>, tensor<176x112xf32>) -> tensor<?x128xf32>
  %y_again = mlora.product %x, %w : (tensor<?x112xf32>, tensor<176x112xf32>) -> tensor<?x128xf32>
  %y_unread = mlora.product %x, %w : (tensor<?x112xf32>, tensor<176x112xf32>) -> tensor<?x128xf32>
  return %y, %y_again : tensor<?x128xf32>, tensor<?x128xf32>
}

// mlora.join: two tensors stay two.
// CHECK-LABEL: func.func @join(
// CHECK-NEXT: mlora.join %
// CHECK-NEXT: return
func.func @join(%x: tensor<?x64xf32>, %m: tensor<?x48xf32>) -> tensor<?x112xf32> {
  %xm = mlora.join %x, %m : (tensor<?x64xf32>, tensor<?x48xf32>) -> tensor<?x112xf32>
  return %xm : tensor<?x112xf32>
}

// One tensor beside nothing is that tensor.
// CHECK-LABEL: func.func @join_of_one(
// CHECK-SAME: %[[X:.*]]: tensor
// CHECK-NEXT: return %[[X]]
func.func @join_of_one(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = mlora.join %x : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// mlora.window: a part stays a part.
// CHECK-LABEL: func.func @window(
// CHECK-NEXT: mlora.window %
// CHECK-NEXT: return
func.func @window(%y: tensor<?x128xf32>) -> tensor<?x32xf32> {
  %k = mlora.window %y at [0, 64] : (tensor<?x128xf32>) -> tensor<?x32xf32>
  return %k : tensor<?x32xf32>
}

// All of a tensor is that tensor.
// CHECK-LABEL: func.func @window_of_all(
// CHECK-SAME: %[[X:.*]]: tensor
// CHECK-NEXT: return %[[X]]
func.func @window_of_all(%w: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %y = mlora.window %w at [0, 0] : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// mlora.place: nothing folds: what is replaced is a buffer that a program writes into.
// CHECK-LABEL: func.func @place(
// CHECK-NEXT: mlora.place %
// CHECK-NEXT: return
func.func @place(%a: tensor<48x64xf32>, %w: tensor<176x112xf32>) -> tensor<176x112xf32> {
  %w1 = mlora.place %a in %w at [128, 0] : (tensor<48x64xf32>, tensor<176x112xf32>) -> tensor<176x112xf32>
  return %w1 : tensor<176x112xf32>
}

// mlora.round: what is stored as another type is another tensor; one of them is enough.
// CHECK-LABEL: func.func @round(
// CHECK-NEXT: mlora.round %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @round(%w: tensor<8x4xf32>) -> (tensor<8x4xbf16>, tensor<8x4xbf16>) {
  %y = mlora.round %w : (tensor<8x4xf32>) -> tensor<8x4xbf16>
  %again = mlora.round %w : (tensor<8x4xf32>) -> tensor<8x4xbf16>
  return %y, %again : tensor<8x4xbf16>, tensor<8x4xbf16>
}
