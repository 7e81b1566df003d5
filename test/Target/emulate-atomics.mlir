// RUN: mlora-opt %s --mlora-emulate='seeds=100' -split-input-file -verify-diagnostics -o /dev/null | FileCheck %s

// Atomics of every kind that llvm.atomicrmw and memref.atomic_rmw have for a GPU; of small floats and pairs of them as well.

// CHECK: @m::@numbers: 2 blocks of 64 threads, 100 seeds: passed
gpu.module @m {
  llvm.func @numbers(%i: !llvm.ptr<1>, %l: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %seven = llvm.mlir.constant(7 : i32) : i32
    %long = llvm.mlir.constant(1 : i64) : i64
    %i1 = llvm.getelementptr %i[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    %i2 = llvm.getelementptr %i[2] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    %i3 = llvm.getelementptr %i[3] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    %i4 = llvm.getelementptr %i[4] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    %i5 = llvm.getelementptr %i[5] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    %i6 = llvm.getelementptr %i[6] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    %i7 = llvm.getelementptr %i[7] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    %0 = llvm.atomicrmw add %i, %one monotonic : !llvm.ptr<1>, i32
    %1 = llvm.atomicrmw max %i1, %t syncscope("device") acq_rel : !llvm.ptr<1>, i32
    %2 = llvm.atomicrmw umin %i2, %t monotonic : !llvm.ptr<1>, i32
    %3 = llvm.atomicrmw _and %i3, %seven monotonic : !llvm.ptr<1>, i32
    %4 = llvm.atomicrmw _or %i4, %t monotonic : !llvm.ptr<1>, i32
    %5 = llvm.atomicrmw _xor %i5, %t monotonic : !llvm.ptr<1>, i32
    %6 = llvm.atomicrmw uinc_wrap %i6, %seven monotonic : !llvm.ptr<1>, i32
    %7 = llvm.atomicrmw udec_wrap %i7, %seven monotonic : !llvm.ptr<1>, i32
    %8 = llvm.atomicrmw add %l, %long monotonic : !llvm.ptr<1>, i64
    %next = llvm.getelementptr %l[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i64
    %wide = llvm.zext %t : i32 to i64
    llvm.br ^try
  ^try:
    %old = llvm.load %next atomic monotonic {alignment = 8 : i64} : !llvm.ptr<1> -> i64
    %new = llvm.add %old, %wide : i64
    %pair = llvm.cmpxchg %next, %old, %new acq_rel monotonic : !llvm.ptr<1>, i64
    %done = llvm.extractvalue %pair[1] : !llvm.struct<(i64, i1)>
    llvm.cond_br %done, ^end, ^try
  ^end:
    llvm.return
  }
}
mlora.emulate @m::@numbers grid [2] block [64] arguments [
  {type = tensor<8xi32>, init = dense<[0, 0, 9, 15, 0, 0, 0, 0]> : tensor<8xi32>, expect = dense<[128, 63, 0, 7, 63, 0, 0, 0]> : tensor<8xi32>},
  {type = tensor<2xi64>, expect = dense<[128, 4032]> : tensor<2xi64>}]

// -----

// Sums of 128 ones are exact in f16 and bf16.
// CHECK: @m::@small_floats: 2 blocks of 64 threads, 100 seeds: passed
gpu.module @m {
  llvm.func @small_floats(%h: !llvm.ptr<1>, %b: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %h1 = llvm.mlir.constant(1.0 : f16) : f16
    %b1 = llvm.mlir.constant(1.0 : bf16) : bf16
    %hh = llvm.mlir.constant(dense<[1.0, 2.0]> : vector<2xf16>) : vector<2xf16>
    %bb = llvm.mlir.constant(dense<[1.0, 2.0]> : vector<2xbf16>) : vector<2xbf16>
    %h2 = llvm.getelementptr %h[2] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f16
    %b2 = llvm.getelementptr %b[2] : (!llvm.ptr<1>) -> !llvm.ptr<1>, bf16
    %h4 = llvm.getelementptr %h[4] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f16
    %0 = llvm.atomicrmw fadd %h, %h1 monotonic : !llvm.ptr<1>, f16
    %1 = llvm.atomicrmw fadd %h2, %hh monotonic : !llvm.ptr<1>, vector<2xf16>
    %2 = llvm.atomicrmw fmax %h4, %h1 monotonic : !llvm.ptr<1>, f16
    %3 = llvm.atomicrmw fadd %b, %b1 monotonic : !llvm.ptr<1>, bf16
    %4 = llvm.atomicrmw fadd %b2, %bb monotonic : !llvm.ptr<1>, vector<2xbf16>
    llvm.return
  }
}
mlora.emulate @m::@small_floats grid [2] block [64] arguments [
  {type = tensor<6xf16>, expect = dense<[128.0, 0.0, 128.0, 256.0, 1.0, 0.0]> : tensor<6xf16>, tolerance = 0.0},
  {type = tensor<4xbf16>, expect = dense<[128.0, 0.0, 128.0, 256.0]> : tensor<4xbf16>, tolerance = 0.0}]

// -----

// The same as memref has them.
// CHECK: @m::@of_memrefs: 1 block of 64 threads, 100 seeds: passed
gpu.module @m {
  gpu.func @of_memrefs(%f: memref<3xf32>, %h: memref<1xbf16>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %one = arith.constant 1.0 : f32
    %half = arith.constant 1.0 : bf16
    %t = gpu.thread_id x
    %i = arith.index_cast %t : index to i32
    %x = arith.sitofp %i : i32 to f32
    %0 = memref.atomic_rmw addf %one, %f[%c0] : (f32, memref<3xf32>) -> f32
    %1 = memref.atomic_rmw maximumf %x, %f[%c1] : (f32, memref<3xf32>) -> f32
    %2 = memref.atomic_rmw maxnumf %x, %f[%c2] : (f32, memref<3xf32>) -> f32
    %3 = memref.atomic_rmw addf %half, %h[%c0] : (bf16, memref<1xbf16>) -> bf16
    gpu.return
  }
}
mlora.emulate @m::@of_memrefs grid [1] block [64] arguments [
  {type = tensor<3xf32>, expect = dense<[64.0, 63.0, 63.0]> : tensor<3xf32>, tolerance = 0.0},
  {type = tensor<1xbf16>, expect = dense<64.0> : tensor<1xbf16>, tolerance = 0.0}]

// -----

// A block reads with an ordinary load what others add to.
gpu.module @m {
  llvm.func @ordinary_load(%b: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %one = llvm.mlir.constant(1.0 : bf16) : bf16
    // expected-error @below {{global memory race: @m::@ordinary_load, block (}}
    %0 = llvm.atomicrmw fadd %b, %one monotonic : !llvm.ptr<1>, bf16
    // expected-note @below {{the other access, a read}}
    %1 = llvm.load %b : !llvm.ptr<1> -> bf16
    %2 = llvm.fadd %1, %one : bf16
    llvm.return
  }
}
mlora.emulate @m::@ordinary_load grid [2] block [1] arguments [{type = tensor<1xbf16>}]
