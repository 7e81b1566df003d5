// The loss of logits and its gradient: nothing folds, what is the same is computed once, and what nobody reads not at all.

// RUN: mlora-opt %s --canonicalize --cse | FileCheck %s

// mlora.nll: both results come of one pass.
// CHECK-LABEL: func.func @nll(
// CHECK-NEXT: mlora.nll %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @nll(%z: tensor<?x512xf32>, %t: tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %nll, %lse = mlora.nll %z, %t : (tensor<?x512xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %again, %lse_again = mlora.nll %z, %t : (tensor<?x512xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  return %nll, %again : tensor<?xf32>, tensor<?xf32>
}

// mlora.nll.input_grad: the same.
// CHECK-LABEL: func.func @nll.input_grad(
// CHECK-NEXT: mlora.nll.input_grad %
// CHECK-NEXT: return
func.func @nll.input_grad(%d: tensor<?xf32>, %z: tensor<?x512xf32>, %t: tensor<?xi32>, %lse: tensor<?xf32>) -> tensor<?x512xbf16> {
  %dz = mlora.nll.input_grad %d, %z, %t, %lse
    : (tensor<?xf32>, tensor<?x512xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x512xbf16>
  %unread = mlora.nll.input_grad %d, %z, %t, %lse
    : (tensor<?xf32>, tensor<?x512xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x512xbf16>
  return %dz : tensor<?x512xbf16>
}
