// RUN: mlora-opt %s --mlora-rows-to-gpu=chip=sm_90a | FileCheck %s
// The module may name the chip, too; what the pass is told comes first.
// RUN: echo 'module attributes {mlora.chip = "sm_90a"} {' > %t && cat %s >> %t && echo '}' >> %t
// RUN: mlora-opt %t --mlora-rows-to-gpu | FileCheck %s
// RUN: mlora-opt %t --mlora-rows-to-gpu=chip=sm_90 | FileCheck %s --check-prefix=OTHER

// What a kernel of rows with products beside them is made of, at 8B shapes, and what stays for the general schedules.

// OTHER-NOT: {{wgmma|mbarrier|tensor_maps}}

// CHECK-LABEL: mlora.kernel @f32(
mlora.kernel @f32(%x: tensor<?x64xf32> {mlora.extent = "rows"}, %a: tensor<16x64xf32>) -> (tensor<?x16xf32> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %m = mlora.linear %x, %a : (tensor<?x64xf32>, tensor<16x64xf32>) -> tensor<?x16xf32>
  mlora.yield %m : tensor<?x16xf32>
}
// Columns of no whole step, rows that are no multiple of 16 bytes apart.
// CHECK-LABEL: mlora.kernel @step(
mlora.kernel @step(%x: tensor<?x72xbf16> {mlora.extent = "rows"}, %a: tensor<16x72xbf16>) -> (tensor<?x16xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %m = mlora.linear %x, %a : (tensor<?x72xbf16>, tensor<16x72xbf16>) -> tensor<?x16xbf16>
  mlora.yield %m : tensor<?x16xbf16>
}
// CHECK-LABEL: mlora.kernel @odd(
mlora.kernel @odd(%xw: tensor<?x68xbf16> {mlora.extent = "rows"}, %a: tensor<16x64xbf16>) -> (tensor<?x16xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %x = mlora.window %xw at [0, 0] : (tensor<?x68xbf16>) -> tensor<?x64xbf16>
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<16x64xbf16>) -> tensor<?x16xbf16>
  mlora.yield %m : tensor<?x16xbf16>
}
// Rows of two extents.
// CHECK-LABEL: mlora.kernel @extents(
mlora.kernel @extents(%x: tensor<?x64xbf16> {mlora.extent = "rows"}, %y: tensor<?x64xbf16> {mlora.extent = "counted_rows"}, %a: tensor<16x64xbf16>)
    -> (tensor<?x16xbf16> {mlora.extent = "rows"}, tensor<?x16xbf16> {mlora.extent = "counted_rows"}) grid ["rows by 32"] {
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<16x64xbf16>) -> tensor<?x16xbf16>
  %n = mlora.linear %y, %a : (tensor<?x64xbf16>, tensor<16x64xbf16>) -> tensor<?x16xbf16>
  mlora.yield %m, %n : tensor<?x16xbf16>, tensor<?x16xbf16>
}
// Ranks of which a warp would have a part, and more sums than a thread has registers for.
// CHECK-LABEL: mlora.kernel @eights(
mlora.kernel @eights(%x: tensor<?x64xbf16> {mlora.extent = "rows"}, %a: tensor<72x64xbf16>) -> (tensor<?x72xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<72x64xbf16>) -> tensor<?x72xbf16>
  mlora.yield %m : tensor<?x72xbf16>
}
// CHECK-LABEL: mlora.kernel @ranks(
mlora.kernel @ranks(%x: tensor<?x64xbf16> {mlora.extent = "rows"}, %a: tensor<592x64xbf16>) -> (tensor<?x592xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<592x64xbf16>) -> tensor<?x592xbf16>
  mlora.yield %m : tensor<?x592xbf16>
}
// A sum of what waits for a sum: a row would be read three times.
// CHECK-LABEL: mlora.kernel @sums(
mlora.kernel @sums(%h: tensor<?x64xbf16> {mlora.extent = "rows"}, %n: tensor<64xbf16>, %a: tensor<16x64xbf16>)
    -> (tensor<?x80xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %y = mlora.rms_norm %h, %n eps 1.0e-05 : (tensor<?x64xbf16>, tensor<64xbf16>) -> tensor<?x64xbf16>
  %x = mlora.rms_norm %y, %n eps 1.0e-05 : (tensor<?x64xbf16>, tensor<64xbf16>) -> tensor<?x64xbf16>
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<16x64xbf16>) -> tensor<?x16xbf16>
  %xm = mlora.join %x, %m : (tensor<?x64xbf16>, tensor<?x16xbf16>) -> tensor<?x80xbf16>
  mlora.yield %xm : tensor<?x80xbf16>
}
// Rows without a product, a norm's weight in f32, another op beside them.
// CHECK-LABEL: mlora.kernel @rows(
mlora.kernel @rows(%h: tensor<?x64xbf16> {mlora.extent = "rows"}, %y: tensor<?x64xbf16> {mlora.extent = "rows"}) -> (tensor<?x64xbf16> {mlora.extent = "rows"}) grid ["rows by 4"] {
  %s = mlora.add %h, %y : tensor<?x64xbf16>
  mlora.yield %s : tensor<?x64xbf16>
}
// CHECK-LABEL: mlora.kernel @weight(
mlora.kernel @weight(%h: tensor<?x64xbf16> {mlora.extent = "rows"}, %n: tensor<64xf32>, %a: tensor<16x64xbf16>)
    -> (tensor<?x80xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %x = mlora.rms_norm %h, %n eps 1.0e-05 : (tensor<?x64xbf16>, tensor<64xf32>) -> tensor<?x64xbf16>
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<16x64xbf16>) -> tensor<?x16xbf16>
  %xm = mlora.join %x, %m : (tensor<?x64xbf16>, tensor<?x16xbf16>) -> tensor<?x80xbf16>
  mlora.yield %xm : tensor<?x80xbf16>
}
// CHECK-LABEL: mlora.kernel @other(
mlora.kernel @other(%h: tensor<?x64xbf16> {mlora.extent = "rows"}, %rotary: tensor<?x64xf32> {mlora.extent = "rows"}, %a: tensor<16x64xbf16>)
    -> (tensor<?x16xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %x = mlora.rope %h, %rotary heads 1 : (tensor<?x64xbf16>, tensor<?x64xf32>) -> tensor<?x64xbf16>
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<16x64xbf16>) -> tensor<?x16xbf16>
  mlora.yield %m : tensor<?x16xbf16>
}
// An operand that leaves as it is, under another pointer; a place in what is computed here; columns that two values would have.
// CHECK-LABEL: mlora.kernel @argument(
mlora.kernel @argument(%x: tensor<?x64xbf16> {mlora.extent = "rows"}, %a: tensor<16x64xbf16>)
    -> (tensor<?x16xbf16> {mlora.extent = "rows"}, tensor<?x64xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<16x64xbf16>) -> tensor<?x16xbf16>
  mlora.yield %m, %x : tensor<?x16xbf16>, tensor<?x64xbf16>
}
// CHECK-LABEL: mlora.kernel @place(
mlora.kernel @place(%x: tensor<?x64xbf16> {mlora.extent = "rows"}, %a: tensor<16x64xbf16>) -> (tensor<?x64xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<16x64xbf16>) -> tensor<?x16xbf16>
  %s = mlora.add %x, %x : tensor<?x64xbf16>
  %y = mlora.place %m in %s at [0, 16] : (tensor<?x16xbf16>, tensor<?x64xbf16>) -> tensor<?x64xbf16>
  mlora.yield %y : tensor<?x64xbf16>
}
// CHECK-LABEL: mlora.kernel @columns(
mlora.kernel @columns(%x: tensor<?x64xbf16> {mlora.extent = "rows"}, %y: tensor<?x96xbf16> {mlora.extent = "rows"}, %a: tensor<16x64xbf16>)
    -> (tensor<?x96xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<16x64xbf16>) -> tensor<?x16xbf16>
  %1 = mlora.place %x in %y at [0, 0] : (tensor<?x64xbf16>, tensor<?x96xbf16>) -> tensor<?x96xbf16>
  %2 = mlora.place %m in %1 at [0, 56] : (tensor<?x16xbf16>, tensor<?x96xbf16>) -> tensor<?x96xbf16>
  mlora.yield %2 : tensor<?x96xbf16>
}

