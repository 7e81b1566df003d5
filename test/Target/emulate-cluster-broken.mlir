// RUN: mlora-opt %s --mlora-emulate='seeds=100' -split-input-file -verify-diagnostics -o /dev/null

// The barrier of a cluster, which is one block: arrivals that release and waits that acquire. The first kernel is right.

gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<64 x i32>
  llvm.func @arrives_and_waits(%y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %last = llvm.mlir.constant(63 : i32) : i32
    %mine = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %t, %mine : i32, !llvm.ptr<3>
    nvvm.cluster.arrive {aligned}
    %other = llvm.sub %last, %t : i32
    %theirs = llvm.getelementptr %tile[%other] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    nvvm.cluster.wait {aligned}
    %x = llvm.load %theirs : !llvm.ptr<3> -> i32
    %to = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %x, %to : i32, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@arrives_and_waits grid [1] block [64] arguments [{type = tensor<64xi32>, init = "uninitialised", expect = "same"}]

// -----

gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<64 x i32>
  llvm.func @relaxed() attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %last = llvm.mlir.constant(63 : i32) : i32
    %mine = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    // expected-note @below {{the other access, a write}}
    llvm.store %t, %mine : i32, !llvm.ptr<3>
    nvvm.cluster.arrive.relaxed {aligned}
    nvvm.cluster.wait {aligned}
    %other = llvm.sub %last, %t : i32
    %theirs = llvm.getelementptr %tile[%other] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    // expected-error @below {{shared memory race: @m::@relaxed, block (0, 0, 0), thread (}}
    %x = llvm.load %theirs : !llvm.ptr<3> -> i32
    llvm.store %x, %mine : i32, !llvm.ptr<3>
    llvm.return
  }
}
mlora.emulate @m::@relaxed grid [1] block [64] arguments []

// -----

gpu.module @m {
  llvm.func @no_arrival() attributes {nvvm.kernel} {
    // expected-error @below {{invalid barrier: @m::@no_arrival, block (0, 0, 0), thread (}}
    nvvm.cluster.wait
    llvm.return
  }
  llvm.func @arrives_twice() attributes {nvvm.kernel} {
    nvvm.cluster.arrive
    // expected-error @below {{arrives at the cluster's barrier again, and has not waited there since it arrived}}
    nvvm.cluster.arrive
    nvvm.cluster.wait
    llvm.return
  }
}
mlora.emulate @m::@no_arrival grid [1] block [64] arguments []
mlora.emulate @m::@arrives_twice grid [1] block [64] arguments []

// -----

gpu.module @m {
  llvm.func @one_warp_waits_elsewhere() attributes {nvvm.kernel} {
    %w = nvvm.read.ptx.sreg.warpid : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %isFirst = llvm.icmp "eq" %w, %zero : i32
    llvm.cond_br %isFirst, ^cluster, ^block
  ^cluster:
    nvvm.cluster.arrive
    nvvm.cluster.wait
    llvm.br ^block
  ^block:
    // expected-error-re @below {{deadlock: {{.*}} waits at the cluster's barrier, where 32 of 64 threads have arrived}}
    nvvm.barrier0
    llvm.return
  }
}
mlora.emulate @m::@one_warp_waits_elsewhere grid [1] block [64] arguments []
