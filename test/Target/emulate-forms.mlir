// Forms of instructions that kernels from elsewhere use.

// RUN: mlora-opt %s --mlora-emulate=seeds=50 -o /dev/null | FileCheck %s
// CHECK: integers: 7 -1 2.500000 c 0x2a
// CHECK-NOT: integers
// CHECK: @m::@integers: 1 block of 32 threads, 50 seeds: passed
// CHECK: @m::@halves: 1 block of 32 threads, 50 seeds: passed
// CHECK: @m::@doubles: 1 block of 32 threads, 50 seeds: passed
// CHECK: @lowered::@brains: 1 block of 1 thread, 50 seeds: passed
// CHECK: @m::@bulk: 1 block of 64 threads, 50 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=20 -o /dev/null 2>&1

// A bulk copy whose bytes nobody waits for, one with no fence behind the stores that it reads, one of an odd size.
// RUN: sed '/LOADE[D]/d' %s | %{emulate} | FileCheck %s --check-prefix=UNWAITED
// UNWAITED: {{asynchronous copy not waited for|shared memory race}}: @m::@bulk
// RUN: sed '/FENC[E]/d' %s | %{emulate} | FileCheck %s --check-prefix=PROXY
// PROXY: proxy fence missing: @m::@bulk{{.*}}nvvm.cp.async.bulk.global.shared.cta
// RUN: sed 's/constant(256 : i32)/constant(250 : i32)/' %s | %{emulate} | FileCheck %s --check-prefix=SIZE
// SIZE: invalid asynchronous copy: @m::@bulk{{.*}}copies 250 bytes, which is no multiple of 16
// Relaxed, an arrival shows nothing of what came before it.
// RUN: sed 's/%%ready, %%coun[t] :/%%ready, %%count {relaxed = true} :/' %s | %{emulate} | FileCheck %s --check-prefix=RELAXED
// RELAXED: shared memory race: @m::@bulk

