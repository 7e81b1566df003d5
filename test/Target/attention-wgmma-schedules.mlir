// RUN: mlora-opt %s --mlora-attention-to-gpu=chip=sm_90a | FileCheck %s
// The module may name the chip, too; what the pass is told comes first.
// RUN: echo 'module attributes {mlora.chip = "sm_90a"} {' > %t && cat %s >> %t && echo '}' >> %t
// RUN: mlora-opt %t --mlora-attention-to-gpu | FileCheck %s
// RUN: mlora-opt %t --mlora-attention-to-gpu=chip=sm_90 | FileCheck %s --check-prefix=OTHER
// RUN: mlora-opt %s --mlora-attention-to-gpu=chip=sm_90 | FileCheck %s --check-prefix=OTHER

// What kernels of the wgmma tier are made of: the warpgroup that copies, then those that compute. Other widths and other chips stay on mma.sync.

// OTHER-NOT: {{wgmma|mbarrier|tensor_maps}}

// CHECK: llvm.mlir.global external @shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>

// CHECK-LABEL: gpu.func @forward_64(
// CHECK-SAME: %scalars: !llvm.ptr<1>, %scratch: !llvm.ptr<1>, %map: !llvm.ptr,
// CHECK-SAME: known_block_size = array<i32: 384, 1, 1>, mlora.fixed_bytes = {{[0-9]+}} : i64, mlora.grid = ["4 by 1", "rows by 128"]
// CHECK-SAME: mlora.schedule = "attention.wgmma forward width 64 tile 128x128 stages 2 warps 12"
// CHECK-SAME: mlora.scratch_bytes = 0 : i64, mlora.shared_bytes = 115712 : i64
// CHECK-SAME: mlora.tensor_maps = [{argument = 8 : i64, box = array<i64: 128, 64>, buffer = 0 : i64, columns = 256 : i64, rows = "rows", swizzle = 128 : i64},
// CHECK-SAME: {argument = 9 : i64, box = array<i64: 128, 64>, buffer = 1 : i64, columns = 128 : i64, rows = "rows", swizzle = 128 : i64},
// CHECK-SAME: {argument = 10 : i64, box = array<i64: 128, 64>, buffer = 2 : i64,
// CHECK-SAME: {argument = 11 : i64, box = array<i64: 64, 64>, buffer = 4 : i64, columns = 256 : i64, rows = "rows", swizzle = 128 : i64}]
// CHECK-SAME: nvvm.minctasm = 1 : i32
// CHECK-NOT: {{alloca|atomic|cp.async.shared|mma.sync}}
// For q, full and empty of two stages of k and of v.
// CHECK-COUNT-9: nvvm.mbarrier.init
// CHECK-NOT: nvvm.mbarrier.init
// CHECK: nvvm.fence.mbarrier.init
// CHECK: gpu.barrier
// CHECK: nvvm.setmaxregister decrease 40
// CHECK-COUNT-1: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK: scf.for
// CHECK-COUNT-2: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK-NOT: nvvm.cp.async.bulk.tensor
// CHECK: nvvm.setmaxregister increase 232
// The scores of the first step alone; then those of a step, and the output of the one before.
// CHECK-COUNT-4: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>{{.*}}B[<bf16>, <one>, <col>]
// CHECK: nvvm.wgmma.wait.group.sync.aligned 0
// Two rows of a lane, 32 scores and a scale each.
// CHECK-COUNT-66: llvm.nvvm.ex2.approx.ftz.f
// CHECK-COUNT-8: nvvm.stmatrix
// CHECK-NEXT: nvvm.fence.proxy
// CHECK: nvvm.barrier id = {{.*}} number_of_threads =
// CHECK: scf.for
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK-COUNT-4: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK-COUNT-8: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 64, k = 16>{{.*}}B[<bf16>, <one>, <row>]
// CHECK: nvvm.wgmma.wait.group.sync.aligned 1
// CHECK-COUNT-66: llvm.nvvm.ex2.approx.ftz.f
// CHECK: nvvm.wgmma.wait.group.sync.aligned 0
// CHECK-COUNT-8: nvvm.stmatrix
// CHECK-COUNT-8: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 64, k = 16>
// CHECK-NOT: {{wgmma.mma_async|alloca}}
// CHECK: nvvm.cp.async.bulk.tensor.global.shared.cta
// CHECK-NEXT: nvvm.cp.async.bulk.commit.group
// CHECK-NEXT: nvvm.cp.async.bulk.wait_group 0 {read}
// CHECK: gpu.return

