// RUN: mlora-opt %s --mlora-gpu-to-nvvm | FileCheck %s '--implicit-check-not=@__nv_'

gpu.module @kernels {
  // A pointer a buffer; the launch's needs stay with the kernel. The extent of x is the kernel's own knowledge.
  // CHECK-LABEL: llvm.func @pointers(
  // CHECK-SAME: %{{[^:]*}}: !llvm.ptr, %{{[^:]*}}: !llvm.ptr, %{{[^:]*}}: !llvm.ptr)
  // CHECK-SAME: gpu.known_block_size = array<i32: 128, 1, 1>, mlora.shared_bytes = 256 : i64, nvvm.kernel, nvvm.maxntid = array<i32: 128, 1, 1>
  // CHECK: nvvm.read.ptx.sreg.tid.x
  // CHECK: nvvm.read.ptx.sreg.ctaid.x
  // CHECK: llvm.store {{.*}} : f32, !llvm.ptr
  // CHECK: nvvm.barrier0
  gpu.func @pointers(%x: memref<?x64xf32>, %y: memref<64xf32>, %scalars: memref<4xi64>) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>, mlora.shared_bytes = 256 : i64} {
    %thread = gpu.thread_id x
    %block = gpu.block_id x
    %v = memref.load %x[%block, %thread] : memref<?x64xf32>
    memref.store %v, %y[%thread] : memref<64xf32>
    gpu.barrier
    gpu.return
  }

  // Roots and quotients are instructions, exp2 too; exp, log, sin and cos are polynomials.
  // CHECK-LABEL: llvm.func @functions(
  // CHECK-NOT: llvm.intr.exp(
  // CHECK-NOT: llvm.intr.log
  // CHECK-NOT: llvm.intr.sin
  // CHECK-NOT: llvm.intr.cos
  // CHECK: llvm.intr.sqrt
  // CHECK: llvm.fdiv
  // CHECK: llvm.return
  gpu.func @functions(%x: memref<8xf32>) kernel {
    %thread = gpu.thread_id x
    %v = memref.load %x[%thread] : memref<8xf32>
    %e = math.exp %v : f32
    %l = math.log %e : f32
    %s = math.sin %l : f32
    %c = math.cos %s : f32
    %q = math.sqrt %c : f32
    %r = math.rsqrt %q : f32
    memref.store %r, %x[%thread] : memref<8xf32>
    gpu.return
  }

  // What may be approximate has instructions, of a lane each.
  // CHECK-LABEL: llvm.func @approximate(
  // CHECK-NOT: llvm.fdiv
  // CHECK-COUNT-2: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"
  // CHECK-COUNT-2: nvvm.rcp.approx.ftz.f
  // CHECK: llvm.fmul %{{.*}}, %{{.*}} : vector<2xf32>
  // CHECK: llvm.return
  gpu.func @approximate(%x: memref<8xf32>) kernel {
    %c0 = arith.constant 0 : index
    %v = vector.load %x[%c0] : memref<8xf32>, vector<2xf32>
    %e = math.exp %v fastmath<afn> : vector<2xf32>
    %q = arith.divf %v, %e fastmath<afn> : vector<2xf32>
    vector.store %q, %x[%c0] : memref<8xf32>, vector<2xf32>
    gpu.return
  }

  // Shuffles of a full warp.
  // CHECK-LABEL: llvm.func @shuffles(
  // CHECK: nvvm.shfl.sync bfly
  gpu.func @shuffles(%x: memref<32xf32>) kernel {
    %thread = gpu.thread_id x
    %v = memref.load %x[%thread] : memref<32xf32>
    %distance = arith.constant 16 : i32
    %width = arith.constant 32 : i32
    %w, %valid = gpu.shuffle xor %v, %distance, %width : f32
    memref.store %w, %x[%thread] : memref<32xf32>
    gpu.return
  }

  // What scf.for says about its loop is kept where LLVM looks for it.
  // CHECK-LABEL: llvm.func @annotated(
  // CHECK: llvm.br ^{{.*}} {loop_annotation = #{{.*}}}
  gpu.func @annotated(%x: memref<8xf32>, %n: memref<1xindex>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %end = memref.load %n[%c0] : memref<1xindex>
    scf.for %i = %c0 to %end step %c1 {
      gpu.barrier
    } {llvm.loop_annotation = #llvm.loop_annotation<unroll = <disable = true>>}
    gpu.return
  }
}
