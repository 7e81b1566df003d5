// RUN: mlora-opt %s --split-input-file --mlora-blocks-to-threads --canonicalize --cse | FileCheck %s

// A thread works on four places at once: it asks for what all of them read before it stores the first.

#both = affine_map<(r, c) -> (r, c)>
#row = affine_map<(r, c) -> (r)>

// A row is longer than what the block has at a time: rows one by one, nothing is divided. 2,632 columns are five times 512, four of them at
// once, and 72 of the first 18 threads.
// CHECK-LABEL: gpu.func @long_rows(
// CHECK-NOT: arith.divui
// CHECK-NOT: arith.remui
// CHECK: scf.for %row = %c0 to %{{.*}} step %c1 {
// CHECK-COUNT-4: vector.load
// CHECK-COUNT-4: vector.store
// CHECK: vector.load
// CHECK: vector.store
// CHECK: %[[HAS:.*]] = arith.cmpi ult, %{{.*}}, %c72
// CHECK: scf.if %[[HAS]] {
// CHECK:   vector.load
// CHECK:   vector.store
// CHECK: gpu.return
func.func @long_rows(%a: memref<?x2632xf32>, %y: memref<?x2632xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 4"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %rows = memref.load %scalars[%c0] : memref<4xi64>
  %all = arith.index_cast %rows : i64 to index
  %count = arith.minsi %all, %c4 : index
  %in = memref.subview %a[0, 0] [%count, 2632] [1, 1] : memref<?x2632xf32> to memref<?x2632xf32, strided<[2632, 1]>>
  %out = memref.subview %y[0, 0] [%count, 2632] [1, 1] : memref<?x2632xf32> to memref<?x2632xf32, strided<[2632, 1]>>
  linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%in : memref<?x2632xf32, strided<[2632, 1]>>) outs(%out : memref<?x2632xf32, strided<[2632, 1]>>) {
  ^bb0(%v: f32, %old: f32):
    %w = arith.addf %v, %v : f32
    linalg.yield %w : f32
  }
  return
}

// -----

#both = affine_map<(r, c) -> (r, c)>

// Shorter rows: places have numbers, which are divided in 32 bits. What four at once leave comes one by one.
// CHECK-LABEL: gpu.func @short_rows(
// CHECK: %[[NEXT:.*]] = scf.for %element = %{{.*}} to %c{{.*}} step %c2048 iter_args(
// CHECK-COUNT-4: arith.divui %{{.*}} : i32
// CHECK: scf.yield
// CHECK: scf.for %element{{.*}} = %[[NEXT]] to %c{{.*}} step %c512 {
func.func @short_rows(%a: memref<32x96xf32>, %y: memref<32x96xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<32x96xf32>) outs(%y : memref<32x96xf32>) {
  ^bb0(%v: f32, %old: f32):
    %w = arith.addf %v, %v : f32
    linalg.yield %w : f32
  }
  return
}

// -----

#both = affine_map<(r, c) -> (r, c)>
#row = affine_map<(r, c) -> (r)>

// A sum's loads are four at a time, too; a lane adds its elements in their order.
// CHECK-LABEL: gpu.func @long_sum(
// CHECK: scf.for %column = %{{.*}} to %c1024 step %c512 iter_args(
// CHECK:   %[[A:.*]] = vector.load
// CHECK:   %[[SUM:.*]] = arith.addf %{{.*}}, %[[A]]
// CHECK:   %[[B:.*]] = vector.load
// CHECK:   arith.addf %[[SUM]], %[[B]]
// CHECK:   scf.yield
// CHECK: scf.for %column{{.*}} to %c1152 step %c128 iter_args(
func.func @long_sum(%a: memref<4x1152xf32>, %y: memref<4xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  linalg.generic {indexing_maps = [#both, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a : memref<4x1152xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%v: f32, %sum: f32):
    %w = arith.addf %sum, %v : f32
    linalg.yield %w : f32
  }
  return
}

// -----

#both = affine_map<(r, c) -> (r, c)>

// Two of a thread's places are a row of 1,024 elements: two rows at once, and one for the last of an odd number.
// CHECK-LABEL: gpu.func @rows_together(
// CHECK: %[[NEXT:.*]] = scf.for %row = %c0 to %{{.*}} step %c2 iter_args(
// CHECK-COUNT-4: vector.load
// CHECK-COUNT-4: vector.store
// CHECK: scf.yield
// CHECK: scf.for %row{{.*}} = %[[NEXT]] to %{{.*}} step %c1 {
// CHECK-COUNT-2: vector.load
// CHECK-COUNT-2: vector.store
// CHECK: gpu.return
func.func @rows_together(%a: memref<?x1024xf32>, %y: memref<?x1024xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 4"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %rows = memref.load %scalars[%c0] : memref<4xi64>
  %all = arith.index_cast %rows : i64 to index
  %count = arith.minsi %all, %c4 : index
  %in = memref.subview %a[0, 0] [%count, 1024] [1, 1] : memref<?x1024xf32> to memref<?x1024xf32, strided<[1024, 1]>>
  %out = memref.subview %y[0, 0] [%count, 1024] [1, 1] : memref<?x1024xf32> to memref<?x1024xf32, strided<[1024, 1]>>
  linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%in : memref<?x1024xf32, strided<[1024, 1]>>) outs(%out : memref<?x1024xf32, strided<[1024, 1]>>) {
  ^bb0(%v: f32, %old: f32):
    %w = arith.addf %v, %v : f32
    linalg.yield %w : f32
  }
  return
}

// -----

#both = affine_map<(r, c) -> (r, c)>

// Beside a product eight.
// CHECK-LABEL: gpu.func @beside_a_product(
// CHECK: scf.for %row = %c0 to %c31 step %c2
// CHECK-COUNT-8: vector.load
// CHECK-COUNT-8: vector.store
// CHECK: gpu.barrier
// CHECK: nvvm.cp.async
func.func @beside_a_product(%a: memref<32x4096xbf16>, %x: memref<32x4096xbf16>, %w: memref<16x4096xbf16>, %m: memref<32x16xf32>,
                            %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<32x4096xbf16>) outs(%x : memref<32x4096xbf16>) {
  ^bb0(%v: bf16, %old: bf16):
    %s = arith.addf %v, %v : bf16
    linalg.yield %s : bf16
  }
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  mlora.gemm %x, transposed %w into %m alpha %one beta %zero : memref<32x4096xbf16>, memref<16x4096xbf16>, memref<32x16xf32>
  return
}
