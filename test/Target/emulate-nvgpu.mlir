// RUN: mlora-opt %s --mlora-emulate='seeds=50' -o /dev/null | FileCheck %s

// The nvgpu dialect's ops, as upstream lowers them: an asynchronous copy, ldmatrix and mma.sync on vectors, dynamic shared memory.

// CHECK: @kernels::@product: 1 block of 32 threads, 50 seeds: passed
// CHECK: @copies::@tensor_copy: 1 block of 128 threads, 50 seeds: passed
!shared = memref<16x16xf16, #gpu.address_space<workgroup>>
!box = memref<8x64xbf16, #gpu.address_space<workgroup>>
!map = !nvgpu.tensormap.descriptor<tensor = !box, swizzle = none, l2promo = none, oob = zero, interleave = none>
!barriers = !nvgpu.mbarrier.group<memorySpace = #gpu.address_space<workgroup>, num_barriers = 1>
gpu.module @kernels {
  // y = a bᵀ, 16x8, with one warp: b has 8 rows.
  gpu.func @product(%a: memref<16x16xf16>, %b: memref<8x16xf16>, %y: memref<16x8xf32>)
      workgroup(%as: memref<16x16xf16, #gpu.address_space<workgroup>> {llvm.align = 16 : i64},
                %bs: memref<16x16xf16, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %c16 = arith.constant 16 : index
    %lane = gpu.lane_id
    %row = arith.divui %lane, %c2 : index
    %half = arith.remui %lane, %c2 : index
    %column = arith.muli %half, %c8 : index
    %first = nvgpu.device_async_copy %a[%row, %column], %as[%row, %column], 8 : memref<16x16xf16> to !shared
    %few = arith.cmpi ult, %row, %c8 : index
    scf.if %few {
      %second = nvgpu.device_async_copy %b[%row, %column], %bs[%row, %column], 8 : memref<8x16xf16> to !shared
    }
    %group = nvgpu.device_async_create_group %first
    nvgpu.device_async_wait %group {numGroups = 0 : i32}
    gpu.barrier
    %r = arith.remui %lane, %c16 : index
    %h = arith.divui %lane, %c16 : index
    %h8 = arith.muli %h, %c8 : index
    %fa = nvgpu.ldmatrix %as[%r, %h8] {numTiles = 4 : i32, transpose = false} : !shared -> vector<4x2xf16>
    %r8 = arith.remui %lane, %c8 : index
    %e = arith.divui %lane, %c8 : index
    %e2 = arith.remui %e, %c2 : index
    %k8 = arith.muli %e2, %c8 : index
    %fb = nvgpu.ldmatrix %bs[%r8, %k8] {numTiles = 2 : i32, transpose = false} : !shared -> vector<2x2xf16>
    %zeros = arith.constant dense<0.0> : vector<2x2xf32>
    %d = nvgpu.mma.sync (%fa, %fb, %zeros) {mmaShape = [16, 8, 16]} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>
    %g = arith.divui %lane, %c4 : index
    %t = arith.remui %lane, %c4 : index
    %t2 = arith.muli %t, %c2 : index
    %g8 = arith.addi %g, %c8 : index
    %low = vector.extract %d[0] : vector<2xf32> from vector<2x2xf32>
    %high = vector.extract %d[1] : vector<2xf32> from vector<2x2xf32>
    vector.store %low, %y[%g, %t2] : memref<16x8xf32>, vector<2xf32>
    vector.store %high, %y[%g8, %t2] : memref<16x8xf32>, vector<2xf32>
    gpu.return
  }

}
gpu.module @copies {
  // A box through a tensor copy into dynamic shared memory; each thread takes four elements of it.
  gpu.func @tensor_copy(%x: memref<8x64xbf16>, %y: memref<8x64xbf16>, %map: !map) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c16 = arith.constant 16 : index
    %bytes = arith.constant 1024 : index
    %ticks = arith.constant 10000 : index
    %no = arith.constant false
    %t = gpu.thread_id x
    %first = arith.cmpi eq, %t, %c0 : index
    %dynamic = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
    // The mbarrier is static and takes the first 16 bytes; a tensor copy wants a multiple of 128.
    %c112 = arith.constant 112 : index
    %tile = memref.view %dynamic[%c112][] : memref<?xi8, #gpu.address_space<workgroup>> to !box
    %barrier = nvgpu.mbarrier.create -> !barriers
    nvgpu.mbarrier.init %barrier[%c0], %c1, predicate = %first : !barriers
    gpu.barrier
    scf.if %first {
      nvgpu.mbarrier.arrive.expect_tx %barrier[%c0], %bytes : !barriers
      nvgpu.tma.async.load %map[%c0, %c0], %barrier[%c0] to %tile : !map, !barriers -> !box
    }
    nvgpu.mbarrier.try_wait.parity %barrier[%c0], %no, %ticks : !barriers
    %row = arith.divui %t, %c16 : index
    %piece = arith.remui %t, %c16 : index
    %column = arith.muli %piece, %c4 : index
    %v = vector.load %tile[%row, %column] : !box, vector<4xbf16>
    vector.store %v, %y[%row, %column] : memref<8x64xbf16>, vector<4xbf16>
    gpu.return
  }
}
func.func @copied(%x: tensor<8x64xbf16>, %y: tensor<8x64xbf16>) -> tensor<8x64xbf16> {
  return %x : tensor<8x64xbf16>
}
mlora.emulate @kernels::@product grid [1] block [32] arguments [
  {type = tensor<16x16xf16>, init = "identity"}, {type = tensor<8x16xf16>, init = "iota"},
  {type = tensor<16x8xf32>, expect = dense<[
    [0.0, 16.0, 32.0, 48.0, 64.0, 80.0, 96.0, 112.0],
    [1.0, 17.0, 33.0, 49.0, 65.0, 81.0, 97.0, 113.0],
    [2.0, 18.0, 34.0, 50.0, 66.0, 82.0, 98.0, 114.0],
    [3.0, 19.0, 35.0, 51.0, 67.0, 83.0, 99.0, 115.0],
    [4.0, 20.0, 36.0, 52.0, 68.0, 84.0, 100.0, 116.0],
    [5.0, 21.0, 37.0, 53.0, 69.0, 85.0, 101.0, 117.0],
    [6.0, 22.0, 38.0, 54.0, 70.0, 86.0, 102.0, 118.0],
    [7.0, 23.0, 39.0, 55.0, 71.0, 87.0, 103.0, 119.0],
    [8.0, 24.0, 40.0, 56.0, 72.0, 88.0, 104.0, 120.0],
    [9.0, 25.0, 41.0, 57.0, 73.0, 89.0, 105.0, 121.0],
    [10.0, 26.0, 42.0, 58.0, 74.0, 90.0, 106.0, 122.0],
    [11.0, 27.0, 43.0, 59.0, 75.0, 91.0, 107.0, 123.0],
    [12.0, 28.0, 44.0, 60.0, 76.0, 92.0, 108.0, 124.0],
    [13.0, 29.0, 45.0, 61.0, 77.0, 93.0, 109.0, 125.0],
    [14.0, 30.0, 46.0, 62.0, 78.0, 94.0, 110.0, 126.0],
    [15.0, 31.0, 47.0, 63.0, 79.0, 95.0, 111.0, 127.0]]> : tensor<16x8xf32>, tolerance = 0.0}]
mlora.emulate @copies::@tensor_copy grid [1] block [128] dynamic_shared 1136 arguments [
  {type = tensor<8x64xbf16>, init = "random"}, {type = tensor<8x64xbf16>, expect = @copied, tolerance = 0.0},
  {tensor_map = 0, box = array<i64: 8, 64>}]
