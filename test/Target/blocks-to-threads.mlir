// RUN: mlora-opt %s --split-input-file --mlora-blocks-to-threads --canonicalize --cse | FileCheck %s

// What mlora-lower-kernels makes: memrefs, run-time scalars, scratch, block. The block's number becomes the grid's; 128 threads.

#both = affine_map<(r, c) -> (r, c)>

// Elements go to threads in order, 16 bytes of a row each: neighbours touch neighbours. Reading the run-time scalars needs no barrier, and
// nothing comes behind that would.
// CHECK-LABEL: gpu.func @elements(
// CHECK-SAME: %[[A:[^:]+]]: memref<?x64xf32> {llvm.align = 64 : i64, llvm.noalias, llvm.readonly}, %[[Y:[^:]+]]: memref<?x64xf32> {llvm.align = 64 : i64},
// CHECK-SAME: %[[SCALARS:[^:]+]]: memref<4xi64> {llvm.align = 32 : i64, llvm.noalias, llvm.readonly}, %[[SCRATCH:[^:]+]]: memref<?xi8> {llvm.align = 64 : i64}) kernel
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>, mlora.fixed_bytes = 0 : i64, mlora.grid = ["rows by 128"], mlora.row_bytes = 512 : i64, mlora.schedule = "rows 128, elements x4", mlora.scratch_bytes = 0 : i64, mlora.shared_bytes = 0 : i64, nvvm.minctasm = 4 : i32
// CHECK-NOT: gpu.barrier
// CHECK: %thread = gpu.thread_id  x
// CHECK: memref.load %[[SCALARS]]
// CHECK-NOT: gpu.barrier
// CHECK: %[[IN:.*]] = memref.subview %[[A]]
// CHECK: %[[OUT:.*]] = memref.subview %[[Y]]
// CHECK: %[[FIRST:.*]] = arith.muli %thread, %c4
// CHECK: %elements = arith.muli %{{.*}}, %c64
// CHECK: %[[NEXT:.*]] = scf.for %element = %[[FIRST]] to %{{.*}} step %c2048 iter_args(
// CHECK: scf.for %element = %[[NEXT]] to %elements step %c512 {
// CHECK:   %[[NUMBER:.*]] = arith.index_castui %element : index to i32
// CHECK:   %[[COLUMN:.*]] = arith.remui %[[NUMBER]], %c64_i32
// CHECK:   %column = arith.index_castui %[[COLUMN]]
// CHECK:   %[[ROW:.*]] = arith.divui %[[NUMBER]], %c64_i32
// CHECK:   %row = arith.index_castui %[[ROW]]
// CHECK:   vector.load %[[IN]][%row, %column] {alignment = 16 : i64} : {{.*}}, vector<4xf32>
// CHECK:   vector.store %{{.*}}, %[[OUT]][%row, %column] {alignment = 16 : i64} : {{.*}}, vector<4xf32>
// CHECK: }
// CHECK-NEXT: gpu.return
func.func @elements(%a: memref<?x64xf32>, %y: memref<?x64xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 128"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %rows = memref.load %scalars[%c0] : memref<4xi64>
  %all = arith.index_cast %rows : i64 to index
  %count = arith.minsi %all, %c128 : index
  %in = memref.subview %a[0, 0] [%count, 64] [1, 1] : memref<?x64xf32> to memref<?x64xf32, strided<[64, 1]>>
  %out = memref.subview %y[0, 0] [%count, 64] [1, 1] : memref<?x64xf32> to memref<?x64xf32, strided<[64, 1]>>
  linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%in : memref<?x64xf32, strided<[64, 1]>>) outs(%out : memref<?x64xf32, strided<[64, 1]>>) {
  ^bb0(%v: f32, %old: f32):
    %w = arith.addf %v, %v : f32
    linalg.yield %w : f32
  }
  return
}

// -----

#both = affine_map<(r, c) -> (r, c)>
#row = affine_map<(r, c) -> (r)>

