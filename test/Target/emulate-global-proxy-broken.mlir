// Ordinary stores to global memory that a tensor copy of the same launch reads: a proxy fence of global memory by who
// stored, then a barrier.

// RUN: mlora-opt %s --mlora-emulate=seeds=100 -o /dev/null | FileCheck %s
// CHECK: @m::@through: 1 block of 128 threads, 100 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=5 -o /dev/null 2>&1

// RUN: sed '/FENCE/d' %s | %{emulate} | FileCheck %s --check-prefix=PROXY
// RUN: sed 's/<async>} .. FENCE/<async.shared>, space = #nvvm.shared_space<cta>}/' %s | %{emulate} | FileCheck %s --check-prefix=PROXY
// PROXY: proxy fence missing: @m::@through, block (0, 0, 0), thread (0, 0, 0), nvvm.cp.async.bulk.tensor.shared.cluster.global: the async proxy reads {{.*}} has written with an ordinary store, with no fence.proxy.async (of global memory)

// The fence is there, and nothing orders the stores before the copy.
// RUN: sed '/STORED/d' %s | %{emulate} | FileCheck %s --check-prefix=RACE
// RACE: global memory race: @m::@through

gpu.module @m {
llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
gpu.func @through(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>, %map: !llvm.ptr) kernel {
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
%at = llvm.getelementptr %x[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %t, %at : i32, !llvm.ptr<1>
nvvm.fence.proxy {kind = #nvvm.proxy_kind<async>} // FENCE
nvvm.barrier0 // STORED
scf.if %lead {
nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
nvvm.cp.async.bulk.tensor.shared.cluster.global %to, %map, %bar, box[%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
}
nvvm.mbarrier.try_wait.parity %bar, %c0, %ticks : !llvm.ptr<3>, i32, i32
%from = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%value = llvm.load %from : !llvm.ptr<3> -> i32
%result = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %value, %result : i32, !llvm.ptr<1>
gpu.return
}
}
mlora.emulate @m::@through grid [1] block [128] dynamic_shared 1032 arguments [
{type = tensor<4x32xi32>, init = "uninitialised"}, {type = tensor<4x32xi32>, expect = "same"}, {tensor_map = 0, box = array<i64: 4, 32>}]
