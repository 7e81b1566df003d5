// RUN: mlora-opt %s --mlora-emulate='seeds=100' -o /dev/null | FileCheck %s

// CHECK: @kernels::@add: 3 blocks of 64 threads, 100 seeds: passed
// CHECK: @kernels::@transpose: 4 blocks of 256 threads, 100 seeds: passed
// CHECK: @kernels::@sum: 2 blocks of 128 threads, 100 seeds: passed
// CHECK: @kernels::@count: 2 blocks of 64 threads, 100 seeds: passed
gpu.module @kernels {
  // One element a thread; the last block is not full.
  gpu.func @add(%a: memref<150xf32>, %b: memref<150xf32>, %c: memref<150xf32>, %n: index) kernel {
    %block = gpu.block_id x
    %size = gpu.block_dim x
    %thread = gpu.thread_id x
    %base = arith.muli %block, %size : index
    %i = arith.addi %base, %thread : index
    %inside = arith.cmpi ult, %i, %n : index
    scf.if %inside {
      %x = memref.load %a[%i] : memref<150xf32>
      %y = memref.load %b[%i] : memref<150xf32>
      %z = arith.addf %x, %y : f32
      memref.store %z, %c[%i] : memref<150xf32>
    }
    gpu.return
  }

  // Tiles of 16x16 through shared memory.
  gpu.func @transpose(%a: memref<32x32xf32>, %eye: memref<32x32xf32>, %b: memref<32x32xf32>)
      workgroup(%tile: memref<16x17xf32, #gpu.address_space<workgroup>>) kernel {
    %c16 = arith.constant 16 : index
    %bx = gpu.block_id x
    %by = gpu.block_id y
    %tx = gpu.thread_id x
    %ty = gpu.thread_id y
    %x0 = arith.muli %bx, %c16 : index
    %y0 = arith.muli %by, %c16 : index
    %x = arith.addi %x0, %tx : index
    %y = arith.addi %y0, %ty : index
    %value = memref.load %a[%y, %x] : memref<32x32xf32>
    memref.store %value, %tile[%ty, %tx] : memref<16x17xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %turned = memref.load %tile[%tx, %ty] : memref<16x17xf32, #gpu.address_space<workgroup>>
    %ox = arith.addi %y0, %tx : index
    %oy = arith.addi %x0, %ty : index
    memref.store %turned, %b[%oy, %ox] : memref<32x32xf32>
    gpu.return
  }

  // Each block adds 128 numbers: shuffles in a warp, shared memory between warps.
  gpu.func @sum(%a: memref<256xf32>, %b: memref<2xf32>)
      workgroup(%parts: memref<4xf32, #gpu.address_space<workgroup>>) kernel {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %c128 = arith.constant 128 : index
    %width = arith.constant 32 : i32
    %zero = arith.constant 0.0 : f32
    %block = gpu.block_id x
    %t = gpu.thread_id x
    %base = arith.muli %block, %c128 : index
    %i = arith.addi %base, %t : index
    %x0 = memref.load %a[%i] : memref<256xf32>
    %s1 = arith.constant 1 : i32
    %s2 = arith.constant 2 : i32
    %s4 = arith.constant 4 : i32
    %s8 = arith.constant 8 : i32
    %s16 = arith.constant 16 : i32
    %y1, %v1 = gpu.shuffle xor %x0, %s16, %width : f32
    %x1 = arith.addf %x0, %y1 : f32
    %y2, %v2 = gpu.shuffle xor %x1, %s8, %width : f32
    %x2 = arith.addf %x1, %y2 : f32
    %y3, %v3 = gpu.shuffle xor %x2, %s4, %width : f32
    %x3 = arith.addf %x2, %y3 : f32
    %y4, %v4 = gpu.shuffle xor %x3, %s2, %width : f32
    %x4 = arith.addf %x3, %y4 : f32
    %y5, %v5 = gpu.shuffle xor %x4, %s1, %width : f32
    %x5 = arith.addf %x4, %y5 : f32
    %lane = arith.remui %t, %c32 : index
    %warp = arith.divui %t, %c32 : index
    %leads = arith.cmpi eq, %lane, %c0 : index
    scf.if %leads {
      memref.store %x5, %parts[%warp] : memref<4xf32, #gpu.address_space<workgroup>>
    }
    gpu.barrier
    %first = arith.cmpi eq, %t, %c0 : index
    scf.if %first {
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %total = scf.for %w = %c0 to %c4 step %c1 iter_args(%so_far = %zero) -> (f32) {
        %part = memref.load %parts[%w] : memref<4xf32, #gpu.address_space<workgroup>>
        %next = arith.addf %so_far, %part : f32
        scf.yield %next : f32
      }
      memref.store %total, %b[%block] : memref<2xf32>
    }
    gpu.return
  }

  // Atomics of both memories.
  gpu.func @count(%total: memref<1xi32>) workgroup(%mine: memref<1xi32, #gpu.address_space<workgroup>>) kernel {
    %c0 = arith.constant 0 : index
    %none = arith.constant 0 : i32
    %one = arith.constant 1 : i32
    %t = gpu.thread_id x
    %first = arith.cmpi eq, %t, %c0 : index
    scf.if %first {
      memref.store %none, %mine[%c0] : memref<1xi32, #gpu.address_space<workgroup>>
    }
    gpu.barrier
    %before = memref.atomic_rmw addi %one, %mine[%c0] : (i32, memref<1xi32, #gpu.address_space<workgroup>>) -> i32
    gpu.barrier
    scf.if %first {
      %all = memref.load %mine[%c0] : memref<1xi32, #gpu.address_space<workgroup>>
      %old = memref.atomic_rmw addi %all, %total[%c0] : (i32, memref<1xi32>) -> i32
    }
    gpu.return
  }
}

func.func @added(%a: tensor<150xf32>, %b: tensor<150xf32>, %c: tensor<150xf32>) -> tensor<150xf32> {
  %sum = mlora.add %a, %b : tensor<150xf32>
  return %sum : tensor<150xf32>
}
// I · aᵀ
func.func @turned(%a: tensor<32x32xf32>, %eye: tensor<32x32xf32>, %b: tensor<32x32xf32>) -> tensor<32x32xf32> {
  %turned = mlora.linear %eye, %a : (tensor<32x32xf32>, tensor<32x32xf32>) -> tensor<32x32xf32>
  return %turned : tensor<32x32xf32>
}

mlora.emulate @kernels::@add grid [3] block [64] arguments [
  {type = tensor<150xf32>, init = "random", seed = 1}, {type = tensor<150xf32>, init = "iota"},
  {type = tensor<150xf32>, expect = @added}, 150 : index]
mlora.emulate @kernels::@transpose grid [2, 2] block [16, 16] arguments [
  {type = tensor<32x32xf32>, init = "random"}, {type = tensor<32x32xf32>, init = "identity"},
  {type = tensor<32x32xf32>, expect = @turned}]
mlora.emulate @kernels::@sum grid [2] block [128] arguments [
  {type = tensor<256xf32>, init = "iota"}, {type = tensor<2xf32>, expect = dense<[8128.0, 24512.0]> : tensor<2xf32>}]
mlora.emulate @kernels::@count grid [2] block [64] arguments [
  {type = tensor<1xi32>, expect = dense<128> : tensor<1xi32>}]
