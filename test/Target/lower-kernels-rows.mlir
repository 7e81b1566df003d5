// RUN: mlora-opt %s --mlora-lower-kernels --canonicalize --cse | FileCheck %s

// The signature is operands, results, scalars, scratch and the block; no extent comes from a memref.
// CHECK-NOT: memref.dim

// A value between two ops lies in scratch: 128 rows of 64 and one sum a row. What is yielded is computed where it goes.
// CHECK-LABEL: func.func @norm_linear(
// CHECK-SAME: %[[X:[^:]+]]: memref<?x64xf32>, %[[W:[^:]+]]: memref<64xf32>, %[[M:[^:]+]]: memref<32x64xf32>,
// CHECK-SAME: %[[Y:[^:]+]]: memref<?x32xf32>, %[[SCALARS:[^:]+]]: memref<4xi64>, %[[SCRATCH:[^:]+]]: memref<?xi8>, %[[BLOCK:[^:]+]]: index)
// CHECK-SAME: mlora.grid = ["rows by 128"], mlora.row_bytes = 384 : i64, mlora.scratch_bytes = 33280 : i64
// CHECK: %[[ROWS:.*]] = memref.load %[[SCALARS]][%c0]
// CHECK: %[[EXTENT:.*]] = arith.index_cast %[[ROWS]]
// CHECK: %[[FIRST:.*]] = arith.muli %[[BLOCK]], %c128
// CHECK: %[[LEFT:.*]] = arith.subi %[[EXTENT]], %[[FIRST]]
// CHECK: %[[COUNT:.*]] = arith.minsi %[[LEFT]], %c128
// CHECK: %[[IN:.*]] = memref.subview %[[X]][%[[FIRST]], 0] [%[[COUNT]], 64] [1, 1]
// CHECK: memref.view %[[SCRATCH]][%c0][] : memref<?xi8> to memref<128x64xf32>
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[IN]]
// CHECK: math.sqrt
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]} ins(%[[IN]], %[[W]]
// CHECK: %[[OUT:.*]] = memref.subview %[[Y]][%[[FIRST]], 0] [%[[COUNT]], 32] [1, 1]
// CHECK: mlora.gemm %{{.*}}, transposed %[[M]] into %[[OUT]] alpha %{{.*}} beta
mlora.kernel @norm_linear(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %m: tensor<32x64xf32>) -> tensor<?x32xf32> grid ["rows by 128"] {
  %n = mlora.rms_norm %x, %w eps 1.0e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %y = mlora.linear %n, %m : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  mlora.yield %y : tensor<?x32xf32>
}

// m first, then W x and B̃ m into the same output; m's columns belong to the layers one after another.
// CHECK-LABEL: func.func @adapted(
// CHECK: %[[MID:.*]] = memref.subview %{{.*}} : memref<?x24xf32> to
// CHECK: mlora.gemm %{{.*}}, transposed %{{.*}} into %[[MID]]
// CHECK: mlora.gemm %{{.*}}, transposed %{{.*}} into %[[G:.*]] alpha
// CHECK: %[[FIRST:.*]] = memref.subview %[[MID]][0, 0] [%{{.*}}, 12]
// CHECK: mlora.gemm %[[FIRST]], transposed %{{.*}} into %[[G]] alpha
// CHECK: %[[SECOND:.*]] = memref.subview %[[MID]][0, 12] [%{{.*}}, 12]
// CHECK: mlora.gemm %[[SECOND]], transposed
mlora.kernel @adapted(%x: tensor<?x64xf32>, %w: tensor<172x64xf32>, %up: tensor<172x12xf32>, %a: tensor<24x64xf32>)
    -> (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x24xf32>) grid ["rows by 128"] {
  %g, %u, %m = mlora.adapted_linear %x weights(%w, %w) ups(%up, %up) down %a
    : (tensor<?x64xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>, tensor<172x12xf32>, tensor<24x64xf32>)
    -> (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x24xf32>)
  mlora.yield %g, %u, %m : tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x24xf32>
}

// Scratch is reused: four intermediates of 128 x 64, never more than two alive.
// CHECK-LABEL: func.func @lifetimes(
// CHECK-SAME: mlora.scratch_bytes = 65536 : i64
mlora.kernel @lifetimes(%x: tensor<?x64xf32>) -> tensor<?x64xf32> grid ["rows by 128"] {
  %1 = mlora.add %x, %x : tensor<?x64xf32>
  %2 = mlora.add %1, %x : tensor<?x64xf32>
  %3 = mlora.add %2, %x : tensor<?x64xf32>
  %4 = mlora.add %3, %x : tensor<?x64xf32>
  %5 = mlora.add %4, %x : tensor<?x64xf32>
  mlora.yield %5 : tensor<?x64xf32>
}

// New rows go to their places in the cache; nothing else moves.
// CHECK-LABEL: func.func @write(
// CHECK-SAME: %{{[^:]+}}: memref<?x64xf32>, %[[X:[^:]+]]: memref<?x64xf32>, %[[AT:[^:]+]]: memref<?xi32>, %[[OUT:[^:]+]]: memref<?x64xf32>
// CHECK: scf.for
// CHECK: memref.load %[[AT]]
// CHECK: %[[PLACE:.*]] = memref.subview %[[OUT]]
// CHECK: outs(%[[PLACE]] :
mlora.kernel @write(%cache: tensor<?x64xf32>, %x: tensor<?x64xf32>, %at: tensor<?xi32>) -> tensor<?x64xf32> grid ["rows by 128"] {
  %c = mlora.cache_write %cache, %x at %at : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  mlora.yield %c : tensor<?x64xf32>
}

// A grid along the cache takes the rows that are the block's.
// CHECK-LABEL: func.func @write_along_cache(
// CHECK: scf.for
// CHECK: arith.andi
// CHECK: scf.if
mlora.kernel @write_along_cache(%cache: tensor<?x64xf32>, %x: tensor<?x64xf32>, %at: tensor<?xi32>) -> tensor<?x64xf32> grid ["kv_rows by 128"] {
  %c = mlora.cache_write %cache, %x at %at : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  mlora.yield %c : tensor<?x64xf32>
}

// A block looks through all rows that were gathered for its own; each row of the result is written once, by one block.
// CHECK-LABEL: func.func @scatter(
// CHECK-SAME: %[[X:[^:]+]]: memref<?x64xf32>, %[[ROWS:[^:]+]]: memref<?xi32>, %{{[^:]+}}: memref<?x64xf32>, %[[Y:[^:]+]]: memref<?x64xf32>
// CHECK-SAME: mlora.grid = ["rows by 4"]
// CHECK: %[[OUT:.*]] = memref.subview %[[Y]]
// CHECK: %[[FROM:.*]] = memref.view %{{.*}} to memref<4xi32>
// CHECK: scf.forall
// CHECK:   memref.store %c-1_i32, %[[FROM]]
// CHECK: scf.forall (%[[C:.*]]) in
// CHECK:   memref.load %[[ROWS]][%[[C]]]
// CHECK:   arith.cmpi ult
// CHECK:   scf.if
// CHECK:     memref.store %{{.*}}, %[[FROM]]
// CHECK: scf.forall
// CHECK:   memref.subview %[[OUT]]
// CHECK:   scf.if
// CHECK:     linalg.generic {{.*}} outs(
// CHECK:   } else {
// CHECK:     memref.subview %[[X]]
// CHECK:     linalg.generic {{.*}} ins(
mlora.kernel @scatter(%x: tensor<?x64xf32> {mlora.extent = "counted_rows"}, %rows: tensor<?xi32> {mlora.extent = "counted_rows"}, %like: tensor<?x64xf32>)
    -> tensor<?x64xf32> grid ["rows by 4"] {
  %y = mlora.scatter_rows %x, %rows like %like : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  mlora.yield %y : tensor<?x64xf32>
}

// No libm: the reduced angle goes through polynomials in f64.
// CHECK-LABEL: func.func @rope_table(
// CHECK: memref.get_global @rope_table_frequencies : memref<4xf64>
// CHECK: arith.fptosi
// CHECK-NOT: math.cos
mlora.kernel @rope_table(%p: tensor<?xi32>) -> tensor<?x8xf32> grid ["rows by 128"] {
  %t = mlora.rope_table %p theta 1.0e+04 : (tensor<?xi32>) -> tensor<?x8xf32>
  mlora.yield %t : tensor<?x8xf32>
}
