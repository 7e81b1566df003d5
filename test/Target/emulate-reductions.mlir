// RUN: mlora-opt %s --mlora-emulate='seeds=100' -o /dev/null | FileCheck %s

// Reductions of the gpu dialect, twice in a row and of a warp alone: none of them races.

// CHECK: @m::@sums: 1 block of 256 threads, 100 seeds: passed
gpu.module @m {
  gpu.func @sums(%x: memref<256xf32>, %y: memref<4xf32>, %n: index) kernel {
    %t = gpu.thread_id x
    %lane = gpu.lane_id
    %sg = gpu.subgroup_id : index
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %c32 = arith.constant 32 : i32
    %c1 = arith.constant 1 : i32
    %v = memref.load %x[%t] : memref<256xf32>
    %s = gpu.subgroup_reduce add %v : (f32) -> f32
    %all = gpu.all_reduce maximumf %v uniform {} : (f32) -> f32
    %mx = gpu.all_reduce add %s uniform {} : (f32) -> f32
    %dn, %ok = gpu.shuffle xor %v, %c1, %c32 : f32
    %zero = arith.cmpi eq, %t, %c0 : index
    scf.if %zero {
      %i1 = arith.constant 1 : index
      %i2 = arith.constant 2 : index
      %i3 = arith.constant 3 : index
      memref.store %s, %y[%c0] : memref<4xf32>
      memref.store %all, %y[%i1] : memref<4xf32>
      memref.store %mx, %y[%i2] : memref<4xf32>
      memref.store %dn, %y[%i3] : memref<4xf32>
    }
    gpu.return
  }
}
mlora.emulate @m::@sums grid [1] block [256] arguments [{type = tensor<256xf32>, init = "iota"}, {type = tensor<4xf32>, expect = dense<[496.0, 255.0, 1044480.0, 1.0]> : tensor<4xf32>, tolerance = 0.0}, 256 : index]
