// RUN: mlora-opt %s --mlora-vectorize --verify-diagnostics --split-input-file

func.func @difference(%x: memref<16xf32>, %s: memref<f32>) {
  // expected-error @below {{cannot be vectorised along loop 0: output 0 is no sum, product or extremum over it}}
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>], iterator_types = ["reduction"]}
      ins(%x : memref<16xf32>) outs(%s : memref<f32>) {
  ^bb0(%a: f32, %b: f32):
    %d = arith.subf %a, %b : f32
    linalg.yield %d : f32
  }
  return
}

// -----

func.func @scattered_load(%table: memref<64xf32>, %x: memref<16xi32>, %y: memref<16xf32>) {
  // expected-error @below {{cannot be vectorised along loop 0: a load of its body is not contiguous along it}}
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : memref<16xi32>) outs(%y : memref<16xf32>) {
  ^bb0(%a: i32, %b: f32):
    %i = arith.index_cast %a : i32 to index
    %v = memref.load %table[%i] : memref<64xf32>
    linalg.yield %v : f32
  }
  return
}
