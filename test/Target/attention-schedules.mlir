// RUN: mlora-opt %s --mlora-attention-to-gpu | FileCheck %s
// RUN: mlora-opt %s --mlora-attention-to-gpu=chip=sm_86 | FileCheck %s --check-prefix=SM86
// RUN: mlora-opt %s --mlora-to-gpu | FileCheck %s --check-prefix=GENERAL

// What a kernel is made of, and which kernels have a schedule on tensor cores. A warp of the forward kernel has 32 rows: 2 tiles of 16, which
// with 8 tiles of 8 keys and 4 steps of 16 along the head make 64 products for the scores, as many for the output.

// The f32 kernel has none, and stays for the general schedule.
// CHECK: mlora.kernel @single_precision
// CHECK-LABEL: gpu.module @kernels
// CHECK: llvm.mlir.global external @shared() {addr_space = 3 : i32, alignment = 512 : i64} : !llvm.array<0 x i8>

// CHECK-LABEL: gpu.func @forward(
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>, mlora.fixed_bytes = {{[0-9]+}} : i64, mlora.grid = ["8 by 1", "rows by 128"]
// CHECK-SAME: mlora.schedule = "attention.mma forward width 64 tile 128x64 stages 2 warps 4"
// CHECK-SAME: mlora.scratch_bytes = 0 : i64, mlora.shared_bytes = 49152 : i64
// CHECK-NOT: alloca
// The queries, the first keys and values; then the queries' operands into registers.
// CHECK-COUNT-16: nvvm.cp.async.shared.global {{.*}}, 16, cache = cg
// CHECK: nvvm.cp.async.wait.group 1
// CHECK-NEXT: gpu.barrier
// CHECK-COUNT-8: nvvm.ldmatrix
// CHECK: scf.for
// CHECK-NEXT: nvvm.cp.async.wait.group 0
// CHECK-NEXT: gpu.barrier
// CHECK-COUNT-8: nvvm.cp.async.shared.global
// CHECK-NOT: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<row>
// CHECK-COUNT-64: nvvm.mma.sync
// 4 rows of a lane, 16 scores and a scale each.
// CHECK-COUNT-68: llvm.nvvm.ex2.approx.ftz.f
// CHECK-NOT: ex2
// CHECK: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<col>
// CHECK-COUNT-64: nvvm.mma.sync
// CHECK-NOT: {{nvvm.mma.sync|gpu.barrier|alloca|nvvm.ldmatrix}}
// CHECK: gpu.return

// 16 keys at a time: q k, do v and dS k, of 2 x 2, 2 x 2 (4 steps each) and 2 x 8 tiles.
// CHECK-LABEL: gpu.func @query_grad(
// CHECK-SAME: mlora.schedule = "attention.mma query_grad width 64 tile 128x64 stages 2 warps 4"
// CHECK-COUNT-192: nvvm.mma.sync
// CHECK-NOT: {{nvvm.mma.sync|alloca|atomic}}
// CHECK: gpu.return

// The f32 numbers of the queries come by copies of 4 bytes. 16 queries at a time, four times: 16 tiles for Pᵀ and dPᵀ, as many for dv and dk.
// CHECK-LABEL: gpu.func @key_value_grad(
// CHECK-SAME: mlora.grid = ["4 by 1", "rows by
// CHECK-SAME: mlora.schedule = "attention.mma key_value_grad width 64 tile 128x64 stages 2 warps 8"
// CHECK: nvvm.cp.async.shared.global {{.*}}, 4, cache = ca
// CHECK: nvvm.cp.async.shared.global {{.*}}, 4, cache = ca
// CHECK-COUNT-128: nvvm.mma.sync
// CHECK-NOT: {{nvvm.mma.sync|alloca|atomic}}
// CHECK: gpu.return

// 99 KiB of shared memory: another schedule.
// CHECK-LABEL: gpu.func @wide(
// CHECK-SAME: mlora.schedule = "attention.mma query_grad width 256 tile 64x32 stages 2 warps 8"
// SM86-LABEL: gpu.func @wide(
// SM86-SAME: mlora.schedule = "attention.mma query_grad width 256 tile 64x16 stages 2 warps 8"

// GENERAL: llvm.func @single_precision(
// GENERAL-SAME: mlora.schedule = "rows 64, ffma

mlora.kernel @forward(%q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>)
    -> (tensor<?x512xbf16>, tensor<?x8xf32>) grid ["8 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v heads 8 kv_heads 4
    : (tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>) -> (tensor<?x512xbf16>, tensor<?x8xf32>)
  mlora.yield %o, %lse : tensor<?x512xbf16>, tensor<?x8xf32>
}
mlora.kernel @query_grad(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>,
                         %o: tensor<?x512xbf16>, %lse: tensor<?x8xf32>) -> tensor<?x512xbf16> grid ["8 by 1", "rows by 64"] {
  %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 8 kv_heads 4
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x8xf32>)
    -> tensor<?x512xbf16>
  mlora.yield %dq : tensor<?x512xbf16>
}
mlora.kernel @key_value_grad(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>,
                             %o: tensor<?x512xbf16>, %lse: tensor<?x8xf32>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x256xbf16>) grid ["4 by 1", "rows by 64"] {
  %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x8xf32>,
       tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  mlora.yield %dk, %dv : tensor<?x256xbf16>, tensor<?x256xbf16>
}
mlora.kernel @wide(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>,
                   %o: tensor<?x512xbf16>, %lse: tensor<?x2xf32>) -> tensor<?x512xbf16> grid ["2 by 1", "rows by 64"] {
  %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x2xf32>)
    -> tensor<?x512xbf16>
  mlora.yield %dq : tensor<?x512xbf16>
}
mlora.kernel @single_precision(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %v: tensor<?x32xf32>)
    -> (tensor<?x64xf32>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v heads 2 kv_heads 1
    : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>) -> (tensor<?x64xf32>, tensor<?x2xf32>)
  mlora.yield %o, %lse : tensor<?x64xf32>, tensor<?x2xf32>
}
