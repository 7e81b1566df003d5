// RUN: mlora-opt %s --split-input-file --verify-diagnostics

// The loss of logits, and its gradient.

func.func @nll(%z: tensor<4x512xf32>, %targets: tensor<3xi32>) {
  // expected-error@below {{'mlora.nll' op targets has 3 elements, logits has 4 rows}}
  %nll, %lse = mlora.nll %z, %targets : (tensor<4x512xf32>, tensor<3xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @nll.input_grad(%dnll: tensor<?xf32>, %z: tensor<?x512xf32>, %targets: tensor<?xi32>, %lse: tensor<?xf32>) {
  // expected-error@below {{'mlora.nll.input_grad' op result has 500 columns, logits has 512}}
  %dz = mlora.nll.input_grad %dnll, %z, %targets, %lse
    : (tensor<?xf32>, tensor<?x512xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x500xbf16>
  return
}
