// RUN: mlora-opt %s --split-input-file --verify-diagnostics

// What the optimizer demands of its tensors.

func.func @square_sum(%x: tensor<32x12xf32>) {
  // expected-error@below {{'mlora.square_sum' op result has 12 elements, input has 32 rows}}
  %p = mlora.square_sum %x : (tensor<32x12xf32>) -> tensor<12xf32>
  return
}

// -----

func.func @square_sum_rank(%x: tensor<2x3x4xf32>) {
  // expected-error@below {{'mlora.square_sum' op input has rank 3, not 1 or 2}}
  %p = mlora.square_sum %x : (tensor<2x3x4xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @norm() {
  // expected-error@below {{'mlora.norm' op is over no tensor}}
  %n = "mlora.norm"() : () -> tensor<f32>
  return
}

// -----

func.func @adamw(%p: tensor<8xf32>, %hyper: tensor<7xf32>) {
  // expected-error@below {{'mlora.adamw' op hyper has 7 elements, the number of settings is 8}}
  %q, %m, %v = mlora.adamw %p, %p, %p, %p, %hyper : tensor<8xf32>, tensor<7xf32>
  return
}