// A box is 64 columns wide: two for a head.
// CHECK-LABEL: gpu.func @forward_128(
// CHECK-SAME: mlora.schedule = "attention.wgmma forward width 128 tile 128x128 stages 2 warps 12"
// CHECK-SAME: mlora.shared_bytes = 197632 : i64
// CHECK-COUNT-6: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK-COUNT-16: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>{{.*}}<col>
// CHECK-COUNT-16: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>{{.*}}<row>
// CHECK-NOT: wgmma.mma_async
// CHECK-COUNT-2: nvvm.cp.async.bulk.tensor.global.shared.cta

// q k and do v; dS k of the step before.
// CHECK-LABEL: gpu.func @query_grad_64(
// CHECK-SAME: mlora.schedule = "attention.wgmma query_grad width 64 tile 128x128 stages 3 warps 12"
// CHECK-SAME: mlora.shared_bytes = 148480 : i64
// CHECK-COUNT-11: nvvm.mbarrier.init
// CHECK-NOT: nvvm.mbarrier.init
// CHECK-COUNT-16: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>{{.*}}<col>
// CHECK-COUNT-16: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 64, k = 16>{{.*}}<row>
// CHECK-NOT: {{wgmma.mma_async|alloca|atomic}}
// CHECK-LABEL: gpu.func @query_grad_128(
// CHECK-SAME: mlora.schedule = "attention.wgmma query_grad width 128 tile 128x64 stages 3 warps 12"
// CHECK-SAME: mlora.shared_bytes = 164864 : i64
// CHECK-COUNT-32: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 64, k = 16>{{.*}}<col>
// CHECK-COUNT-8: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>{{.*}}<row>
// CHECK-NOT: {{wgmma.mma_async|alloca|atomic}}

// k q and v do; P do and dS q of the step before. Three warps that copy nothing make the numbers of the queries.
// CHECK-LABEL: gpu.func @key_value_grad_64(
// CHECK-SAME: mlora.grid = ["2 by 1", "rows by 128"]
// CHECK-SAME: mlora.schedule = "attention.wgmma key_value_grad width 64 tile 128x64 stages 3 warps 12"
// CHECK-SAME: mlora.shared_bytes = 118784 : i64
// CHECK-COUNT-13: nvvm.mbarrier.init
// CHECK-NOT: nvvm.mbarrier.init
// CHECK: nvvm.setmaxregister decrease 56
// CHECK-COUNT-4: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK: nvvm.bar.warp.sync
// CHECK: nvvm.mbarrier.arrive
// CHECK: nvvm.setmaxregister increase 224
// CHECK-COUNT-16: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 64, k = 16>{{.*}}<col>
// CHECK-COUNT-16: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 64, k = 16>{{.*}}<row>
// CHECK-NOT: {{wgmma.mma_async|alloca|atomic}}
// 32 queries a step: sums of 64 rows of dk and of dv are 128 registers. P and dS are half of a tile wide.
// CHECK-LABEL: gpu.func @key_value_grad_128(
// CHECK-SAME: mlora.schedule = "attention.wgmma key_value_grad width 128 tile 128x32 stages 3 warps 12"
// CHECK-SAME: mlora.shared_bytes = 150528 : i64
// CHECK: nvvm.setmaxregister decrease 72
// CHECK: nvvm.setmaxregister increase 216
// CHECK-COUNT-32: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 32, k = 16>{{.*}}<col>
// CHECK-COUNT-8: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>{{.*}}<row>
// CHECK-NOT: {{wgmma.mma_async|alloca|atomic}}

// CHECK-LABEL: gpu.func @forward_96(
// CHECK-SAME: mlora.schedule = "attention.mma forward width 96

mlora.kernel @forward_64(%q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x4xf32>
}
mlora.kernel @forward_128(%q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x512xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?xi32>) -> (tensor<?x512xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x512xbf16>, tensor<?x4xf32>
}
mlora.kernel @query_grad_64(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x256xbf16> grid ["4 by 1", "rows by 64"] {
  %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  mlora.yield %dq : tensor<?x256xbf16>
}
mlora.kernel @query_grad_128(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x512xbf16> grid ["4 by 1", "rows by 64"] {
  %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x512xbf16>
  mlora.yield %dq : tensor<?x512xbf16>
}
mlora.kernel @key_value_grad_64(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x128xbf16>, tensor<?x128xbf16>) grid ["2 by 1", "rows by 64"] {
  %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  mlora.yield %dk, %dv : tensor<?x128xbf16>, tensor<?x128xbf16>
}
mlora.kernel @key_value_grad_128(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x256xbf16>) grid ["2 by 1", "rows by 64"] {
  %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  mlora.yield %dk, %dv : tensor<?x256xbf16>, tensor<?x256xbf16>
}

mlora.kernel @forward_96(%q: tensor<?x384xbf16>, %k: tensor<?x192xbf16>, %v: tensor<?x192xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x384xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x384xbf16>, tensor<?x192xbf16>, tensor<?x192xbf16>, tensor<?xi32>) -> (tensor<?x384xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x384xbf16>, tensor<?x4xf32>
}
