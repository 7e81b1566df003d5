// RUN: mlora-opt %s --split-input-file --verify-diagnostics

// Kernels, and the programs that launch them.

func.func @gemm(%a: memref<?x64xf32>, %b: memref<32x48xf32>, %c: memref<?x32xf32>, %one: f32) {
  // expected-error@below {{'mlora.gemm' op b has 48 columns, a has 64}}
  mlora.gemm %a, transposed %b into %c alpha %one beta %one
    : memref<?x64xf32>, memref<32x48xf32>, memref<?x32xf32>
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

// expected-error@below {{'mlora.program' op arena grows with 'tokens', not one of rows, counted_rows, kv_rows, chunk_rows}}
mlora.program @train arena 0 + 64 * tokens {
  %h = mlora.buffer "h" residual : memref<?x64xf32>
}

// -----

// expected-error@below {{'mlora.program' op arena has no number of bytes from 0 on for "rows"}}
mlora.program @train arena 0 + -64 * rows {
  %h = mlora.buffer "h" residual : memref<?x64xf32>
}

// -----

// expected-error@below {{rows counts twice}}
mlora.program @train arena 0 + 64 * rows + 64 * rows {
  %h = mlora.buffer "h" residual : memref<?x64xf32>
}

// -----

mlora.program @train {
  // expected-error@below {{'mlora.buffer' op role is 'scratch', not one of input, weight}}
  %h = mlora.buffer "h" scratch : memref<?x64xf32>
}

// -----

mlora.program @train {
  // expected-error@below {{'mlora.buffer' op has 0 slots}}
  %h = mlora.buffer "h" residual slots 0 : memref<?x64xf32>
}

// -----

mlora.program @train {
  // expected-error@below {{'mlora.buffer' op offset is -64}}
  %h = mlora.buffer "h" residual offset -64 in "rows" : memref<?x64xf32>
}

// -----

mlora.program @train {
  // expected-error@below {{'mlora.buffer' op lies in 'past', not one of rows, counted_rows, kv_rows, chunk_rows}}
  %h = mlora.buffer "h" residual offset 0 in "past" : memref<?x64xf32>
}

// -----

mlora.program @train {
  // expected-error@below {{'mlora.buffer' op has run-time rows and lies in no region of rows}}
  %h = mlora.buffer "h" residual offset 0 : memref<?x64xf32>
}

// -----

mlora.program @train {
  // expected-error@below {{'mlora.buffer' op has no run-time rows and lies in a region of rows}}
  %w = mlora.buffer "w" weight offset 0 in "rows" : memref<64xf32>
}

// -----

mlora.program @train {
  mlora.section "micro_step" {
    // expected-error@below {{'mlora.layers' op step is 0}}
    mlora.layers 0 to 3 step 0 {
      ^body:
    }
  }
}

// -----

mlora.program @train {
  %h = mlora.buffer "h" residual slots 3 : memref<?x64xf32>
  mlora.section "micro_step" {
    // expected-error@below {{'mlora.launch' op has 1 slots for 2 operands}}
    mlora.launch @k(%h[layer], %h) : (memref<?x64xf32>, memref<?x64xf32>) -> ()
  }
}

// -----

mlora.program @train {
  %h = mlora.buffer "h" residual slots 3 : memref<?x64xf32>
  mlora.section "micro_step" {
    // expected-error@below {{expected a slot: a number, layer, layer+number or all}}
    mlora.launch @k(%h[next]) : (memref<?x64xf32>) -> ()
  }
}

// -----

// expected-error @below {{'mlora.emulate' op @m::@k: block has a size that is not in [1, 1024], alone or multiplied}}
mlora.emulate @m::@k grid [1] block [64, 32] arguments []

// -----

// expected-error @below {{'mlora.emulate' op grid has 4 dimensions; expected one to three}}
mlora.emulate @m::@k grid [1, 1, 1, 1] block [1] arguments []

// -----

func.func @calls_nothing(%x: tensor<?x8xf32>) {
  // expected-error@below {{'mlora.chunked_call' op calls what does not exist: @chunk}}
  %y = mlora.chunked_call @chunk(%x) by 16 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @chunk(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
func.func @other_types(%x: tensor<?x8xf32>) {
  // expected-error@below {{'mlora.chunked_call' op calls @chunk with ('tensor<?x8xf32>') -> ('tensor<?x4xf32>'); it takes and gives ('tensor<?x8xf32>') -> ('tensor<?x8xf32>')}}
  %y = mlora.chunked_call @chunk(%x) by 16 : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @chunk(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
func.func @no_rows(%x: tensor<?x8xf32>) {
  // expected-error@below {{'mlora.chunked_call' op has chunks of 0 rows}}
  %y = mlora.chunked_call @chunk(%x) by 0 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @chunk(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  return %x : tensor<4x8xf32>
}
func.func @nothing_to_cut(%x: tensor<4x8xf32>) {
  // expected-error@below {{'mlora.chunked_call' op has no operand with run-time rows, which are what is cut}}
  %y = mlora.chunked_call @chunk(%x) by 16 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

// expected-error@below {{'mlora.program' op chunk_rows is 40, not a positive multiple of 16}}
mlora.program @train chunk_rows 40 {
  %h = mlora.buffer "h" residual : memref<?x64xf32>
}

// -----

mlora.program @train {
  mlora.section "micro_step" {
    // expected-error@below {{'mlora.chunks' op is in a program that has no chunk_rows}}
    mlora.chunks {
      ^body:
    }
  }
}

// -----

mlora.program @train {
  // expected-error@below {{'mlora.buffer' op lies in chunk_rows of a program that has no chunk_rows}}
  %z = mlora.buffer "z" temporary offset 0 in "chunk_rows" extent "counted_rows" : memref<?x512xf32>
}

// -----

mlora.program @train chunk_rows 48 {
  // expected-error@below {{'mlora.buffer' op lies in chunk_rows, where what has counted_rows is: those of a chunk}}
  %z = mlora.buffer "z" temporary offset 0 in "chunk_rows" extent "rows" : memref<?x512xf32>
}
