// Ordinary loads of what others write by atomics: a flag that is released and not acquired, a count. Volatile loads are relaxed atomics.

// RUN: mlora-opt %s --mlora-emulate=seeds=100 -o /dev/null | FileCheck %s
// CHECK: @m::@published: 2 blocks of 32 threads, 100 seeds: passed
// CHECK: @m::@tickets: 4 blocks of 32 threads, 100 seeds: passed
// CHECK: @m::@greatest: 4 blocks of 32 threads, 100 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=4 -o /dev/null 2>&1

// Whichever block runs first.
// RUN: sed 's/ atomic acquire .*ACQUIRE/ : !llvm.ptr<1> -> i32/' %s | %{emulate} | FileCheck %s --check-prefix=FLAG
// RUN: sed -e 's/ atomic acquire .*ACQUIRE/ : !llvm.ptr<1> -> i32/' -e 's/%c0 : i32 .. WRITER/%c1 : i32/' %s | %{emulate} | FileCheck %s --check-prefix=FLAG
// FLAG: global memory race: @m::@published, {{.*}} 4 bytes at byte 0 of argument 1 (4 bytes) that a thread of block number {{[01]}} has {{read|written}}, and nothing orders the two
// RUN: sed 's/load volatile %count/load %count/' %s | %{emulate} | FileCheck %s --check-prefix=COUNT
// COUNT: global memory race: @m::@tickets, {{.*}} 4 bytes at byte 0 of argument 0 (4 bytes) that a thread of block number {{[0-3]}} has {{read|written}}, and nothing orders the two

gpu.module @m {
gpu.func @published(%data: !llvm.ptr<1>, %flag: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
%c0 = arith.constant 0 : i32
%c1 = arith.constant 1 : i32
%c7 = arith.constant 7 : i32
%b = nvvm.read.ptx.sreg.ctaid.x : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %t, %c0 : i32
%writes = arith.cmpi eq, %b, %c0 : i32 // WRITER
scf.if %lead {
scf.if %writes {
llvm.store %c7, %data : i32, !llvm.ptr<1>
llvm.store %c1, %flag atomic release {alignment = 4 : i64} : i32, !llvm.ptr<1>
} else {
%f = llvm.load %flag atomic acquire {alignment = 4 : i64} : !llvm.ptr<1> -> i32 // ACQUIRE
%set = arith.cmpi eq, %f, %c1 : i32
scf.if %set {
%v = llvm.load %data : !llvm.ptr<1> -> i32
llvm.store %v, %y : i32, !llvm.ptr<1>
}
}
}
gpu.return
}

gpu.func @tickets(%count: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
%c0 = arith.constant 0 : i32
%c1 = arith.constant 1 : i32
%b = nvvm.read.ptx.sreg.ctaid.x : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %t, %c0 : i32
scf.if %lead {
%old = llvm.atomicrmw add %count, %c1 monotonic : !llvm.ptr<1>, i32
%n = llvm.load volatile %count : !llvm.ptr<1> -> i32
%p = llvm.getelementptr %y[%b] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %n, %p : i32, !llvm.ptr<1>
}
gpu.return
}

// A loop around a compare-and-swap begins with an ordinary load.
gpu.func @greatest(%y: memref<1xi32>) kernel {
%x0 = arith.constant 0 : index
%b = nvvm.read.ptx.sreg.ctaid.x : i32
%r = memref.generic_atomic_rmw %y[%x0] : memref<1xi32> {
^bb0(%now: i32):
  %most = arith.maxsi %now, %b : i32
  memref.atomic_yield %most : i32
}
gpu.return
}
}
mlora.emulate @m::@published grid [2] block [32] dynamic_shared 0 arguments [
{type = tensor<1xi32>}, {type = tensor<1xi32>}, {type = tensor<1xi32>}]
mlora.emulate @m::@tickets grid [4] block [32] dynamic_shared 0 arguments [
{type = tensor<1xi32>, expect = dense<4> : tensor<1xi32>}, {type = tensor<4xi32>}]
mlora.emulate @m::@greatest grid [4] block [32] dynamic_shared 0 arguments [
{type = tensor<1xi32>, expect = dense<3> : tensor<1xi32>}]
