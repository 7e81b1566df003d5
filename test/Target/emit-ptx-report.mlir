// REQUIRES: ptxas
// RUN: rm -rf %t && mkdir %t
// RUN: mlora-opt %s --mlora-emit-ptx='path=%t chip=sm_90 report' -o /dev/null | FileCheck %s
// RUN: mlora-opt %s --mlora-emit-ptx='path=%t chip=sm_80 report' -o /dev/null | FileCheck %s --check-prefix=SM80

// What ptxas counts and what the launch adds. 114688 of 228 KiB: two blocks of 4 warps, of 64 warps; on sm_80 one, of 164 KiB.
// CHECK: scale for sm_90: {{[0-9]+}} registers, 114688 bytes of shared memory, 0 bytes of local memory, 0 bytes spilled; 2 blocks of 128 threads a multiprocessor, occupancy 12%
// SM80: scale for sm_80: {{[0-9]+}} registers, 114688 bytes of shared memory, 0 bytes of local memory, 0 bytes spilled; 1 blocks of 128 threads a multiprocessor, occupancy 6%

// An array that is indexed by a thread lies in local memory: it is seen.
// CHECK: private for sm_90: {{[0-9]+}} registers, 0 bytes of shared memory, 256 bytes of local memory, 0 bytes spilled
gpu.module @kernels {
  llvm.func @private(%x: !llvm.ptr, %i: i64, %j: i64) attributes {nvvm.kernel} {
    %size = llvm.mlir.constant(64 : i64) : i64
    %one = llvm.mlir.constant(1.0 : f32) : f32
    %array = llvm.alloca %size x f32 : (i64) -> !llvm.ptr
    %place = llvm.getelementptr %array[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store volatile %one, %place : f32, !llvm.ptr
    %other = llvm.getelementptr %array[%j] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %v = llvm.load volatile %other : !llvm.ptr -> f32
    llvm.store %v, %x : f32, !llvm.ptr
    llvm.return
  }
  llvm.func @scale(%x: !llvm.ptr) attributes {gpu.known_block_size = array<i32: 128, 1, 1>, mlora.shared_bytes = 114688 : i64, nvvm.kernel, nvvm.maxntid = array<i32: 128, 1, 1>} {
    %v = llvm.load %x : !llvm.ptr -> f32
    %w = llvm.fadd %v, %v : f32
    llvm.store %w, %x : f32, !llvm.ptr
    llvm.return
  }
}