// A sum along a row is a warp's: lanes take every 32nd 16 bytes, fold their vectors by halves and then each other; one of them adds what
// was there.
// CHECK-LABEL: gpu.func @row_sums(
// CHECK-DAG: %lane = arith.remui %thread, %c32
// CHECK-DAG: %warp = arith.divui %thread, %c32
// CHECK: scf.for %row = %warp to %c48 step %c4 {
// CHECK:   scf.for %column = %{{.*}} to %c64 step %c128 iter_args(%{{.*}} = %[[ZERO:.*]]) -> (vector<4xf32>)
// CHECK:     vector.load
// CHECK:   vector.shuffle %{{.*}} [0, 1]
// CHECK:   vector.shuffle %{{.*}} [2, 3]
// CHECK:   gpu.shuffle xor %{{.*}}, %c16_i32, %c32_i32
// CHECK:   gpu.shuffle xor %{{.*}}, %c8_i32, %c32_i32
// CHECK:   gpu.shuffle xor %{{.*}}, %c4_i32, %c32_i32
// CHECK:   gpu.shuffle xor %{{.*}}, %c2_i32, %c32_i32
// CHECK:   gpu.shuffle xor %{{.*}}, %c1_i32, %c32_i32
// CHECK:   arith.cmpi eq, %lane, %c0
// CHECK:   scf.if
// CHECK:     memref.load
// CHECK:     memref.store
// CHECK-NOT: gpu.barrier
// CHECK: gpu.return
func.func @row_sums(%a: memref<48x64xf32>, %y: memref<48xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  linalg.generic {indexing_maps = [#both, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a : memref<48x64xf32>) outs(%y : memref<48xf32>) {
  ^bb0(%v: f32, %sum: f32):
    %w = arith.addf %sum, %v : f32
    linalg.yield %w : f32
  }
  return
}

// -----

#both = affine_map<(r, c) -> (r, c)>
#row = affine_map<(r, c) -> (r)>

// Of a maximum what changes nothing is -inf.
// CHECK-LABEL: gpu.func @row_maxima(
// CHECK: %[[LEAST:.*]] = arith.constant dense<0xFF800000> : vector<4xf32>
// CHECK: iter_args(%{{.*}} = %[[LEAST]])
// CHECK: arith.maximumf
func.func @row_maxima(%a: memref<48x64xf32>, %y: memref<48xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  linalg.generic {indexing_maps = [#both, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a : memref<48x64xf32>) outs(%y : memref<48xf32>) {
  ^bb0(%v: f32, %most: f32):
    %w = arith.maximumf %most, %v : f32
    linalg.yield %w : f32
  }
  return
}

// -----

// A product whose rows are no multiple of 16 bytes apart: tiles of A and B through shared memory, 4 by 4 sums in registers, along K in
// order. The innermost loop stays rolled; a thread's elements of a tile differ by a constant. Others: products-*.mlir.
// CHECK: #[[ROLLED:.*]] = #llvm.loop_unroll<disable = true>
// CHECK: #[[LOOP:.*]] = #llvm.loop_annotation<unroll = #[[ROLLED]]>
// CHECK-LABEL: gpu.func @product(
// CHECK-SAME: mlora.schedule = "general (a has rows 92 bytes apart, no multiple of 16)", {{.*}}mlora.shared_bytes = 6656 : i64
// CHECK: %shared = gpu.dynamic_shared_memory
// CHECK: %tile_a = memref.view %shared[%c0][] : {{.*}} to memref<16x36xf32, #gpu.address_space<workgroup>>
// CHECK: %tile_b = memref.view %shared[%c2304][] : {{.*}} to memref<16x68xf32, #gpu.address_space<workgroup>>
// CHECK: %patch_row = arith.muli %thread_row, %c4
// CHECK: %patch_column = arith.muli %thread_column, %c4
// CHECK: scf.for %first_row = %c0 to %c40 step %c32 {
// CHECK:   scf.for %first_column = %c0 to %c96 step %c64 {
// CHECK:     scf.for %first_k = %c0 to %c23 step %c16 iter_args({{.*}}) -> (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>)
// CHECK-COUNT-4: memref.store %{{.*}}, %tile_a
// CHECK-COUNT-8: memref.store %{{.*}}, %tile_b
// CHECK:       gpu.barrier
// CHECK:       scf.for %k{{.*}} = %c0 to %c16 step %c2
// CHECK:         %a = vector.load %tile_a[%k{{.*}}, %patch_row] {alignment = 16 : i64}
// CHECK:         %b = vector.load %tile_b[%k{{.*}}, %patch_column] {alignment = 16 : i64}
// CHECK-COUNT-8: vector.fma
// CHECK:       } {llvm.loop_annotation = #[[LOOP]]}
// CHECK-NEXT:  gpu.barrier
// CHECK-COUNT-16: memref.store
// CHECK: gpu.barrier
func.func @product(%a: memref<40x23xf32>, %w: memref<96x23xf32>, %y: memref<40x96xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  mlora.gemm %a, transposed %w into %y alpha %one beta %zero : memref<40x23xf32>, memref<96x23xf32>, memref<40x96xf32>
  return
}

// -----

#one = affine_map<(c) -> (c)>

// Iterations with work on rows are warps'; inside, a warp's lanes share the row and meet by themselves.
// CHECK-LABEL: gpu.func @rows_of_warps(
// CHECK: scf.for %iteration = %warp to %c10 step %c4 {
// CHECK:   scf.for %element = %{{.*}} to %c64 step %c128 {
// CHECK:   }
// CHECK:   nvvm.bar.warp.sync
// CHECK: }
// CHECK: gpu.barrier
func.func @rows_of_warps(%a: memref<10x64xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %one = arith.constant 1.0 : f32
  scf.forall (%i) in (10) {
    %row = memref.subview %a[%i, 0] [1, 64] [1, 1] : memref<10x64xf32> to memref<64xf32, strided<[1], offset: ?>>
    linalg.generic {indexing_maps = [#one], iterator_types = ["parallel"]} outs(%row : memref<64xf32, strided<[1], offset: ?>>) {
    ^bb0(%old: f32):
      linalg.yield %one : f32
    }
  }
  return
}

// -----

// Iterations of scalars are threads'; none waits inside.
// CHECK-LABEL: gpu.func @scalars_of_threads(
// CHECK: %[[ALL:.*]] = arith.constant 70 : index
// CHECK: scf.for %iteration = %thread to %[[ALL]] step %c128 {
// CHECK:   %[[NUMBER:.*]] = arith.index_castui %iteration : index to i32
// CHECK:   %[[COLUMN:.*]] = arith.remui %[[NUMBER]], %c7_i32
// CHECK:   %column = arith.index_castui %[[COLUMN]]
// CHECK:   %[[ROW:.*]] = arith.divui %[[NUMBER]], %c7_i32
// CHECK:   %row = arith.index_castui %[[ROW]]
// CHECK:   memref.store %{{.*}}, %{{.*}}[%row, %column]
// CHECK-NOT: nvvm
// CHECK: }
// CHECK-NEXT: gpu.barrier
func.func @scalars_of_threads(%a: memref<10x7xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  scf.forall (%i, %j) in (10, 7) {
    %v = memref.load %a[%i, %j] : memref<10x7xf32>
    %w = arith.addf %v, %v : f32
    memref.store %w, %a[%i, %j] : memref<10x7xf32>
  }
  return
}

// -----

// What all threads have computed the first one stores, after all have read.
// CHECK-LABEL: gpu.func @scalar_store(
// CHECK: memref.load %[[A:.*]][]
// CHECK: gpu.barrier
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %thread, %c0
// CHECK: scf.if %[[FIRST]] {
// CHECK-NEXT: memref.store %{{.*}}, %[[A]][]
// CHECK-NEXT: }
// CHECK-NEXT: gpu.return
func.func @scalar_store(%a: memref<f32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %v = memref.load %a[] : memref<f32>
  %w = arith.addf %v, %v : f32
  memref.store %w, %a[] : memref<f32>
  return
}

// -----

#both = affine_map<(r, c) -> (r, c)>
#row = affine_map<(r, c) -> (r)>

// Threads meet only where they must. Both ops over elements of y have the same threads: no barrier between them, be y read or written. The
// sums along rows read what other threads have written, and what then reads the sums waits for them.
// CHECK-LABEL: gpu.func @meetings(
// CHECK-COUNT-2: vector.store
// CHECK: gpu.barrier
// CHECK-NOT: gpu.barrier
// CHECK: gpu.shuffle
// CHECK: gpu.barrier
// CHECK-NOT: gpu.barrier
// CHECK: vector.store
// CHECK: gpu.return
func.func @meetings(%a: memref<32x64xf32>, %y: memref<32x64xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 128 : i64} {
  %c0 = arith.constant 0 : index
  %rho = memref.view %scratch[%c0][] : memref<?xi8> to memref<32xf32>
  linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]} ins(%a : memref<32x64xf32>) outs(%y : memref<32x64xf32>) {
  ^bb0(%v: f32, %old: f32):
    %w = arith.addf %v, %v : f32
    linalg.yield %w : f32
  }
  linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]} ins(%a : memref<32x64xf32>) outs(%y : memref<32x64xf32>) {
  ^bb0(%v: f32, %old: f32):
    %w = arith.mulf %v, %old : f32
    linalg.yield %w : f32
  }
  linalg.generic {indexing_maps = [#both, #row], iterator_types = ["parallel", "reduction"]} ins(%y : memref<32x64xf32>) outs(%rho : memref<32xf32>) {
  ^bb0(%v: f32, %sum: f32):
    %w = arith.addf %sum, %v : f32
    linalg.yield %w : f32
  }
  linalg.generic {indexing_maps = [#row, #both], iterator_types = ["parallel", "parallel"]} ins(%rho : memref<32xf32>) outs(%y : memref<32x64xf32>) {
  ^bb0(%v: f32, %old: f32):
    %w = arith.mulf %v, %old : f32
    linalg.yield %w : f32
  }
  return
}
