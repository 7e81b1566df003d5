// A product of two halves, and what is left of it when one line is missing or wrong.

// RUN: mlora-opt %s --mlora-emulate=seeds=100 -o /dev/null | FileCheck %s
// CHECK: @m::@products: 1 block of 128 threads, 100 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=20 -o /dev/null 2>&1

// RUN: sed '/LAST-WAIT/d' %s | %{emulate} | FileCheck %s --check-prefix=IN-FLIGHT
// RUN: sed '/LAST-COMMIT/d' %s | %{emulate} | FileCheck %s --check-prefix=IN-FLIGHT
// RUN: sed 's/aligned 0 .. LAST-WAIT/aligned 1/' %s | %{emulate} | FileCheck %s --check-prefix=IN-FLIGHT
// IN-FLIGHT: wgmma result read in flight: @m::@products, block (0, 0, 0), thread ({{.*}} no wgmma.wait_group has come since

// RUN: sed '/FIRST-FENCE/d' %s | %{emulate} | FileCheck %s --check-prefix=NO-FENCE
// NO-FENCE: wgmma fence missing: {{.*}} no wgmma.fence comes before the first wgmma.mma_async
// RUN: sed '/SECOND-FENCE/d' %s | %{emulate} | FileCheck %s --check-prefix=NO-SECOND-FENCE
// NO-SECOND-FENCE: wgmma fence missing: {{.*}} an ordinary instruction that has written the accumulators

// Sums that are only read after their wait, and sums that begin anew with zeros: a fence as well.
// RUN: sed 's/^%%f0 = .*/%%mem = llvm.alloca %%c1 x f32 : (i32) -> !llvm.ptr\nllvm.store volatile %%e3, %%mem : f32, !llvm.ptr/; s/^\(%%d3 = .*\) %%f0,/\1 %%d2,/' %s | mlora-opt --mlora-emulate=seeds=5 -o /dev/null
// RUN: sed 's/^%%f0 = .*/%%mem = llvm.alloca %%c1 x f32 : (i32) -> !llvm.ptr\nllvm.store volatile %%e3, %%mem : f32, !llvm.ptr/; s/^\(%%d3 = .*\) %%f0,/\1 %%d2,/; /SECOND-FENCE/d' %s | %{emulate} | FileCheck %s --check-prefix=READ
// READ: wgmma fence missing: {{.*}} an ordinary instruction that has read the accumulators
// RUN: sed 's/^%%f0 = .*/%%f0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>/' %s | %{emulate} | FileCheck %s --check-prefix=ANEW
// ANEW: wrong values: @m::@products
// RUN: sed 's/^%%f0 = .*/%%f0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>/; /SECOND-FENCE/d' %s | %{emulate} | FileCheck %s --check-prefix=CONSTANT
// CONSTANT: wgmma fence missing: {{.*}} starts from constants, and no wgmma.fence comes between here and the last wgmma.wait_group

// One lane of each warp alone at an aligned instruction.
// RUN: sed 's/^nvvm.*LAST-COMMIT/%el = nvvm.elect.sync -> i1\nscf.if %el {\nnvvm.wgmma.commit.group.sync.aligned\n}/' %s | %{emulate} | FileCheck %s --check-prefix=DIVERGENT
// DIVERGENT: divergent warp collective: {{.*}}, nvvm.wgmma.{{commit|wait}}

// RUN: sed '/INIT-FENCE/d' %s | %{emulate} | FileCheck %s --check-prefix=INIT-FENCE-MISSING
// INIT-FENCE-MISSING: proxy fence missing: {{.*}} the async proxy reports to the mbarrier at {{.*}}, with no fence.mbarrier.init

// The minus sign of an operand counts once.
// RUN: sed '0,/A\[<bf16>, <one>/s//A[<bf16>, <neg>/' %s | %{emulate} | FileCheck %s --check-prefix=NEGATIVE
// NEGATIVE: wrong values: @m::@products, argument 2, element [0, 0] is

// A descriptor that starts between two patterns of the swizzle.
// RUN: sed 's/^%a0 = arith.ori %xs, %form/%odd = arith.constant 32 : i64\n%xo = arith.addi %xs, %odd : i64\n%a0 = arith.ori %xo, %form/' %s | %{emulate} | FileCheck %s --check-prefix=PATTERN
// PATTERN: invalid descriptor: {{.*}} the descriptor of A starts at {{.*}}, in the middle of a pattern of 1024 bytes