gpu.module @m {
llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// A is 16 x 32 of ones, B 32 x 8: column g holds g - 4 everywhere.
gpu.func @integers(%y: !llvm.ptr<1>) kernel {
%lane = nvvm.read.ptx.sreg.tid.x : i32
%c0 = arith.constant 0 : i32
%c2 = arith.constant 2 : i32
%c3 = arith.constant 3 : i32
%c4 = arith.constant 4 : i32
%seven = arith.constant 7 : i32
%minus = arith.constant -1 : i64
%real = arith.constant 2.5 : f32
%letter = arith.constant 99 : i32
%address = arith.constant 42 : i32
%isFirst = arith.cmpi eq, %lane, %c0 : i32
scf.if %isFirst {
gpu.printf "integers: %d %lld %f %c %#x\n", %seven, %minus, %real, %letter, %address : i32, i64, f32, i32, i32
}
%ones = arith.constant 16843009 : i32
%g = arith.shrui %lane, %c2 : i32
%less = arith.subi %g, %c4 : i32
%byte = arith.constant 255 : i32
%one = arith.andi %less, %byte : i32
%four = arith.muli %one, %ones : i32
%ten = arith.constant 10 : i32
%d = nvvm.mma.sync A[%ones, %ones, %ones, %ones] B[%four, %four] C[%ten, %ten, %ten, %ten]
  {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<s8>, multiplicandBPtxType = #nvvm.mma_type<s8>, intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>, shape = #nvvm.shape<m = 16, n = 8, k = 32>}
  : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
%d0 = llvm.extractvalue %d[0] : !llvm.struct<(i32, i32, i32, i32)>
%d3 = llvm.extractvalue %d[3] : !llvm.struct<(i32, i32, i32, i32)>
%t = arith.andi %lane, %c3 : i32
%t2 = arith.muli %t, %c2 : i32
%eight = arith.constant 8 : i32
%row = arith.muli %g, %eight : i32
%at = arith.addi %row, %t2 : i32
%to = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %d0, %to : i32, !llvm.ptr<1>
%next = llvm.getelementptr %to[65] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
llvm.store %d3, %next : i32, !llvm.ptr<1>
gpu.return
}
// Ones times twos, in f16 all the way: 16 times 2, and 1.
gpu.func @halves(%y: !llvm.ptr<1>) kernel {
%lane = nvvm.read.ptx.sreg.tid.x : i32
%one = arith.constant dense<1.0> : vector<2xf16>
%two = arith.constant dense<2.0> : vector<2xf16>
%d = nvvm.mma.sync A[%one, %one, %one, %one] B[%two, %two] C[%one, %one]
  {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>}
  : (vector<2xf16>, vector<2xf16>, vector<2xf16>) -> !llvm.struct<(vector<2xf16>, vector<2xf16>)>
%d0 = llvm.extractvalue %d[0] : !llvm.struct<(vector<2xf16>, vector<2xf16>)>
%d1 = llvm.extractvalue %d[1] : !llvm.struct<(vector<2xf16>, vector<2xf16>)>
%sum = llvm.fadd %d0, %d1 : vector<2xf16>
%to = llvm.getelementptr %y[%lane] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<2xf16>
llvm.store %sum, %to : vector<2xf16>, !llvm.ptr<1>
gpu.return
}
// a[i][k] = i, b[k][j] = j, c = 1.
gpu.func @doubles(%y: !llvm.ptr<1>) kernel {
%lane = nvvm.read.ptx.sreg.tid.x : i32
%c2 = arith.constant 2 : i32
%g = arith.shrui %lane, %c2 : i32
%a = arith.uitofp %g : i32 to f64
%one = arith.constant 1.0 : f64
%d = nvvm.mma.sync A[%a] B[%a] C[%one, %one]
  {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 8, n = 8, k = 4>}
  : (f64, f64, f64) -> !llvm.struct<(f64, f64)>
%d0 = llvm.extractvalue %d[0] : !llvm.struct<(f64, f64)>
%d1 = llvm.extractvalue %d[1] : !llvm.struct<(f64, f64)>
%at = arith.muli %lane, %c2 : i32
%to = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f64
llvm.store %d0, %to : f64, !llvm.ptr<1>
%next = llvm.getelementptr %to[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
llvm.store %d1, %next : f64, !llvm.ptr<1>
gpu.return
}
// 256 bytes in, half of them announced and completed by hand as well; doubled by all; 256 bytes out.
llvm.func @bulk(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
%zero = llvm.mlir.constant(0 : i32) : i32
%one = llvm.mlir.constant(1 : i32) : i32
%count = llvm.mlir.constant(1 : i32) : i32
%all = llvm.mlir.constant(64 : i32) : i32
%bytes = llvm.mlir.constant(256 : i32) : i32
%more = llvm.mlir.constant(384 : i32) : i32
%half = llvm.mlir.constant(128 : i32) : i32
%ticks = llvm.mlir.constant(1000 : i32) : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%tile = llvm.mlir.addressof @dyn : !llvm.ptr<3>
%full = llvm.getelementptr %tile[256] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
%ready = llvm.getelementptr %tile[264] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
%leads = llvm.icmp "eq" %t, %zero : i32
llvm.cond_br %leads, ^init, ^made
^init:
nvvm.mbarrier.init %full, %one : !llvm.ptr<3>, i32
nvvm.mbarrier.init %ready, %all : !llvm.ptr<3>, i32
nvvm.fence.mbarrier.init
llvm.br ^made
^made:
nvvm.barrier0
llvm.cond_br %leads, ^load, ^wait
^load:
nvvm.mbarrier.arrive.expect_tx %full, %more : !llvm.ptr<3>, i32
nvvm.cp.async.bulk.shared.cluster.global %tile, %x, %full, %bytes : !llvm.ptr<3>, !llvm.ptr<1>
nvvm.mbarrier.complete_tx %full, %half : !llvm.ptr<3>, i32
llvm.br ^wait
^wait:
nvvm.mbarrier.try_wait.parity %full, %zero, %ticks : !llvm.ptr<3>, i32, i32 // LOADED
%at = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%value = llvm.load %at : !llvm.ptr<3> -> i32
%twice = llvm.add %value, %value : i32
llvm.store %twice, %at : i32, !llvm.ptr<3>
nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>} // FENCE
%state = nvvm.mbarrier.arrive %ready, %count : !llvm.ptr<3> -> i64
nvvm.mbarrier.try_wait.parity %ready, %zero, %ticks : !llvm.ptr<3>, i32, i32
llvm.cond_br %leads, ^store, ^done
^store:
nvvm.cp.async.bulk.global.shared.cta %y, %tile, %bytes : !llvm.ptr<1>, !llvm.ptr<3>
nvvm.cp.async.bulk.commit.group
nvvm.cp.async.bulk.wait_group 0
llvm.br ^done
^done:
llvm.return
}
}
// Of bf16 what is no plain arithmetic.
gpu.module @lowered {
llvm.func @brains(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
%v = llvm.load %x {alignment = 8 : i64} : !llvm.ptr<1> -> vector<4xbf16>
%abs = llvm.intr.fabs(%v) : (vector<4xbf16>) -> vector<4xbf16>
%most = llvm.intr.vector.reduce.fmaximum(%v) : (vector<4xbf16>) -> bf16
llvm.store %abs, %y {alignment = 8 : i64} : vector<4xbf16>, !llvm.ptr<1>
%last = llvm.getelementptr %y[3] : (!llvm.ptr<1>) -> !llvm.ptr<1>, bf16
llvm.store %most, %last : bf16, !llvm.ptr<1>
llvm.return
}
}
mlora.emulate @m::@integers grid [1] block [32] dynamic_shared 0 arguments [{type = tensor<16x8xi32>, expect = dense<[[-118, 0, -54, 0, 10, 0, 74, 0], [-118, 0, -54, 0, 10, 0, 74, 0], [-118, 0, -54, 0, 10, 0, 74, 0], [-118, 0, -54, 0, 10, 0, 74, 0], [-118, 0, -54, 0, 10, 0, 74, 0], [-118, 0, -54, 0, 10, 0, 74, 0], [-118, 0, -54, 0, 10, 0, 74, 0], [-118, 0, -54, 0, 10, 0, 74, 0],
  [0, -86, 0, -22, 0, 42, 0, 106], [0, -86, 0, -22, 0, 42, 0, 106], [0, -86, 0, -22, 0, 42, 0, 106], [0, -86, 0, -22, 0, 42, 0, 106], [0, -86, 0, -22, 0, 42, 0, 106], [0, -86, 0, -22, 0, 42, 0, 106], [0, -86, 0, -22, 0, 42, 0, 106], [0, -86, 0, -22, 0, 42, 0, 106]]> : tensor<16x8xi32>}]
mlora.emulate @m::@halves grid [1] block [32] dynamic_shared 0 arguments [{type = tensor<64xf16>, expect = dense<66.0> : tensor<64xf16>}]
mlora.emulate @m::@doubles grid [1] block [32] dynamic_shared 0 arguments [{type = tensor<8x8xf64>, expect = dense<[[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 5.0, 9.0, 13.0, 17.0, 21.0, 25.0, 29.0],
  [1.0, 9.0, 17.0, 25.0, 33.0, 41.0, 49.0, 57.0], [1.0, 13.0, 25.0, 37.0, 49.0, 61.0, 73.0, 85.0], [1.0, 17.0, 33.0, 49.0, 65.0, 81.0, 97.0, 113.0],
  [1.0, 21.0, 41.0, 61.0, 81.0, 101.0, 121.0, 141.0], [1.0, 25.0, 49.0, 73.0, 97.0, 121.0, 145.0, 169.0], [1.0, 29.0, 57.0, 85.0, 113.0, 141.0, 169.0, 197.0]]> : tensor<8x8xf64>}]
mlora.emulate @lowered::@brains grid [1] block [1] arguments [
{type = tensor<4xbf16>, init = dense<[-1.0, 2.5, -3.0, -4.0]> : tensor<4xbf16>},
{type = tensor<4xbf16>, expect = dense<[1.0, 2.5, 3.0, 2.5]> : tensor<4xbf16>}]
mlora.emulate @m::@bulk grid [1] block [64] dynamic_shared 272 arguments [
{type = tensor<64xi32>, init = "iota"}, {type = tensor<64xi32>, expect = dense<[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62, 64, 66, 68, 70, 72, 74, 76, 78, 80, 82, 84, 86, 88, 90, 92, 94, 96, 98, 100, 102, 104, 106, 108, 110, 112, 114, 116, 118, 120, 122, 124, 126]> : tensor<64xi32>}]
