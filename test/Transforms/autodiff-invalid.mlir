// RUN: mlora-opt %s --mlora-autodiff --split-input-file --verify-diagnostics

// Generation has no derivative.
func.func @f(%x: tensor<?x4xf32> {mlora.trainable = "x", mlora.extent = "rows"}, %k: tensor<?x4xf32> {mlora.extent = "kv_rows"},
             %at: tensor<?xi32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{with cached keys has no derivative}}
  %y, %lse = mlora.attention %x, %k, %k at %at heads 1 kv_heads 1
    : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x4xf32>, tensor<?x1xf32>)
  return %y : tensor<?x4xf32>
}

// -----

// A gradient op has no rule of its own.
func.func @g(%x: tensor<?x4xf32> {mlora.trainable = "x", mlora.extent = "rows"}, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{stands between a trainable tensor and a result but has no derivative}}
  %y = mlora.linear.input_grad %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
