// RUN: mlora-opt %s --split-input-file --verify-diagnostics --mlora-chunk-head
// RUN: not mlora-opt %s --split-input-file --mlora-chunk-head=rows=0 2>&1 | FileCheck %s

// CHECK: mlora-chunk-head: rows is 0, not 1 or more

func.func @reads_lse(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>, %t: tensor<?xi32>) -> tensor<?xf32> {
  %nll, %lse = mlora.cross_entropy %x, %w, %t
    : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  // expected-error@below {{'mlora.add' op reads the lse of a loss that is taken in chunks, which only its gradients may}}
  %y = mlora.add %nll, %lse : tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @of_another_head(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>, %w1: tensor<16x8xf32>, %t: tensor<?xi32>, %d: tensor<?xf32>) -> tensor<?x8xf32> {
  %nll, %lse = mlora.cross_entropy %x, %w, %t
    : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  // expected-error@below {{'mlora.cross_entropy.input_grad' op is not the gradient of the loss that its lse is from: chunks cannot share its logits}}
  %dx = mlora.cross_entropy.input_grad %d, %x, %w1, %t, %lse
    : (tensor<?xf32>, tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x8xf32>
  return %dx : tensor<?x8xf32>
}

// -----

func.func @cotangent_of_the_loss(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>, %t: tensor<?xi32>) -> tensor<?x8xf32> {
  // expected-error@below {{'mlora.cross_entropy' op has a cotangent that is made of what comes after it: its gradient cannot be taken chunk by chunk}}
  %nll, %lse = mlora.cross_entropy %x, %w, %t
    : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %d = mlora.add %nll, %nll : tensor<?xf32>
  %dx = mlora.cross_entropy.input_grad %d, %x, %w, %t, %lse
    : (tensor<?xf32>, tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x8xf32>
  return %dx : tensor<?x8xf32>
}
