// RUN: mlora-opt %s --mlora-vectorize --canonicalize --cse | FileCheck %s

#both = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// Operands that do not move along a row are loaded once a row.
// CHECK-LABEL: func @static_exact
// CHECK:       scf.for %[[I:.*]] = %c0 to %c4
// CHECK:         %[[S:.*]] = memref.load %{{.*}}[%[[I]]]
// CHECK-NEXT:    scf.for %{{.*}} = %c0 to %c32 step %c16
// CHECK-NEXT:      vector.load {{.*}} vector<16xf32>
// CHECK-NEXT:      vector.broadcast %[[S]]
// CHECK-NEXT:      arith.mulf {{.*}} vector<16xf32>
// CHECK-NEXT:      vector.store
// CHECK-NOT:     vector.maskedload
func.func @static_exact(%s: memref<4xf32>, %x: memref<4x32xf32>) {
  linalg.generic {indexing_maps = [#row, #both], iterator_types = ["parallel", "parallel"]}
      ins(%s : memref<4xf32>) outs(%x : memref<4x32xf32>) {
  ^bb0(%a: f32, %b: f32):
    %d = arith.mulf %a, %b : f32
    linalg.yield %d : f32
  }
  return
}

// The rest of a static row: one narrower vector, masked unless it is a power of two.
// CHECK-LABEL: func @static_rest
// CHECK:       scf.for %{{.*}} = %c0 to %c32 step %c16
// CHECK:       vector.store {{.*}} vector<16xf32>
// CHECK:       vector.store {{.*}}[%c32] : {{.*}} vector<8xf32>
// CHECK:       vector.maskedstore %{{.*}}[%c32], %{{.*}} : memref<37xf32>, vector<8xi1>, vector<8xf32>
func.func @static_rest(%x: memref<40xf32>, %y: memref<37xf32>, %v: f32) {
  linalg.fill ins(%v : f32) outs(%x : memref<40xf32>)
  linalg.fill ins(%v : f32) outs(%y : memref<37xf32>)
  return
}

// CHECK-LABEL: func @dynamic
// CHECK:       %[[N:.*]] = memref.dim
// CHECK:       scf.for
// CHECK:         vector.store
// CHECK:       scf.if
// CHECK:         vector.create_mask
// CHECK:         vector.maskedload
// CHECK:         vector.maskedstore
func.func @dynamic(%x: memref<?xi32>, %y: memref<?xi32>) {
  memref.copy %x, %y : memref<?xi32> to memref<?xi32>
  return
}

// CHECK-LABEL: func @empty
// CHECK-NEXT:  return
func.func @empty(%x: memref<4x0xf32>, %v: f32) {
  linalg.fill ins(%v : f32) outs(%x : memref<4x0xf32>)
  return
}

// CHECK-LABEL: func @transposed
// CHECK:       vector.gather
// CHECK:       vector.store
func.func @transposed(%x: memref<32x16xf32>, %y: memref<16x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, #both], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<32x16xf32>) outs(%y : memref<16x32xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// Nothing is contiguous: scalar code is right.
// CHECK-LABEL: func @column
// CHECK-NOT:   vector
// CHECK:       memref.store
func.func @column(%x: memref<8xf32, strided<[4]>>, %v: f32) {
  linalg.fill ins(%v : f32) outs(%x : memref<8xf32, strided<[4]>>)
  return
}
