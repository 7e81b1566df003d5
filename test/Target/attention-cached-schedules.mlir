// RUN: mlora-opt %s --mlora-attention-to-gpu | FileCheck %s
// RUN: mlora-opt %s --mlora-attention-to-gpu=chip=sm_90a | FileCheck %s
// RUN: mlora-opt %s --mlora-to-gpu | FileCheck %s --check-prefix=GENERAL

// What the kernel over a cache is made of. 16 rows of a warp are 8 queries of 2 heads. A step of 64 keys is 8 tiles of 8 keys and 4 steps of 16 along
// the head, 32 products, as many for the output, where a warp takes all of it; 16 keys of it 8 and 8.

// A group of more heads than a warp has rows, and f32, stay for the general schedule.
// CHECK: mlora.kernel @many_heads
// CHECK: mlora.kernel @single_precision
// GENERAL: llvm.func @many_heads(
// GENERAL-SAME: mlora.schedule = "rows 32, mma
// GENERAL: llvm.func @single_precision(
// GENERAL-SAME: mlora.schedule = "rows 32, ffma

// CHECK-LABEL: gpu.func @cached_64(
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>
// CHECK-SAME: mlora.grid = ["2 by 1", "rows by 8"]
// CHECK-SAME: mlora.schedule = "attention.mma cached width 64 tile 64x64 stages 2 warps 4"
// CHECK-SAME: mlora.scratch_bytes = 0 : i64, mlora.shared_bytes = 40960 : i64
// CHECK-NOT: alloca
// The queries; behind which key nothing is seen, and the first key that is; keys and values from there; the queries' operands.
// CHECK-COUNT-4: nvvm.cp.async.shared.global {{.*}}, 16, cache = cg
// CHECK: nvvm.redux.sync max
// CHECK: nvvm.redux.sync min
// CHECK-COUNT-8: nvvm.cp.async.shared.global {{.*}}, 16, cache = cg
// CHECK: nvvm.cp.async.wait.group 1
// CHECK-NEXT: gpu.barrier
// CHECK-COUNT-4: nvvm.ldmatrix
// CHECK: scf.while
// The next tile begins at the next key that is seen.
// CHECK: nvvm.redux.sync min
// CHECK: nvvm.cp.async.wait.group 0
// CHECK-NEXT: gpu.barrier
// CHECK-COUNT-8: nvvm.cp.async.shared.global
// CHECK-NOT: nvvm.cp.async.shared.global
// Together: is a key seen, products, is one not seen, 2 rows of 16 scores and a scale each.
// CHECK: nvvm.vote.sync any
// CHECK-COUNT-32: nvvm.mma.sync
// CHECK: nvvm.vote.sync any
// CHECK-COUNT-34: llvm.nvvm.ex2.approx.ftz.f
// CHECK-COUNT-32: nvvm.mma.sync
// Apart.
// CHECK: nvvm.vote.sync any
// CHECK-COUNT-8: nvvm.mma.sync
// CHECK: nvvm.vote.sync any
// CHECK-COUNT-10: llvm.nvvm.ex2.approx.ftz.f
// CHECK-COUNT-8: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// What the warps have summed: of 4 warps 2 rows.
// CHECK: gpu.barrier
// CHECK: gpu.barrier
// CHECK-COUNT-8: llvm.nvvm.ex2.approx.ftz.f
// CHECK-NOT: {{ex2|gpu.barrier|alloca|atomic|nvvm.ldmatrix|nvvm.mma.sync}}
// CHECK: gpu.return

// Without a prefix; a group of 3 heads.
// CHECK-LABEL: gpu.func @cached_128(
// CHECK-SAME: mlora.grid = ["1 by 1", "rows by 5"]
// CHECK-SAME: mlora.schedule = "attention.mma cached width 128 tile 64x64 stages 2 warps 4"
// CHECK-LABEL: gpu.func @cached_256(
// CHECK-SAME: mlora.schedule = "attention.mma cached width 256 tile 64x32 stages 2 warps 4"

mlora.kernel @many_heads(%q: tensor<?x272xbf16> {mlora.extent = "rows"}, %k: tensor<?x16xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x16xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x272xbf16>, tensor<?x17xf32>) grid ["17 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 17 kv_heads 1
    : (tensor<?x272xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x272xbf16>, tensor<?x17xf32>)
  mlora.yield %o, %lse : tensor<?x272xbf16>, tensor<?x17xf32>
}

mlora.kernel @single_precision(%q: tensor<?x256xf32> {mlora.extent = "rows"}, %k: tensor<?x128xf32> {mlora.extent = "kv_rows"}, %v: tensor<?x128xf32> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x256xf32>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 4 kv_heads 2
    : (tensor<?x256xf32>, tensor<?x128xf32>, tensor<?x128xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x256xf32>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x256xf32>, tensor<?x4xf32>
}

mlora.kernel @cached_64(%q: tensor<?x256xbf16> {mlora.extent = "rows"}, %k: tensor<?x128xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x128xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x4xf32>
}

mlora.kernel @cached_128(%q: tensor<?x384xbf16> {mlora.extent = "rows"}, %k: tensor<?x128xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x128xbf16> {mlora.extent = "kv_rows"}, %at: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x384xbf16>, tensor<?x3xf32>) grid ["3 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v at %at heads 3 kv_heads 1
    : (tensor<?x384xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x384xbf16>, tensor<?x3xf32>)
  mlora.yield %o, %lse : tensor<?x384xbf16>, tensor<?x3xf32>
}

mlora.kernel @cached_256(%q: tensor<?x512xbf16> {mlora.extent = "rows"}, %k: tensor<?x256xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x256xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x512xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 2 kv_heads 1
    : (tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x512xbf16>, tensor<?x2xf32>)
  mlora.yield %o, %lse : tensor<?x512xbf16>, tensor<?x2xf32>
}