gpu.module @m {
llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
gpu.func @products(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %y: !llvm.ptr<1>, %xmap: !llvm.ptr, %wmap: !llvm.ptr) kernel {
%c0 = arith.constant 0 : i32
%c1 = arith.constant 1 : i32
%c2 = arith.constant 2 : i32
%c3 = arith.constant 3 : i32
%c4 = arith.constant 4 : i32
%c1000 = arith.constant 1000 : i32
%c10240 = arith.constant 10240 : i32
%l2 = arith.constant 2 : i64
%l4 = arith.constant 4 : i64
%lane = nvvm.read.ptx.sreg.laneid : i32
%w5c = arith.constant 5 : i32
%tw = nvvm.read.ptx.sreg.tid.x : i32
%warp = arith.shrui %tw, %w5c : i32
%lz = arith.constant 0 : i32
%lt = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %lt, %lz : i32
%tile = llvm.mlir.addressof @dyn : !llvm.ptr<3>
%ws = llvm.getelementptr %tile[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
%bar = llvm.getelementptr %tile[10240] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
%xto = llvm.addrspacecast %tile : !llvm.ptr<3> to !llvm.ptr<7>
%wto = llvm.addrspacecast %ws : !llvm.ptr<3> to !llvm.ptr<7>
scf.if %lead {
nvvm.mbarrier.init %bar, %c1 : !llvm.ptr<3>, i32
nvvm.fence.mbarrier.init // INIT-FENCE
}
nvvm.barrier0
scf.if %lead {
nvvm.mbarrier.arrive.expect_tx %bar, %c10240 : !llvm.ptr<3>, i32
nvvm.cp.async.bulk.tensor.shared.cluster.global %xto, %xmap, %bar, box[%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
nvvm.cp.async.bulk.tensor.shared.cluster.global %wto, %wmap, %bar, box[%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
}
nvvm.mbarrier.try_wait.parity %bar, %c0, %c1000 : !llvm.ptr<3>, i32, i32
%form = arith.constant 4611686293305360384 : i64
%xa = llvm.ptrtoint %tile : !llvm.ptr<3> to i64
%wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
%xs = arith.shrui %xa, %l4 : i64
%wss = arith.shrui %wa, %l4 : i64
%a0 = arith.ori %xs, %form : i64
%b0 = arith.ori %wss, %form : i64
%d0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
nvvm.wgmma.fence.aligned // FIRST-FENCE
%d1 = nvvm.wgmma.mma_async %a0, %b0, %d0, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%a1 = arith.addi %a0, %l2 : i64
%b1 = arith.addi %b0, %l2 : i64
%d2 = nvvm.wgmma.mma_async %a1, %b1, %d1, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
nvvm.wgmma.commit.group.sync.aligned
nvvm.wgmma.wait.group.sync.aligned 0 // FIRST-WAIT
%e0 = llvm.extractvalue %d2[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%ec = arith.constant 0.0 : f32
%e3 = arith.addf %e0, %ec : f32
%f0 = llvm.insertvalue %e3, %d2[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
nvvm.wgmma.fence.aligned // SECOND-FENCE
%a2 = arith.addi %a1, %l2 : i64
%b2 = arith.addi %b1, %l2 : i64
%d3 = nvvm.wgmma.mma_async %a2, %b2, %f0, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%a3 = arith.addi %a2, %l2 : i64
%b3 = arith.addi %b2, %l2 : i64
%d4 = nvvm.wgmma.mma_async %a3, %b3, %d3, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
nvvm.wgmma.commit.group.sync.aligned // LAST-COMMIT
nvvm.wgmma.wait.group.sync.aligned 0 // LAST-WAIT
%w16 = arith.shli %warp, %c4 : i32
%g = arith.shrui %lane, %c2 : i32
%r = arith.addi %w16, %g : i32
%r16 = arith.shli %r, %c4 : i32
%q = arith.andi %lane, %c3 : i32
%q2 = arith.shli %q, %c1 : i32
%at = arith.addi %r16, %q2 : i32
%out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
%v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%o0 = llvm.getelementptr %out[0] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
llvm.store %v0, %o0 : f32, !llvm.ptr<1>
%v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%o1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
llvm.store %v1, %o1 : f32, !llvm.ptr<1>
%v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%o2 = llvm.getelementptr %out[128] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
llvm.store %v2, %o2 : f32, !llvm.ptr<1>
%v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%o3 = llvm.getelementptr %out[129] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
llvm.store %v3, %o3 : f32, !llvm.ptr<1>
%v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%o4 = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
llvm.store %v4, %o4 : f32, !llvm.ptr<1>
%v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%o5 = llvm.getelementptr %out[9] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
llvm.store %v5, %o5 : f32, !llvm.ptr<1>
%v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%o6 = llvm.getelementptr %out[136] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
llvm.store %v6, %o6 : f32, !llvm.ptr<1>
%v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
%o7 = llvm.getelementptr %out[137] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
llvm.store %v7, %o7 : f32, !llvm.ptr<1>
gpu.return
}
}
func.func @product(%x: tensor<64x64xbf16>, %w: tensor<16x64xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x64xbf16>, tensor<16x64xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@products grid [1] block [128] dynamic_shared 10248 arguments [
{type = tensor<64x64xbf16>, init = "random", seed = 1}, {type = tensor<16x64xbf16>, init = "random", seed = 2},
{type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4},
{tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 1, box = array<i64: 16, 64>, swizzle = 128}]
