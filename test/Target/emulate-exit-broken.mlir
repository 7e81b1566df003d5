// A kernel that ends while a copy is under way, and loops that wait in vain.

// RUN: mlora-opt %s --mlora-emulate=seeds=100 -o /dev/null | FileCheck %s
// CHECK: @m::@copied: 1 block of 32 threads, 100 seeds: passed
// CHECK: @m::@told: 1 block of 64 threads, 100 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=5 -o /dev/null 2>&1

// RUN: sed '/WAI[T]/d; /US[E]/d' %s | %{emulate} | FileCheck %s --check-prefix=COPY
// RUN: sed '/WAI[T]/d; /US[E]/d; /COMMI[T]/d' %s | %{emulate} | FileCheck %s --check-prefix=COPY
// COPY: asynchronous copy not waited for: @m::@copied, block (0, 0, 0), thread ({{.*}}, nvvm.cp.async.shared.global: has exited, and has not waited (cp.async.wait_group)

// Nobody sets the flag. Of atomic loads, of plain ones, which passes may delete with their loop or read once, and of a loop
// that counts its turns and looks at them no more.
// RUN: sed '/SE[T]/d' %s | %{emulate} | FileCheck %s --check-prefix=SPIN
// RUN: sed '/SE[T]/d; s/ atomic acquire {alignment = 4 : i64} / /' %s | %{emulate} | FileCheck %s --check-prefix=SPIN
// RUN: sed '/SE[T]/d; s/^.*TURN[S]/%%more = arith.addi %%turns, %%one : i32/; s/ atomic acquire {alignment = 4 : i64} / /' %s | %{emulate} | FileCheck %s --check-prefix=SPIN
// SPIN: deadlock: @m::@told, block (0, 0, 0), thread ({{.*}}: no thread can go on: thread ({{.*}} spins


gpu.module @m {
llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<512 x i8>
gpu.func @copied(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
%lane = nvvm.read.ptx.sreg.tid.x : i32
%four = arith.constant 4 : i32
%i = arith.muli %lane, %four : i32
%tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
%to = llvm.getelementptr %tile[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
%from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
nvvm.cp.async.shared.global %to, %from, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
nvvm.cp.async.commit.group // COMMIT
nvvm.cp.async.wait.group 0 // WAIT
%value = llvm.load %to : !llvm.ptr<3> -> vector<4xf32> // USE
%at = llvm.getelementptr %y[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
llvm.store %value, %at : vector<4xf32>, !llvm.ptr<1> // USE
gpu.return
}
gpu.func @told(%flag: !llvm.ptr<1>) kernel {
%thread = nvvm.read.ptx.sreg.tid.x : i32
%zero = arith.constant 0 : i32
%one = arith.constant 1 : i32
%isFirst = arith.cmpi eq, %thread, %zero : i32
scf.if %isFirst {
llvm.store %one, %flag atomic release {alignment = 4 : i64} : i32, !llvm.ptr<1> // SET
} else {
%all = scf.while (%turns = %zero) : (i32) -> i32 {
%seen = llvm.load %flag atomic acquire {alignment = 4 : i64} : !llvm.ptr<1> -> i32
%isSet = arith.cmpi eq, %seen, %zero : i32
scf.condition(%isSet) %turns : i32
} do {
^bb0(%turns: i32):
%more = arith.constant 0 : i32 // TURNS
scf.yield %more : i32
}
}
gpu.return
}
}
mlora.emulate @m::@copied grid [1] block [32] dynamic_shared 0 arguments [
{type = tensor<128xf32>, init = "iota"}, {type = tensor<128xf32>}]
mlora.emulate @m::@told grid [1] block [64] dynamic_shared 0 arguments [{type = tensor<1xi32>}]
