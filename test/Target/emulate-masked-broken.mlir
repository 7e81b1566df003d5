// Loads and stores under a mask: lanes that are switched off touch nothing, the others are checked one by one.

// RUN: mlora-opt %s --mlora-emulate=seeds=20 -o /dev/null | FileCheck %s
// CHECK: @m::@tail: 1 block of 32 threads, 20 seeds: passed
// CHECK: @m::@gathered: 1 block of 8 threads, 20 seeds: passed
// CHECK: @m::@packed: 1 block of 4 threads, 20 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=5 -o /dev/null 2>&1

// A lane reads what none has written; nothing orders the writes and the reads.
// RUN: sed 's/true, true, true, false\(.*REA[D]\)/true, true, true, true\1/' %s | %{emulate} | FileCheck %s --check-prefix=TAIL
// TAIL: uninitialised shared memory: @m::@tail, block (0, 0, 0), thread ({{.*}}, llvm.load: reads 4 bytes
// RUN: sed '/BARRIE[R]/d' %s | %{emulate} | FileCheck %s --check-prefix=RACE
// RACE: shared memory race: @m::@tail, block (0, 0, 0), thread ({{.*}}, llvm.{{load|store}}: {{reads|writes}} 4 bytes of shared memory

// One lane far outside.
// RUN: sed 's/0, 1, 2, 3\(.*LOA[D]\)/0, 1, 2, 6000\1/' %s | %{emulate} | FileCheck %s --check-prefix=GATHER
// GATHER: out-of-bounds access: @m::@gathered, block (0, 0, 0), thread ({{.*}}, llvm.load: reads 4 bytes
// RUN: sed 's/3, 2, 1, 0/3, 2, 1, 6000/' %s | %{emulate} | FileCheck %s --check-prefix=SCATTER
// SCATTER: out-of-bounds access: @m::@gathered, block (0, 0, 0), thread ({{.*}}, llvm.store: writes 4 bytes

// A lane too many writes what is the next thread's.
// RUN: sed 's/true, false, true, false/true, true, true, false/' %s | %{emulate} | FileCheck %s --check-prefix=PACKED
// PACKED: global memory race: @m::@packed

gpu.module @m {
llvm.mlir.global internal @s() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<128 x f32>
// Three of four elements of the tile are written, by the thread opposite.
gpu.func @tail(%y: !llvm.ptr<1>) kernel {
%t = nvvm.read.ptx.sreg.tid.x : i32
%c31 = arith.constant 31 : i32
%c4 = arith.constant 4 : i32
%o = arith.subi %c31, %t : i32
%to = arith.muli %o, %c4 : i32
%i = arith.muli %t, %c4 : i32
%s = llvm.mlir.addressof @s : !llvm.ptr<3>
%theirs = llvm.getelementptr %s[%to] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
%mine = llvm.getelementptr %s[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
%one = arith.constant dense<1.0> : vector<4xf32>
%two = arith.constant dense<2.0> : vector<4xf32>
%put = arith.constant dense<[true, true, true, false]> : vector<4xi1> // STORED
%got = arith.constant dense<[true, true, true, false]> : vector<4xi1> // READ
llvm.intr.masked.store %one, %theirs, %put {alignment = 16 : i32} : vector<4xf32>, vector<4xi1> into !llvm.ptr<3>
nvvm.barrier0 // BARRIER
%v = llvm.intr.masked.load %mine, %got, %two {alignment = 16 : i32} : (!llvm.ptr<3>, vector<4xi1>, vector<4xf32>) -> vector<4xf32>
%at = llvm.getelementptr %y[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
llvm.store %v, %at {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
gpu.return
}
gpu.func @gathered(%x: memref<32xf32>, %y: memref<32xf32>) kernel {
%t = gpu.thread_id x
%c4 = arith.constant 4 : index
%i = arith.muli %t, %c4 : index
%all = arith.constant dense<true> : vector<4xi1>
%p = arith.constant dense<0.0> : vector<4xf32>
%even = arith.constant dense<[0, 1, 2, 3]> : vector<4xi32> // LOAD
%back = arith.constant dense<[3, 2, 1, 0]> : vector<4xi32>
%v = vector.gather %x[%i][%even], %all, %p : memref<32xf32>, vector<4xi32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
vector.scatter %y[%i][%back], %all, %v : memref<32xf32>, vector<4xi32>, vector<4xi1>, vector<4xf32>
gpu.return
}
// Every other lane gets the next element in memory.
gpu.func @packed(%x: memref<8xf32>, %y: memref<8xf32>) kernel {
%t = gpu.thread_id x
%c2 = arith.constant 2 : index
%i = arith.muli %t, %c2 : index
%some = arith.constant dense<[true, false, true, false]> : vector<4xi1>
%p = arith.constant dense<0.0> : vector<4xf32>
%v = vector.expandload %x[%i], %some, %p : memref<8xf32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
vector.compressstore %y[%i], %some, %v : memref<8xf32>, vector<4xi1>, vector<4xf32>
gpu.return
}
}
mlora.emulate @m::@tail grid [1] block [32] arguments [{type = tensor<128xf32>, expect = "same"}]
mlora.emulate @m::@gathered grid [1] block [8] arguments [
{type = tensor<32xf32>, init = "iota"}, {type = tensor<32xf32>, expect = dense<[3.,2.,1.,0.,7.,6.,5.,4.,11.,10.,9.,8.,15.,14.,13.,12.,19.,18.,17.,16.,23.,22.,21.,20.,27.,26.,25.,24.,31.,30.,29.,28.]> : tensor<32xf32>}]
mlora.emulate @m::@packed grid [1] block [4] arguments [
{type = tensor<8xf32>, init = "iota"}, {type = tensor<8xf32>, expect = dense<[0.,1.,2.,3.,4.,5.,6.,7.]> : tensor<8xf32>}]
