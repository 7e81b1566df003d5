// RUN: mlora-opt %s --split-input-file --verify-diagnostics

// What gradients demand of cotangents, and of the tensors that forward left them.

func.func @linear(%dy: tensor<?x32xf32>, %w: tensor<16x64xf32>) {
  // expected-error@below {{'mlora.linear.input_grad' op weight has 16 rows, cotangent has 32 columns}}
  %dx = mlora.linear.input_grad %dy, %w : (tensor<?x32xf32>, tensor<16x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @adapted_linear(%dy: tensor<?x16xf32>, %w: tensor<16x64xf32>, %up: tensor<16x4xf32>, %down: tensor<4x64xf32>) {
  // expected-error@below {{'mlora.adapted_linear.input_grad' op mid_cotangent has 6 columns, the sum of the ups' columns is 4}}
  %dx, %u = mlora.adapted_linear.input_grad (%dy) weights(%w) ups(%up) down %down
    : (tensor<?x16xf32>, tensor<16x64xf32>, tensor<16x4xf32>, tensor<4x64xf32>) -> (tensor<?x64xf32>, tensor<?x6xf32>)
  return
}

// -----

func.func @adapted_linear_counts(%dy: tensor<?x16xf32>, %w: tensor<16x64xf32>, %up: tensor<16x4xf32>, %down: tensor<4x64xf32>) {
  // expected-error@below {{'mlora.adapted_linear.input_grad' op 1 weights, 1 ups and 2 cotangents are not one of each a layer}}
  %u = mlora.adapted_linear.input_grad (%dy, %dy) weights(%w) ups(%up) down %down
    : (tensor<?x16xf32>, tensor<?x16xf32>, tensor<16x64xf32>, tensor<16x4xf32>, tensor<4x64xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @token_outer(%dy: tensor<?x16xf32>, %m: tensor<?x24xf32>) {
  // expected-error@below {{'mlora.token_outer' op columns 16 to 28 are not in rhs, which has 24}}
  %g = mlora.token_outer %dy, %m from 16 : (tensor<?x16xf32>, tensor<?x24xf32>) -> tensor<16x12xf32>
  return
}

// -----

func.func @rms_norm_input(%dy: tensor<?x64xf32>, %w: tensor<32xf32>) {
  // expected-error@below {{'mlora.rms_norm.input_grad' op weight has 32 elements, cotangent has 64 columns}}
  %dx = mlora.rms_norm.input_grad %dy, %dy, %w eps 1.0e-5
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @rms_norm_weight(%dy: tensor<?x64xf32>, %rho: tensor<?xf32>) {
  // expected-error@below {{'mlora.rms_norm.weight_grad' op result has 32 elements, cotangent has 64 columns}}
  %dw = mlora.rms_norm.weight_grad %dy, %dy scale %rho : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?xf32>) -> tensor<32xf32>
  return
}

// -----

func.func @rms_norm_scale(%x: tensor<5x64xf32>) {
  // expected-error@below {{'mlora.rms_norm.scale' op result has 64 elements, input has 5 rows}}
  %rho = mlora.rms_norm.scale %x eps 1.0e-5 : (tensor<5x64xf32>) -> tensor<64xf32>
  return
}

// -----

func.func @attention_query(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %lse: tensor<?x8xf32>) {
  // expected-error@below {{'mlora.attention.query_grad' op query_cotangent has 32 columns, query has 64}}
  %dq = mlora.attention.query_grad %q, %q, %k, %k, %q, %lse heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x8xf32>)
    -> tensor<?x32xf32>
  return
}

// -----

func.func @attention_lse(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %lse: tensor<?x4xf32>) {
  // expected-error@below {{'mlora.attention.query_grad' op lse has 4 columns, heads is 8}}
  %dq = mlora.attention.query_grad %q, %q, %k, %k, %q, %lse heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x4xf32>)
    -> tensor<?x64xf32>
  return
}

// -----

func.func @attention_key_value(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %lse: tensor<?x8xf32>) {
  // expected-error@below {{'mlora.attention.key_value_grad' op value_cotangent has 64 columns, key has 32}}
  %dk, %dv = mlora.attention.key_value_grad %q, %q, %k, %k, %q, %lse heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x8xf32>)
    -> (tensor<?x32xf32>, tensor<?x64xf32>)
  return
}

// -----

func.func @attention_groups(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %lse: tensor<?x8xf32>) {
  // expected-error@below {{'mlora.attention.key_value_grad' op heads (8) is not a multiple of kv_heads (3)}}
  %dk, %dv = mlora.attention.key_value_grad %q, %q, %k, %k, %q, %lse heads 8 kv_heads 3
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x8xf32>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>)
  return
}

