// Tensor copies and cp.async that somebody waits for, and what is said where nobody does.

// RUN: mlora-opt %s --mlora-emulate=seeds=100 -o /dev/null | FileCheck %s
// CHECK: @m::@loaded: 2 blocks of 128 threads, 100 seeds: passed
// CHECK: @m::@invalidated: 1 block of 128 threads, 100 seeds: passed
// CHECK: @m::@arrived: 1 block of 64 threads, 100 seeds: passed
// CHECK: @m::@tiled: 4 blocks of 128 threads, 100 seeds: passed
// CHECK: @m::@readback: 1 block of 128 threads, 100 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=5 -o /dev/null 2>&1

// The block ends, or the mbarrier does, and nobody has waited for the copy.
// RUN: sed '/LOADE[D]/d' %s | %{emulate} | FileCheck %s --check-prefix=LOADED
// LOADED: asynchronous copy not waited for: @m::@loaded, block ({{[01]}}, 0, 0), thread (0, 0, 0), nvvm.cp.async.bulk.tensor.shared.cluster.global: the block has ended, and no thread has waited
// RUN: sed '/VALI[D]/d' %s | %{emulate} | FileCheck %s --check-prefix=INVALIDATED
// INVALIDATED: asynchronous copy not waited for: @m::@invalidated, block (0, 0, 0), thread (0, 0, 0), nvvm.mbarrier.inval: invalidates the mbarrier at 0x{{.*}}, where no thread has waited
// RUN: sed '/ARRIVE[D]/d' %s | %{emulate} | FileCheck %s --check-prefix=ARRIVED
// ARRIVED: asynchronous copy not waited for: @m::@arrived, block (0, 0, 0), thread ({{.*}}, nvvm.cp.async.shared.global: the block has ended, and no thread has waited

// Boxes of two blocks overlap; global memory is read when only the source may be written again, or by who was not told.
// RUN: sed 's/4 : i32 .. ROW[S]/3 : i32/' %s | %{emulate} | FileCheck %s --check-prefix=TILED
// TILED: global memory race: @m::@tiled, block ({{.*}}, nvvm.cp.async.bulk.tensor.global.shared.cta: writes 16 bytes at byte {{.*}} of argument 0 (2048 bytes) that a thread of block number
// RUN: sed 's/0 .. WRITTE[N]/0 {read}/' %s | %{emulate} | FileCheck %s --check-prefix=READBACK
// READBACK: asynchronous copy not waited for: @m::@readback, block (0, 0, 0), thread ({{.*}}, llvm.load: reads 4 bytes at byte {{.*}} of argument 0 (512 bytes)
// RUN: sed '/TOL[D]/d' %s | %{emulate} | FileCheck %s --check-prefix=UNTOLD
// UNTOLD: {{asynchronous copy not waited for|global memory race}}: @m::@readback

