// elect.sync picks some lane of the mask, the same for a mask each time: not the first.

// RUN: mlora-opt %s --mlora-emulate=seeds=100 -o /dev/null | FileCheck %s
// CHECK: @m::@told: 1 block of 64 threads, 100 seeds: passed

// What the elected lane writes, lane 0 is assumed to have written.
// RUN: sed 's/^.*ELEC[T]/%%leads = llvm.icmp "eq" %%lane, %%zero : i32/; s/^.*LEADE[R]/%%other = nvvm.elect.sync -> i1\nllvm.cond_br %%other, ^tell, ^join/' %s | not mlora-opt --mlora-emulate=seeds=20 -o /dev/null 2>&1 | FileCheck %s --check-prefix=ASSUMED
// ASSUMED: {{shared memory race|uninitialised shared memory|wrong values}}

gpu.module @m {
llvm.mlir.global internal @place() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<8 x i8>
llvm.func @told(%y: !llvm.ptr<1>) attributes {nvvm.kernel} {
%zero = llvm.mlir.constant(0 : i32) : i32
%thread = nvvm.read.ptx.sreg.tid.x : i32
%lane = nvvm.read.ptx.sreg.laneid : i32
%warp = nvvm.read.ptx.sreg.warpid : i32
%all = llvm.mlir.constant(-1 : i32) : i32
%seven = llvm.mlir.constant(7 : i32) : i32
%places = llvm.mlir.addressof @place : !llvm.ptr<3>
%at = llvm.getelementptr %places[%warp] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%leads = nvvm.elect.sync -> i1 // ELECT
llvm.cond_br %leads, ^tell, ^join // LEADER
^tell:
llvm.store %seven, %at : i32, !llvm.ptr<3>
llvm.br ^join
^join:
llvm.cond_br %leads, ^take, ^done
^take: // the same lane: no barrier is needed
%value = llvm.load %at : !llvm.ptr<3> -> i32
%to = llvm.getelementptr %y[%warp] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %value, %to : i32, !llvm.ptr<1>
llvm.br ^done
^done:
llvm.return
}
}
mlora.emulate @m::@told grid [1] block [64] dynamic_shared 0 arguments [{type = tensor<2xi32>, init = "uninitialised", expect = dense<7> : tensor<2xi32>}]
