// RUN: mlora-opt %s --mlora-vectorize --canonicalize --cse | FileCheck %s

#both = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// Four vectors of partial sums, one for what they leave, a mask for the rest; then halves onto each other.
// CHECK-LABEL: func @sum
// CHECK:       %[[FOUR:.*]]:4 = scf.for {{.*}} step %c64 iter_args
// CHECK-COUNT-4: vector.load
// CHECK:       scf.yield
// CHECK:       arith.addf %[[FOUR]]#0, %[[FOUR]]#2
// CHECK:       scf.for {{.*}} step %c16 iter_args
// CHECK:       scf.if
// CHECK:         vector.maskedload
// CHECK:         arith.select
// CHECK-COUNT-8: vector.shuffle
// CHECK:       vector.extract
// CHECK:       memref.store
func.func @sum(%x: memref<4x?xf32>, %s: memref<4xf32>) {
  linalg.generic {indexing_maps = [#both, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<4x?xf32>) outs(%s : memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %d = arith.addf %b, %a : f32
    linalg.yield %d : f32
  }
  return
}

// A row is rewritten and summed in one pass.
// CHECK-LABEL: func @exp_and_sum
// CHECK:       scf.for
// CHECK:         math.exp {{.*}} vector<16xf32>
// CHECK:         vector.store
func.func @exp_and_sum(%x: memref<4x16xf32>, %s: memref<4xf32>) {
  linalg.generic {indexing_maps = [#both, #row], iterator_types = ["parallel", "reduction"]}
      outs(%x, %s : memref<4x16xf32>, memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %e = math.exp %a : f32
    %d = arith.addf %b, %e : f32
    linalg.yield %e, %d : f32, f32
  }
  return
}

// Sums over rows vectorise along columns.
// CHECK-LABEL: func @columns
// CHECK:       scf.for {{.*}} = %c0 to %c4 step %c1
// CHECK:         vector.load {{.*}} vector<16xf32>
// CHECK:         vector.load {{.*}} vector<16xf32>
// CHECK:         vector.store
func.func @columns(%x: memref<4x16xf32>, %s: memref<16xf32>) {
  linalg.generic {indexing_maps = [#both, affine_map<(i, j) -> (j)>], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<4x16xf32>) outs(%s : memref<16xf32>) {
  ^bb0(%a: f32, %b: f32):
    %d = arith.addf %b, %a : f32
    linalg.yield %d : f32
  }
  return
}