// CHECK-LABEL: gpu.func @swiglu_grad(
// CHECK-SAME: %scalars: !llvm.ptr<1>, %scratch: !llvm.ptr<1>, %map: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK-SAME: known_block_size = array<i32: 384, 1, 1>
// CHECK-SAME: mlora.grid = ["rows by 32"]
// CHECK-SAME: mlora.schedule = "rows 32, wgmma 32x96x64x6"
// Three tiles of rows and twice 12 KiB of factors a stage; mbarriers before them.
// CHECK-SAME: mlora.shared_bytes = 222208 : i64
// A map for each buffer and box, not for each operand; 96 columns of factors come 32 at a time.
// CHECK-SAME: box = array<i64: 32, 64>, buffer = 0 : i64, columns = 28672 : i64, rows = "rows", swizzle = 128 : i64}
// CHECK-SAME: box = array<i64: 64, 32>, buffer = 2 : i64, columns = 4288 : i64, rows = 28864 : i64, swizzle = 64 : i64}
// CHECK-NOT: {{alloca|atomic|cp.async.shared|mma.sync|ldmatrix|ld.global}}
// CHECK-COUNT-12: nvvm.mbarrier.init
// CHECK: nvvm.fence.mbarrier.init
// CHECK: nvvm.setmaxregister decrease 56
// Three boxes of rows and six of factors.
// CHECK: scf.for
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK: nvvm.mbarrier.arrive.expect_tx
// CHECK-COUNT-9: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK: nvvm.setmaxregister increase 224
// CHECK: scf.for
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK-COUNT-6: llvm.load
// Results where operands were, visible to the async proxy behind a barrier of the warpgroup; both leave.
// CHECK-COUNT-4: llvm.store
// CHECK: nvvm.fence.proxy
// CHECK: nvvm.barrier id = %{{.*}} number_of_threads
// CHECK-COUNT-2: nvvm.cp.async.bulk.tensor.global.shared.cta
// Twice two products of 64 ranks, in four times 16 columns.
// CHECK: nvvm.wgmma.fence.aligned
// CHECK-COUNT-16: nvvm.wgmma.mma_async
// CHECK: nvvm.wgmma.commit.group.sync.aligned
// CHECK: nvvm.wgmma.wait.group.sync.aligned 0
// The stage of the warpgroup's step before is free: its stores have read it.
// CHECK: nvvm.cp.async.bulk.wait_group 1 {read}
// CHECK: nvvm.mbarrier.arrive
// Sums of the second warpgroup, then both.
// CHECK: nvvm.barrier id = %{{.*}} number_of_threads
// CHECK: nvvm.barrier id = %{{.*}} number_of_threads
// CHECK: nvvm.stmatrix
mlora.kernel @swiglu_grad(%gate_up: tensor<?x28672xbf16> {mlora.extent = "rows"}, %dy: tensor<?x14336xbf16> {mlora.extent = "rows"}, %w: tensor<28864x4288xbf16>)
    -> (tensor<?x28864xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %gate = mlora.window %gate_up at [0, 0] : (tensor<?x28672xbf16>) -> tensor<?x14336xbf16>
  %up = mlora.window %gate_up at [0, 14336] : (tensor<?x28672xbf16>) -> tensor<?x14336xbf16>
  %dgate, %dup = mlora.swiglu.grad %dy, %gate, %up : (tensor<?x14336xbf16>, tensor<?x14336xbf16>, tensor<?x14336xbf16>) -> (tensor<?x14336xbf16>, tensor<?x14336xbf16>)
  %bg = mlora.window %w at [0, 4096] : (tensor<28864x4288xbf16>) -> tensor<14336x96xbf16>
  %ug = mlora.linear.input_grad %dgate, %bg : (tensor<?x14336xbf16>, tensor<14336x96xbf16>) -> tensor<?x96xbf16>
  %bu = mlora.window %w at [14336, 4192] : (tensor<28864x4288xbf16>) -> tensor<14336x96xbf16>
  %uu = mlora.linear.input_grad %dup, %bu : (tensor<?x14336xbf16>, tensor<14336x96xbf16>) -> tensor<?x96xbf16>
  %all = mlora.join %dgate, %dup, %ug, %uu : (tensor<?x14336xbf16>, tensor<?x14336xbf16>, tensor<?x96xbf16>, tensor<?x96xbf16>) -> tensor<?x28864xbf16>
  mlora.yield %all : tensor<?x28864xbf16>
}