gpu.module @m {
llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
gpu.func @loaded(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>, %map: !llvm.ptr) kernel {
%c0 = arith.constant 0 : i32
%c1 = arith.constant 1 : i32
%bytes = arith.constant 512 : i32
%ticks = arith.constant 1000 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %t, %c0 : i32
%tile = llvm.mlir.addressof @dyn : !llvm.ptr<3>
%bar = llvm.getelementptr %tile[1024] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
%to = llvm.addrspacecast %tile : !llvm.ptr<3> to !llvm.ptr<7>
scf.if %lead {
nvvm.mbarrier.init %bar, %c1 : !llvm.ptr<3>, i32
nvvm.fence.mbarrier.init
}
nvvm.barrier0
scf.if %lead {
nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
nvvm.cp.async.bulk.tensor.shared.cluster.global %to, %map, %bar, box[%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
}
nvvm.mbarrier.try_wait.parity %bar, %c0, %ticks : !llvm.ptr<3>, i32, i32 // LOADED
gpu.return
}
gpu.func @invalidated(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>, %map: !llvm.ptr) kernel {
%c0 = arith.constant 0 : i32
%c1 = arith.constant 1 : i32
%bytes = arith.constant 512 : i32
%ticks = arith.constant 1000 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %t, %c0 : i32
%tile = llvm.mlir.addressof @dyn : !llvm.ptr<3>
%bar = llvm.getelementptr %tile[1024] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
%to = llvm.addrspacecast %tile : !llvm.ptr<3> to !llvm.ptr<7>
scf.if %lead {
nvvm.mbarrier.init %bar, %c1 : !llvm.ptr<3>, i32
nvvm.fence.mbarrier.init
nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
nvvm.cp.async.bulk.tensor.shared.cluster.global %to, %map, %bar, box[%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
nvvm.mbarrier.try_wait.parity %bar, %c0, %ticks : !llvm.ptr<3>, i32, i32 // VALID
nvvm.mbarrier.inval %bar : !llvm.ptr<3>
}
gpu.return
}
llvm.mlir.global internal @s() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x i32>
llvm.mlir.global internal @bar() {addr_space = 3 : i32, alignment = 8 : i64} : i64
gpu.func @arrived(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
%c0 = arith.constant 0 : i32
%c63 = arith.constant 63 : i32
%c64 = arith.constant 64 : i32
%ticks = arith.constant 1000 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %t, %c0 : i32
%bar = llvm.mlir.addressof @bar : !llvm.ptr<3>
%s = llvm.mlir.addressof @s : !llvm.ptr<3>
scf.if %lead {
nvvm.mbarrier.init %bar, %c64 : !llvm.ptr<3>, i32
}
nvvm.barrier0
%d = llvm.getelementptr %s[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%g = llvm.getelementptr %x[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
nvvm.cp.async.shared.global %d, %g, 4, cache = ca : !llvm.ptr<3>, !llvm.ptr<1>
nvvm.cp.async.mbarrier.arrive %bar {noinc = true} : !llvm.ptr<3>
nvvm.mbarrier.try_wait.parity %bar, %c0, %ticks : !llvm.ptr<3>, i32, i32 // ARRIVED
%o = arith.subi %c63, %t : i32 // ARRIVED
%q = llvm.getelementptr %s[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32 // ARRIVED
%v = llvm.load %q : !llvm.ptr<3> -> i32 // ARRIVED
%p = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32 // ARRIVED
llvm.store %v, %p : i32, !llvm.ptr<1> // ARRIVED
gpu.return
}
gpu.func @tiled(%y: !llvm.ptr<1>, %map: !llvm.ptr) kernel {
%c0 = arith.constant 0 : i32
%c4 = arith.constant 4 : i32 // ROWS
%seven = arith.constant 7 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%b = nvvm.read.ptx.sreg.ctaid.x : i32
%row = arith.muli %b, %c4 : i32
%lead = arith.cmpi eq, %t, %c0 : i32
%tile = llvm.mlir.addressof @dyn : !llvm.ptr<3>
%p = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
llvm.store %seven, %p : i32, !llvm.ptr<3>
nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
nvvm.barrier0
scf.if %lead {
nvvm.cp.async.bulk.tensor.global.shared.cta %map, %tile, box[%c0, %row] : !llvm.ptr, !llvm.ptr<3>
nvvm.cp.async.bulk.commit.group
nvvm.cp.async.bulk.wait_group 0 {read}
}
gpu.return
}
gpu.func @readback(%y: !llvm.ptr<1>, %z: !llvm.ptr<1>, %map: !llvm.ptr) kernel {
%c0 = arith.constant 0 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %t, %c0 : i32
%tile = llvm.mlir.addressof @dyn : !llvm.ptr<3>
%p = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
llvm.store %t, %p : i32, !llvm.ptr<3>
nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
nvvm.barrier0
scf.if %lead {
nvvm.cp.async.bulk.tensor.global.shared.cta %map, %tile, box[%c0, %c0] : !llvm.ptr, !llvm.ptr<3>
nvvm.cp.async.bulk.commit.group
nvvm.cp.async.bulk.wait_group 0 // WRITTEN
}
nvvm.barrier0 // TOLD
%q = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
%v = llvm.load %q : !llvm.ptr<1> -> i32
%r = llvm.getelementptr %z[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %v, %r : i32, !llvm.ptr<1>
gpu.return
}
}
mlora.emulate @m::@loaded grid [2] block [128] dynamic_shared 1032 arguments [
{type = tensor<4x32xi32>, init = "iota"}, {type = tensor<4x32xi32>}, {tensor_map = 0, box = array<i64: 4, 32>}]
mlora.emulate @m::@invalidated grid [1] block [128] dynamic_shared 1032 arguments [
{type = tensor<4x32xi32>, init = "iota"}, {type = tensor<4x32xi32>}, {tensor_map = 0, box = array<i64: 4, 32>}]
mlora.emulate @m::@arrived grid [1] block [64] dynamic_shared 0 arguments [
{type = tensor<64xi32>, init = "iota"}, {type = tensor<64xi32>, expect = "same"}]
mlora.emulate @m::@tiled grid [4] block [128] dynamic_shared 512 arguments [
{type = tensor<16x32xi32>, expect = "same"}, {tensor_map = 0, box = array<i64: 4, 32>}]
mlora.emulate @m::@readback grid [1] block [128] dynamic_shared 512 arguments [
{type = tensor<4x32xi32>, init = "zeros"}, {type = tensor<128xi32>, expect = "same"}, {tensor_map = 0, box = array<i64: 4, 32>}]
