// RUN: mlora-opt %s --mlora-emulate='seeds=20' -split-input-file -verify-diagnostics -o /dev/null

// Blocks that wait for each other. In the order in which they begin (a ticket) that works, and the first kernel does; the others
// wait for blocks that have not begun, and the emulator runs one after another.

gpu.module @m {
  llvm.func @by_ticket(%ticket: !llvm.ptr<1>, %flags: !llvm.ptr<1>, %sums: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %b = llvm.atomicrmw add %ticket, %one monotonic : !llvm.ptr<1>, i32
    %isFirst = llvm.icmp "eq" %b, %zero : i32
    %before = llvm.sub %b, %one : i32
    llvm.cond_br %isFirst, ^done(%zero : i32), ^wait
  ^wait:
    %theirs = llvm.getelementptr %flags[%before] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %flag = llvm.load %theirs atomic syncscope("device") acquire {alignment = 4 : i64} : !llvm.ptr<1> -> i32
    %isSet = llvm.icmp "ne" %flag, %zero : i32
    llvm.cond_br %isSet, ^add, ^wait
  ^add:
    %from = llvm.getelementptr %sums[%before] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %sum = llvm.load %from : !llvm.ptr<1> -> i32
    llvm.br ^done(%sum : i32)
  ^done(%others: i32):
    %to = llvm.getelementptr %sums[%b] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %all = llvm.add %others, %b : i32
    llvm.store %all, %to : i32, !llvm.ptr<1>
    %mine = llvm.getelementptr %flags[%b] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %one, %mine atomic syncscope("device") release {alignment = 4 : i64} : i32, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@by_ticket grid [6] block [1] arguments [{type = tensor<1xi32>}, {type = tensor<6xi32>},
  {type = tensor<6xi32>, init = "uninitialised", expect = dense<[0, 1, 3, 6, 10, 15]> : tensor<6xi32>}]

// -----

// Block 0 waits for the last one, whichever of the two begins.
gpu.module @m {
  llvm.func @for_each_other(%flags: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %b = nvvm.read.ptx.sreg.ctaid.x : i32
    %mine = llvm.getelementptr %flags[%b] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %one, %mine atomic syncscope("device") release {alignment = 4 : i64} : i32, !llvm.ptr<1>
    %other = llvm.xor %b, %one : i32
    %theirs = llvm.getelementptr %flags[%other] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.br ^wait
  ^wait:
    // expected-error-re @below {{deadlock: @m::@for_each_other, block ({{.*}}the emulator runs the blocks of a grid one after another, and 1 of them have not begun}}
    %flag = llvm.load %theirs atomic syncscope("device") acquire {alignment = 4 : i64} : !llvm.ptr<1> -> i32
    %isSet = llvm.icmp "ne" %flag, %zero : i32
    llvm.cond_br %isSet, ^end, ^wait
  ^end:
    llvm.return
  }
}
mlora.emulate @m::@for_each_other grid [2] block [1] arguments [{type = tensor<2xi32>}]

// -----

// A barrier of the whole grid: one thread of each block counts, the others wait for it.
gpu.module @m {
  gpu.func @grid_barrier(%count: memref<1xi32>) kernel {
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0 : i32
    %one = arith.constant 1 : i32
    %blocks = arith.constant 4 : i32
    %t = gpu.thread_id x
    %leads = arith.cmpi eq, %t, %c0 : index
    scf.if %leads {
      %old = memref.atomic_rmw addi %one, %count[%c0] : (i32, memref<1xi32>) -> i32
      scf.while : () -> () {
        // expected-error-re @below {{deadlock: @m::@grid_barrier, block ({{.*}}, thread (0, 0, 0), {{.*}}the emulator runs the blocks of a grid one after another, and 3 of them have not begun}}
        %now = memref.atomic_rmw addi %zero, %count[%c0] : (i32, memref<1xi32>) -> i32
        %isLess = arith.cmpi slt, %now, %blocks : i32
        scf.condition(%isLess)
      } do {
        scf.yield
      }
    }
    gpu.barrier
    gpu.return
  }
}
mlora.emulate @m::@grid_barrier grid [4] block [64] arguments [{type = tensor<1xi32>}]
