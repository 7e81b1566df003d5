// RUN: mlora-opt %s --split-input-file --verify-diagnostics

// A verifier names the shape that it objects to, and the one that it compared with.

func.func @linear(%x: tensor<?x64xf32>, %w: tensor<16x32xf32>) {
  // expected-error@below {{'mlora.linear' op weight has 32 columns, input has 64}}
  %y = mlora.linear %x, %w : (tensor<?x64xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @rows(%x: tensor<5x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error@below {{'mlora.linear' op result has 6 rows, input has 5}}
  %y = mlora.linear %x, %w : (tensor<5x8xf32>, tensor<4x8xf32>) -> tensor<6x4xf32>
  return
}

// -----

func.func @features_are_static(%x: tensor<?x?xf32>, %w: tensor<4x8xf32>) {
  // expected-error@below {{'mlora.linear' op input has ? columns; only token dimensions are known at run time}}
  %y = mlora.linear %x, %w : (tensor<?x?xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @element_types(%x: tensor<?x8xf64>, %w: tensor<4x8xf32>) {
  // expected-error@below {{'mlora.linear' op weight has elements of type 'f32', input of type 'f64'}}
  %y = mlora.linear %x, %w : (tensor<?x8xf64>, tensor<4x8xf32>) -> tensor<?x4xf64>
  return
}

// -----

func.func @rms_norm(%x: tensor<?x8xf32>, %w: tensor<4xf32>) {
  // expected-error@below {{'mlora.rms_norm' op weight has 4 elements, input has 8 columns}}
  %y = mlora.rms_norm %x, %w eps 1.0e-5 : (tensor<?x8xf32>, tensor<4xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @rope_table(%p: tensor<?xi32>) {
  // expected-error@below {{'mlora.rope_table' op llama3 has 2 numbers, not 4}}
  %t = mlora.rope_table %p theta 1.0e4 llama3 [8.0, 1.0] : (tensor<?xi32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @rope(%x: tensor<?x24xf32>, %t: tensor<?x8xf32>) {
  // expected-error@below {{'mlora.rope' op input has 24 columns, 4 heads of 8 are 32}}
  %y = mlora.rope %x, %t heads 4 : (tensor<?x24xf32>, tensor<?x8xf32>) -> tensor<?x24xf32>
  return
}

// -----

func.func @groups(%q: tensor<?x24xf32>, %k: tensor<?x16xf32>) {
  // expected-error@below {{'mlora.attention' op heads (3) is not a multiple of kv_heads (2)}}
  %o, %lse = mlora.attention %q, %k, %k heads 3 kv_heads 2
    : (tensor<?x24xf32>, tensor<?x16xf32>, tensor<?x16xf32>) -> (tensor<?x24xf32>, tensor<?x3xf32>)
  return
}

// -----

func.func @key_width(%q: tensor<?x32xf32>, %k: tensor<?x8xf32>) {
  // expected-error@below {{'mlora.attention' op key has 8 columns, kv_heads of query's size are 16}}
  %o, %lse = mlora.attention %q, %k, %k heads 4 kv_heads 2
    : (tensor<?x32xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> (tensor<?x32xf32>, tensor<?x4xf32>)
  return
}

// -----

func.func @lse(%q: tensor<?x32xf32>, %k: tensor<?x16xf32>) {
  // expected-error@below {{'mlora.attention' op lse has 2 columns, heads is 4}}
  %o, %lse = mlora.attention %q, %k, %k heads 4 kv_heads 2
    : (tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>) -> (tensor<?x32xf32>, tensor<?x2xf32>)
  return
}

// -----

func.func @branch(%y: tensor<?x32xf32>, %x: tensor<?x64xf32>, %a: tensor<4x64xf32>, %b: tensor<32x3xf32>) {
  // expected-error@below {{'mlora.branch' op B has 3 columns, A has 4 rows}}
  %r = mlora.branch %y, %x, %a, %b alpha 4.0
    : (tensor<?x32xf32>, tensor<?x64xf32>, tensor<4x64xf32>, tensor<32x3xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @stack_up(%b: tensor<32x8xf32>, %s: tensor<32x3xf32>) {
  // expected-error@below {{'mlora.stack_up' op b has 8 columns, which is not a multiple of the 3 columns of s}}
  %up = mlora.stack_up %b, %s alpha 4.0 : (tensor<32x8xf32>, tensor<32x3xf32>) -> tensor<32x8xf32>
  return
}

// -----

func.func @down(%x: tensor<?x64xf32>, %w: tensor<16x64xf32>, %up: tensor<16x4xf32>, %down: tensor<6x64xf32>) {
  // expected-error@below {{'mlora.adapted_linear' op down has 6 rows, the sum of the ups' columns is 4}}
  %y, %m = mlora.adapted_linear %x weights(%w) ups(%up) down %down
    : (tensor<?x64xf32>, tensor<16x64xf32>, tensor<16x4xf32>, tensor<6x64xf32>) -> (tensor<?x16xf32>, tensor<?x6xf32>)
  return
}

// -----

func.func @second_layer(%x: tensor<?x64xf32>, %w: tensor<16x64xf32>, %v: tensor<8x64xf32>, %up: tensor<16x4xf32>,
                        %down: tensor<8x64xf32>) {
  // expected-error@below {{'mlora.adapted_linear' op ups #1 has 16 rows, weights #1 has 8}}
  %y:2, %m = mlora.adapted_linear %x weights(%w, %v) ups(%up, %up) down %down
    : (tensor<?x64xf32>, tensor<16x64xf32>, tensor<8x64xf32>, tensor<16x4xf32>, tensor<16x4xf32>, tensor<8x64xf32>)
    -> (tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @token_outer(%dy: tensor<?x16xf32>, %m: tensor<?x24xf32>) {
  // expected-error@below {{'mlora.token_outer' op columns 16 to 28 are not in rhs, which has 24}}
  %g = mlora.token_outer %dy, %m from 16 : (tensor<?x16xf32>, tensor<?x24xf32>) -> tensor<16x12xf32>
  return
}

// -----

func.func @cross_entropy(%x: tensor<6x8xf32>, %w: tensor<32x8xf32>, %t: tensor<5xi32>) {
  // expected-error@below {{'mlora.cross_entropy' op targets has 5 elements, input has 6 rows}}
  %nll, %lse = mlora.cross_entropy %x, %w, %t
    : (tensor<6x8xf32>, tensor<32x8xf32>, tensor<5xi32>) -> (tensor<6xf32>, tensor<6xf32>)
  return
}

// -----

func.func @adamw(%p: tensor<8xf32>, %hyper: tensor<7xf32>) {
  // expected-error@below {{'mlora.adamw' op hyper has 7 elements, the number of settings is 8}}
  %q, %m, %v = mlora.adamw %p, %p, %p, %p, %hyper : tensor<8xf32>, tensor<7xf32>
  return
}

// -----

// expected-error@below {{'mlora.kernel' op grid has 'tokens by 128'; a dimension is a size, rows, counted_rows or kv_rows}}
mlora.kernel @copy(%x: tensor<?x8xf32>) -> tensor<?x8xf32> grid ["tokens by 128"] {
  mlora.yield %x : tensor<?x8xf32>
}

// -----

mlora.kernel @copy(%x: tensor<?x8xf32>) -> tensor<?x8xf32> grid ["rows by 128"] {
  // expected-error@below {{'mlora.yield' op yields (), @copy gives ('tensor<?x8xf32>')}}
  mlora.yield
}

// -----

mlora.program @train capacity {rows = 512} {
  // expected-error@below {{'mlora.buffer' op role is 'scratch', not one of input, weight}}
  %h = mlora.buffer "h" scratch : memref<?x64xf32>
}

// -----

mlora.program @train capacity {rows = 512} {
  mlora.section "micro_step" {
    // expected-error@below {{'mlora.layers' op step is 0}}
    mlora.layers 0 to 3 step 0 {
      ^body:
    }
  }
}

// -----

mlora.program @train capacity {rows = 512} {
  %h = mlora.buffer "h" residual slots 3 : memref<?x64xf32>
  mlora.section "micro_step" {
    // expected-error@below {{'mlora.launch' op has 1 slots for 2 operands}}
    mlora.launch @k(%h[layer], %h) : (memref<?x64xf32>, memref<?x64xf32>) -> ()
  }
}

// -----

mlora.program @train capacity {rows = 512} {
  %h = mlora.buffer "h" residual slots 3 : memref<?x64xf32>
  mlora.section "micro_step" {
    // expected-error@below {{expected a slot: a number, layer or layer+number}}
    mlora.launch @k(%h[next]) : (memref<?x64xf32>) -> ()
  }
}
