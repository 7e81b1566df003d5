// RUN: mlora-opt %s --split-input-file --verify-diagnostics --mlora-blocks-to-threads

// expected-error@below {{must be (memrefs…, scalars, scratch, block) -> (), as mlora-lower-kernels makes}}
func.func @no_block(%a: memref<8xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  return
}

// -----

func.func @copy(%a: memref<8xf32>, %y: memref<8xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  // expected-error@below {{has no form for threads}}
  memref.copy %a, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

#both = affine_map<(r, c) -> (r, c)>
#column = affine_map<(r, c) -> (c)>
func.func @column_sums(%a: memref<4x8xf32>, %y: memref<8xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  // expected-error@below {{may only reduce along its innermost loop}}
  linalg.generic {indexing_maps = [#both, #column], iterator_types = ["reduction", "parallel"]}
      ins(%a : memref<4x8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%v: f32, %sum: f32):
    %w = arith.addf %sum, %v : f32
    linalg.yield %w : f32
  }
  return
}

// -----

#both = affine_map<(r, c) -> (r, c)>
#row = affine_map<(r, c) -> (r)>
func.func @last(%a: memref<4x8xf32>, %y: memref<4xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  // expected-error@below {{output 0 is no sum, product or extremum}}
  linalg.generic {indexing_maps = [#both, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a : memref<4x8xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%v: f32, %sum: f32):
    linalg.yield %v : f32
  }
  return
}

// -----

func.func @product_of_a_warp(%a: memref<2x8x8xf32>, %w: memref<8x8xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %one = arith.constant 1.0 : f32
  scf.forall (%i) in (2) {
    // expected-error@below {{is work for a whole block}}
    mlora.gemm %w, %w into %w alpha %one beta %one : memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>
  }
  return
}

// -----

func.func @counts_by_two(%a: memref<8xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %one = arith.constant 1.0 : f32
  // expected-error@below {{must count from 0 by 1}}
  scf.forall (%i) = (0) to (8) step (2) {
    memref.store %one, %a[%i] : memref<8xf32>
  }
  return
}

// -----

func.func @scratch_elsewhere(%scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 8 : i64} {
  %c0 = arith.constant 0 : index
  // expected-error@below {{of scratch is not known here}}
  %v = memref.load %scratch[%c0] : memref<?xi8>
  return
}
