// RUN: mlora-opt %s --split-input-file --verify-diagnostics

// A verifier names the shape that it objects to, and the one that it compared with.

func.func @embedding(%ids: tensor<?xi32>, %table: tensor<512x64xf32>) {
  // expected-error@below {{'mlora.embedding' op result has 32 columns, table has 64}}
  %h = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

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

func.func @odd_table(%p: tensor<?xi32>) {
  // expected-error@below {{'mlora.rope_table' op table has 7 columns, an odd number}}
  %t = mlora.rope_table %p theta 1.0e4 : (tensor<?xi32>) -> tensor<?x7xf32>
  return
}

// -----

func.func @divisors(%p: tensor<?xi32>) {
  // expected-error@below {{'mlora.rope_table' op divisors has 2 numbers, not 4}}
  %t = mlora.rope_table %p theta 1.0e4 divisors [1.0, 2.0] : (tensor<?xi32>) -> tensor<?x8xf32>
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

func.func @query_width(%q: tensor<?x30xf32>, %k: tensor<?x30xf32>) {
  // expected-error@below {{'mlora.attention' op query has 30 columns, which is not a multiple of heads (4)}}
  %o, %lse = mlora.attention %q, %k, %k heads 4 kv_heads 4
    : (tensor<?x30xf32>, tensor<?x30xf32>, tensor<?x30xf32>) -> (tensor<?x30xf32>, tensor<?x4xf32>)
  return
}

// -----

// Only with a cache are there more key rows than query rows.
func.func @key_rows(%q: tensor<5x32xf32>, %k: tensor<7x32xf32>) {
  // expected-error@below {{'mlora.attention' op key has 7 rows, query has 5}}
  %o, %lse = mlora.attention %q, %k, %k heads 4 kv_heads 4
    : (tensor<5x32xf32>, tensor<7x32xf32>, tensor<7x32xf32>) -> (tensor<5x32xf32>, tensor<5x4xf32>)
  return
}

// -----

func.func @prefix_of_no_document(%q: tensor<?x32xf32>, %k: tensor<?x32xf32>, %at: tensor<?xi32>) {
  // expected-error@below {{'mlora.attention' op a prefix lies before a document: `document` is missing}}
  %o, %lse = mlora.attention %q, %k, %k at %at prefix %at to %at heads 4 kv_heads 4
    : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
      -> (tensor<?x32xf32>, tensor<?x4xf32>)
  return
}

// -----

func.func @places(%q: tensor<5x32xf32>, %k: tensor<7x32xf32>, %at: tensor<4xi32>) {
  // expected-error@below {{'mlora.attention' op at has 4 elements, query has 5 rows}}
  %o, %lse = mlora.attention %q, %k, %k at %at heads 4 kv_heads 4
    : (tensor<5x32xf32>, tensor<7x32xf32>, tensor<7x32xf32>, tensor<4xi32>) -> (tensor<5x32xf32>, tensor<5x4xf32>)
  return
}

// -----

func.func @cache_write(%cache: tensor<?x32xf32>, %k: tensor<?x16xf32>, %rows: tensor<?xi32>) {
  // expected-error@below {{'mlora.cache_write' op input has 16 columns, cache has 32}}
  %c = mlora.cache_write %cache, %k at %rows
    : (tensor<?x32xf32>, tensor<?x16xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @swiglu(%gate: tensor<?x16xf32>, %up: tensor<?x24xf32>) {
  // expected-error@below {{'mlora.swiglu' op up has 24 columns, gate has 16}}
  %y = mlora.swiglu %gate, %up : (tensor<?x16xf32>, tensor<?x24xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @gather_rows(%x: tensor<9x8xf32>, %rows: tensor<5xi32>) {
  // expected-error@below {{'mlora.gather_rows' op result has 9 rows, rows has 5 elements}}
  %y = mlora.gather_rows %x, %rows : (tensor<9x8xf32>, tensor<5xi32>) -> tensor<9x8xf32>
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

func.func @sum(%x: tensor<5x8xf32>) {
  // expected-error@below {{'mlora.sum' op operand #0 must be 1D tensor}}
  %y = mlora.sum %x : (tensor<5x8xf32>) -> tensor<f32>
  return
}
