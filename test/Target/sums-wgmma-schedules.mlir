// RUN: mlora-opt %s --mlora-sums-to-gpu=chip=sm_90a | FileCheck %s
// The module may name the chip, too; what the pass is told comes first.
// RUN: echo 'module attributes {mlora.chip = "sm_90a"} {' > %t && cat %s >> %t && echo '}' >> %t
// RUN: mlora-opt %t --mlora-sums-to-gpu | FileCheck %s
// RUN: mlora-opt %t --mlora-sums-to-gpu=chip=sm_90 | FileCheck %s --check-prefix=OTHER

// What the kernel of a layer's sums over tokens is made of, at 8B shapes: q, k, v share x, whose 288 columns of u are two parts.

// OTHER-NOT: {{wgmma|mbarrier|tensor_maps}}

// What stays for the general schedules: f32, rows that are no multiple of 16 bytes apart, other ops, rows of two extents.
// CHECK-LABEL: mlora.kernel @f32(
mlora.kernel @f32(%a: tensor<?x16xf32> {mlora.extent = "rows"}, %b: tensor<?x64xf32> {mlora.extent = "rows"}) -> tensor<16x64xf32> grid ["1 by 1"] {
  %y = mlora.token_outer %a, %b : (tensor<?x16xf32>, tensor<?x64xf32>) -> tensor<16x64xf32>
  mlora.yield %y : tensor<16x64xf32>
}
// CHECK-LABEL: mlora.kernel @odd(
mlora.kernel @odd(%a: tensor<?x12xbf16> {mlora.extent = "rows"}, %b: tensor<?x64xbf16> {mlora.extent = "rows"}) -> tensor<12x64xf32> grid ["1 by 1"] {
  %y = mlora.token_outer %a, %b : (tensor<?x12xbf16>, tensor<?x64xbf16>) -> tensor<12x64xf32>
  mlora.yield %y : tensor<12x64xf32>
}
// CHECK-LABEL: mlora.kernel @extents(
mlora.kernel @extents(%a: tensor<?x16xbf16> {mlora.extent = "rows"}, %b: tensor<?x64xbf16> {mlora.extent = "counted_rows"}) -> tensor<16x64xf32> grid ["1 by 1"] {
  %y = mlora.token_outer %a, %b : (tensor<?x16xbf16>, tensor<?x64xbf16>) -> tensor<16x64xf32>
  mlora.yield %y : tensor<16x64xf32>
}

// CHECK-LABEL: gpu.func @layer(
// CHECK-SAME: %scalars: !llvm.ptr<1>, %scratch: !llvm.ptr<1>, %map: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK-SAME: known_block_size = array<i32: 384, 1, 1>
// CHECK-SAME: mlora.grid = ["96 by 1"]
// CHECK-SAME: mlora.schedule = "sums.wgmma 128x192x64x4, 128x128x64x4"
// CHECK-SAME: mlora.shared_bytes = 164864 : i64
// A map for each buffer, not for each operand.
// CHECK-SAME: mlora.tensor_maps = [{argument = 7 : i64, box = array<i64: 64, 64>, buffer = 0 : i64, columns = 8480 : i64, rows = "rows", swizzle = 128 : i64},
// CHECK-SAME: {argument = 8 : i64, box = array<i64: 64, 64>, buffer = 1 : i64, columns = 4384 : i64,
// CHECK-SAME: {argument = 9 : i64, box = array<i64: 64, 64>, buffer = 2 : i64, columns = 4096 : i64,
// CHECK-NOT: {{alloca|atomic|cp.async.shared|mma.sync|ldmatrix}}
// full and empty of four stages
// CHECK-COUNT-8: nvvm.mbarrier.init
// CHECK-NOT: nvvm.mbarrier.init
// CHECK: nvvm.setmaxregister decrease 40
// Each sum's copies: two boxes of the wide operand, three or two of the narrow one.
// CHECK: scf.for
// CHECK-COUNT-5: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK: scf.for
// CHECK-COUNT-4: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK-NOT: nvvm.cp.async.bulk.tensor
// CHECK: nvvm.setmaxregister increase 232
// Those with equal tiles share their products: of both operands columns are contiguous, and nothing is turned.
// CHECK: scf.for
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK: nvvm.wgmma.fence.aligned
// CHECK-COUNT-4: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 192, k = 16>{{.*}}A[<bf16>, <one>, <col>], B[<bf16>, <one>, <row>]
// CHECK: nvvm.wgmma.commit.group.sync.aligned
// CHECK: nvvm.wgmma.wait.group.sync.aligned 0
// CHECK: nvvm.mbarrier.arrive
// CHECK: scf.for
// CHECK-COUNT-4: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>
// CHECK-NOT: nvvm.wgmma.mma_async
// CHECK: gpu.return
mlora.kernel @layer(%dqkvu: tensor<?x8480xbf16> {mlora.extent = "rows"}, %xm: tensor<?x4384xbf16> {mlora.extent = "rows"},
                    %dh: tensor<?x4096xbf16> {mlora.extent = "rows"}) -> (tensor<288x4096xf32>, tensor<4096x96xf32>)
    grid ["96 by 1"] {
  %u = mlora.window %dqkvu at [0, 6144] : (tensor<?x8480xbf16>) -> tensor<?x288xbf16>
  %x = mlora.window %xm at [0, 0] : (tensor<?x4384xbf16>) -> tensor<?x4096xbf16>
  %m = mlora.window %xm at [0, 4096] : (tensor<?x4384xbf16>) -> tensor<?x288xbf16>
  %da = mlora.token_outer %u, %x : (tensor<?x288xbf16>, tensor<?x4096xbf16>) -> tensor<288x4096xf32>
  %g = mlora.token_outer %dh, %m from 96 : (tensor<?x4096xbf16>, tensor<?x288xbf16>) -> tensor<4096x96xf32>
  mlora.yield %da, %g : tensor<288x4096xf32>, tensor<4096x96xf32>
}