// -----

func.func @swiglu(%dy: tensor<?x16xf32>) {
  // expected-error@below {{'mlora.swiglu.grad' op up_cotangent has 8 columns, cotangent has 16}}
  %dg, %du = mlora.swiglu.grad %dy, %dy, %dy
    : (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @embedding(%dy: tensor<5x64xf32>, %ids: tensor<6xi32>) {
  // expected-error@below {{'mlora.embedding.weight_grad' op ids has 6 elements, cotangent has 5 rows}}
  %dt = mlora.embedding.weight_grad %dy, %ids : (tensor<5x64xf32>, tensor<6xi32>) -> tensor<512x64xf32>
  return
}

// -----

func.func @scatter_rows(%dx: tensor<?x64xf32>, %rows: tensor<?xi32>, %h: tensor<9x64xf32>) {
  // expected-error@below {{'mlora.scatter_rows' op result has 8 rows, like has 9}}
  %dh = mlora.scatter_rows %dx, %rows like %h
    : (tensor<?x64xf32>, tensor<?xi32>, tensor<9x64xf32>) -> tensor<8x64xf32>
  return
}

// -----

func.func @spread(%dloss: tensor<f32>, %nll: tensor<5xf32>) {
  // expected-error@below {{'mlora.spread' op result has 6 elements, the number of rows of like is 5}}
  %dnll = mlora.spread %dloss like %nll : (tensor<f32>, tensor<5xf32>) -> tensor<6xf32>
  return
}

// -----

func.func @cross_entropy_input(%dnll: tensor<?xf32>, %x: tensor<?x64xf32>, %w: tensor<512x64xf32>, %t: tensor<?xi32>) {
  // expected-error@below {{'mlora.cross_entropy.input_grad' op result has 32 columns, input has 64}}
  %dx = mlora.cross_entropy.input_grad %dnll, %x, %w, %t, %dnll
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @cross_entropy_weight(%dnll: tensor<?xf32>, %x: tensor<?x64xf32>, %w: tensor<512x64xf32>, %t: tensor<?xi32>) {
  // expected-error@below {{'mlora.cross_entropy.weight_grad' op result has 500 rows, weight has 512}}
  %dw = mlora.cross_entropy.weight_grad %dnll, %x, %w, %t, %dnll
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<500x64xf32>
  return
}

// -----

func.func @stack_up(%g: tensor<32x12xf32>, %s: tensor<32x3xf32>) {
  // expected-error@below {{'mlora.stack_up.grad' op has s or ds, but not both}}
  %db = mlora.stack_up.grad %g, %g, %s alpha 4.0
    : (tensor<32x12xf32>, tensor<32x12xf32>, tensor<32x3xf32>) -> tensor<32x12xf32>
  return
}

// -----

func.func @stack_up_branches(%g: tensor<32x12xf32>, %s: tensor<32x5xf32>) {
  // expected-error@below {{'mlora.stack_up.grad' op b has 12 columns, which is not a multiple of the 5 columns of s}}
  %db, %ds = mlora.stack_up.grad %g, %g, %s alpha 4.0
    : (tensor<32x12xf32>, tensor<32x12xf32>, tensor<32x5xf32>) -> (tensor<32x12xf32>, tensor<32x5xf32>)
  return
}
