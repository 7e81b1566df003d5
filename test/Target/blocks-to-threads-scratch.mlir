// RUN: mlora-opt %s --mlora-blocks-to-threads --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,SHARED
// RUN: mlora-opt %s --mlora-blocks-to-threads=shared-limit=1000 --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,GLOBAL

#one = affine_map<(c) -> (c)>

// Scratch is shared memory where a block may have as much. Otherwise it is global memory, and each block has a piece of its own.
// CHECK-LABEL: gpu.func @scratch(
// CHECK-SAME: %[[GLOBAL:[a-z0-9]*]]: memref<?xi8> {llvm.align = 64 : i64}) kernel
// SHARED-SAME: mlora.scratch_bytes = 0 : i64, mlora.shared_bytes = 2048 : i64
// GLOBAL-SAME: mlora.scratch_bytes = 2048 : i64, mlora.shared_bytes = 0 : i64
// SHARED: %shared = gpu.dynamic_shared_memory
// SHARED: memref.view %shared[%c1024][] : {{.*}} to memref<256xf32, #gpu.address_space<workgroup>>
// GLOBAL-NOT: gpu.dynamic_shared_memory
// GLOBAL: %[[PIECE:.*]] = arith.muli %block, %c2048
// GLOBAL: %[[SHIFT:.*]] = arith.addi %[[PIECE]], %c1024
// GLOBAL: memref.view %[[GLOBAL]][%[[SHIFT]]][] : memref<?xi8> to memref<256xf32>
func.func @scratch(%y: memref<256xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 2048 : i64} {
  %c1024 = arith.constant 1024 : index
  %one = arith.constant 1.0 : f32
  %t = memref.view %scratch[%c1024][] : memref<?xi8> to memref<256xf32>
  linalg.generic {indexing_maps = [#one], iterator_types = ["parallel"]} outs(%t : memref<256xf32>) {
  ^bb0(%old: f32):
    linalg.yield %one : f32
  }
  linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%t : memref<256xf32>) outs(%y : memref<256xf32>) {
  ^bb0(%v: f32, %old: f32):
    linalg.yield %v : f32
  }
  return
}

// The tiles of products come first and are always shared.
// CHECK-LABEL: gpu.func @scratch_of_product(
// SHARED-SAME: mlora.scratch_bytes = 0 : i64, mlora.shared_bytes = 7168 : i64
// GLOBAL-SAME: mlora.scratch_bytes = 512 : i64, mlora.shared_bytes = 6656 : i64
// SHARED: memref.view %shared[%c6656][] : {{.*}} to memref<16x7xf32, #gpu.address_space<workgroup>>
// GLOBAL: memref.view %{{[a-z0-9]+}}[%{{.*}}][] : memref<?xi8> to memref<16x7xf32>
// CHECK: %tile_a = memref.view %shared[%c0][]
func.func @scratch_of_product(%a: memref<16x7xf32>, %w: memref<7x7xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 512 : i64} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %t = memref.view %scratch[%c0][] : memref<?xi8> to memref<16x7xf32>
  mlora.gemm %a, %w into %t alpha %one beta %one : memref<16x7xf32>, memref<7x7xf32>, memref<16x7xf32>
  return
}
