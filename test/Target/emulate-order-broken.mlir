// Kernels whose order is right, and what is left of it when one line is missing or wrong.

// RUN: mlora-opt %s --mlora-emulate=seeds=100 -o /dev/null | FileCheck %s
// CHECK: @m::@barrier: 1 block of 64 threads, 100 seeds: passed
// CHECK: @m::@matrices: 1 block of 32 threads, 100 seeds: passed
// CHECK: @m::@registers: 1 block of 384 threads, 100 seeds: passed
// CHECK: @m::@flag: 1 block of 64 threads, 100 seeds: passed
// CHECK: @m::@local: 1 block of 64 threads, 100 seeds: passed
// CHECK: @m::@copies: 1 block of 64 threads, 100 seeds: passed
// CHECK: @m::@try_wait: 1 block of 64 threads, 100 seeds: passed
// CHECK: @m::@partials: 4 blocks of 64 threads, 100 seeds: passed
// CHECK: @m::@counted: 2 blocks of 64 threads, 100 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=20 -o /dev/null 2>&1

// A missing barrier is a race, although what is read has not been written yet in some orders.
// RUN: sed '/BLOCK-BARRIER/d' %s | %{emulate} | FileCheck %s --check-prefix=BARRIER
// BARRIER: shared memory race: @m::@barrier, block (0, 0, 0), thread ({{.*}}, llvm.{{load|store}}:

// ldmatrix is no bar.warp.sync: other lanes get what this one has written.
// RUN: sed '/WARP-SYNC/d' %s | %{emulate} | FileCheck %s --check-prefix=WARP
// WARP: shared memory race: @m::@matrices, {{.*}}, nvvm.ldmatrix:

// Registers that nobody has given up; more given up than there are; one warp of four.
// RUN: sed '/DECREASE/d' %s | %{emulate} | FileCheck %s --check-prefix=REGISTERS
// RUN: sed 's/decrease 40 .. DECREASE/decrease 152/' %s | %{emulate} | FileCheck %s --check-prefix=REGISTERS
// REGISTERS: deadlock: @m::@registers, {{.*}}, nvvm.setmaxregister: {{.*}} waits for 232 registers a thread, of which the block's warps have {{[0-9]+}} of 65536
// RUN: sed 's/^nvvm.setmaxregister decrease 40 .. DECREASE/nvvm.setmaxregister decrease 40\nnvvm.setmaxregister decrease 80/' %s | %{emulate} | FileCheck %s --check-prefix=RAISES
// RAISES: invalid setmaxnreg: @m::@registers, {{.*}} decreases the registers of a thread from 40 to 80

// A flag that nobody sets, and one that releases nothing.
// RUN: sed '/FLAG/d' %s | %{emulate} | FileCheck %s --check-prefix=SPINS
// SPINS: deadlock: @m::@flag, block (0, 0, 0), thread (32, 0, 0), llvm.{{load|cond_br|br}}: no thread can go on: {{.*}}spins
// RUN: sed 's/%c1 release/%c1 monotonic/' %s | %{emulate} | FileCheck %s --check-prefix=RELAXED
// RELAXED: shared memory race: @m::@flag

// The address of one of two arrays, chosen at run time.
// RUN: sed 's/%c3 : i32 .. INDEX/%c4 : i32/' %s | %{emulate} | FileCheck %s --check-prefix=LOCAL
// LOCAL: out-of-bounds access: @m::@local, {{.*}}, llvm.load: reads 4 bytes of local memory

// A thread that arrives before its copies are counted.
// RUN: sed -e '/nvvm.cp.async.mbarrier.arrive/d' -e 's/^%%st = nvvm.mbarrier.arrive %bar.*i64$/&\nnvvm.cp.async.mbarrier.arrive %bar : !llvm.ptr<3>/' %s | %{emulate} | FileCheck %s --check-prefix=COPIES
// COPIES: @m::@copies, block (0, 0, 0), thread (

// try_wait that is not asked again.
// RUN: sed '/^%ok = nvvm/,/^scf.condition/ s/^scf.condition(%no)/scf.condition(%never)/; s/^%%tr = arith.constant true/&\n%never = arith.constant false/' %s | %{emulate} | FileCheck %s --check-prefix=TRY-WAIT
// TRY-WAIT: shared memory race: @m::@try_wait

// Global memory: a sum of partials that no fence has released, or none has acquired; a counter that is loaded and stored.
// RUN: sed '/RELEAS[E]/d' %s | %{emulate} | FileCheck %s --check-prefix=PARTIALS
// RUN: sed '/ACQUIR[E]/d' %s | %{emulate} | FileCheck %s --check-prefix=PARTIALS
// PARTIALS: global memory race: @m::@partials, {{.*}}, llvm.load: reads 4 bytes at byte {{.*}} of argument 0 (16 bytes) that a thread of block number
// RUN: sed 's/^%old = .*COUNT/%old = llvm.load %y : !llvm.ptr<1> -> i32\n%new = arith.addi %old, %one : i32\nllvm.store %new, %y : i32, !llvm.ptr<1>/' %s | %{emulate} | FileCheck %s --check-prefix=COUNTED
// COUNTED: global memory race: @m::@counted

gpu.module @m {
llvm.mlir.global internal @s() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<1024 x i32>
llvm.mlir.global internal @s2() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<1024 x i32>
gpu.func @barrier(%y: !llvm.ptr<1>) kernel {
%c63 = arith.constant 63 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%b1 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p1 = llvm.getelementptr %b1[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
llvm.store %t, %p1 : i32, !llvm.ptr<3>
nvvm.barrier0 // BLOCK-BARRIER
%o = arith.subi %c63, %t : i32
%b2 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p2 = llvm.getelementptr %b2[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%v = llvm.load %p2 : !llvm.ptr<3> -> i32
%p3 = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %v, %p3 : i32, !llvm.ptr<1>
gpu.return
}

gpu.func @matrices(%y: !llvm.ptr<1>) kernel {
%c0 = arith.constant 0 : i32
%c1 = arith.constant 1 : i32
%c4 = arith.constant 4 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
// 16x16 b16, rows of 32 bytes, thread = (row, half)
%row = arith.shrui %t, %c1 : i32
%w4 = arith.muli %t, %c4 : i32
%v0 = llvm.mlir.zero : vector<4xi32>
%v = llvm.insertelement %t, %v0[%c0 : i32] : vector<4xi32>
%b373 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p373 = llvm.getelementptr %b373[%w4] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
llvm.store %v, %p373 {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
%m = arith.constant -1 : i32
nvvm.bar.warp.sync %m : i32 // WARP-SYNC
%a = arith.muli %t, %c4 : i32
%b374 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p = llvm.getelementptr %b374[%a] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%r = nvvm.ldmatrix %p {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<row>, num = 4 : i32, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
%e = llvm.extractvalue %r[0] : !llvm.struct<(i32, i32, i32, i32)>
%p375 = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %e, %p375 : i32, !llvm.ptr<1>
gpu.return
}

gpu.func @registers(%y: !llvm.ptr<1>) kernel {
%c5 = arith.constant 5 : i32
%c128 = arith.constant 128 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%p = arith.cmpi ult, %t, %c128 : i32
scf.if %p {
nvvm.setmaxregister decrease 40 // DECREASE
%b819 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p819 = llvm.getelementptr %b819[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
llvm.store %t, %p819 : i32, !llvm.ptr<3>
} else {
nvvm.setmaxregister increase 232
}
nvvm.barrier0
%b820 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p820 = llvm.getelementptr %b820[%c5] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%v = llvm.load %p820 : !llvm.ptr<3> -> i32
%p821 = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %v, %p821 : i32, !llvm.ptr<1>
gpu.return
}

gpu.func @flag(%y: !llvm.ptr<1>) kernel {
%c0 = arith.constant 0 : i32
%c1 = arith.constant 1 : i32
%c7 = arith.constant 7 : i32
%c32 = arith.constant 32 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%lz = arith.constant 0 : i32
%lt = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %lt, %lz : i32
%b845 = llvm.mlir.addressof @s2 : !llvm.ptr<3>
%fp = llvm.getelementptr %b845[%c0] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
scf.if %lead {
%b846 = llvm.mlir.addressof @s2 : !llvm.ptr<3>
%p846 = llvm.getelementptr %b846[%c0] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
llvm.store %c0, %p846 : i32, !llvm.ptr<3>
}
nvvm.barrier0
scf.if %lead {
%b847 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p847 = llvm.getelementptr %b847[%c0] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
llvm.store %c7, %p847 : i32, !llvm.ptr<3>
%o = llvm.atomicrmw xchg %fp, %c1 release : !llvm.ptr<3>, i32 // FLAG
}
%w = arith.cmpi eq, %t, %c32 : i32
scf.if %w {
scf.while : () -> () {
%r = llvm.load %fp atomic acquire {alignment = 4 : i64} : !llvm.ptr<3> -> i32
%no = arith.cmpi eq, %r, %c0 : i32
scf.condition(%no)
} do {
scf.yield
}
%b848 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p848 = llvm.getelementptr %b848[%c0] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%v = llvm.load %p848 : !llvm.ptr<3> -> i32
%p849 = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %v, %p849 : i32, !llvm.ptr<1>
}
gpu.return
}

gpu.func @local(%y: !llvm.ptr<1>) kernel {
%c1 = arith.constant 1 : i32
%c3 = arith.constant 3 : i32
%c4 = arith.constant 4 : i32
%x0 = arith.constant 0 : index
%x1 = arith.constant 1 : index
%x4 = arith.constant 4 : index
%t = nvvm.read.ptx.sreg.tid.x : i32
// two local arrays, one chosen at run time
%a = llvm.alloca %c4 x i32 : (i32) -> !llvm.ptr
%b = llvm.alloca %c4 x i32 : (i32) -> !llvm.ptr
scf.for %k = %x0 to %x4 step %x1 {
%ki = arith.index_cast %k : index to i32
%p = llvm.getelementptr %a[%ki] : (!llvm.ptr, i32) -> !llvm.ptr, i32
llvm.store %ki, %p : i32, !llvm.ptr
%p2 = llvm.getelementptr %b[%ki] : (!llvm.ptr, i32) -> !llvm.ptr, i32
llvm.store %ki, %p2 : i32, !llvm.ptr
}
%od = arith.andi %t, %c1 : i32
%io = arith.cmpi eq, %od, %c1 : i32
%sel = arith.select %io, %a, %b : !llvm.ptr
%i = arith.andi %t, %c3 : i32 // INDEX
%q = llvm.getelementptr %sel[%i] : (!llvm.ptr, i32) -> !llvm.ptr, i32
%v = llvm.load %q : !llvm.ptr -> i32
%iw = arith.andi %i, %c3 : i32
%u = arith.cmpi ult, %i, %c4 : i32
%vv = arith.select %u, %v, %iw : i32
%p211 = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %vv, %p211 : i32, !llvm.ptr<1>
gpu.return
}

gpu.func @copies(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
%c0 = arith.constant 0 : i32
%c63 = arith.constant 63 : i32
%c64 = arith.constant 64 : i32
%c1000 = arith.constant 1000 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%lz = arith.constant 0 : i32
%lt = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %lt, %lz : i32
%b363 = llvm.mlir.addressof @s2 : !llvm.ptr<3>
%bar = llvm.getelementptr %b363[%c0] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
scf.if %lead {
nvvm.mbarrier.init %bar, %c64 : !llvm.ptr<3>, i32
}
nvvm.barrier0
%b364 = llvm.mlir.addressof @s : !llvm.ptr<3>
%d = llvm.getelementptr %b364[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%g = llvm.getelementptr %x[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
nvvm.cp.async.shared.global %d, %g, 4, cache = ca : !llvm.ptr<3>, !llvm.ptr<1>
nvvm.cp.async.mbarrier.arrive %bar : !llvm.ptr<3>
%st = nvvm.mbarrier.arrive %bar : !llvm.ptr<3> -> i64
nvvm.mbarrier.try_wait.parity %bar, %c0, %c1000 : !llvm.ptr<3>, i32, i32
%o = arith.subi %c63, %t : i32
%b366 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p366 = llvm.getelementptr %b366[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%v = llvm.load %p366 : !llvm.ptr<3> -> i32
%p367 = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %v, %p367 : i32, !llvm.ptr<1>
gpu.return
}

gpu.func @try_wait(%y: !llvm.ptr<1>) kernel {
%c0 = arith.constant 0 : i32
%c32 = arith.constant 32 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%lane = nvvm.read.ptx.sreg.laneid : i32
%lz = arith.constant 0 : i32
%lt = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %lt, %lz : i32
%b437 = llvm.mlir.addressof @s2 : !llvm.ptr<3>
%bar = llvm.getelementptr %b437[%c0] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
scf.if %lead {
nvvm.mbarrier.init %bar, %c32 : !llvm.ptr<3>, i32
}
nvvm.barrier0
%p = arith.cmpi ult, %t, %c32 : i32
scf.if %p {
%b438 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p438 = llvm.getelementptr %b438[%lane] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
llvm.store %t, %p438 : i32, !llvm.ptr<3>
%st = nvvm.mbarrier.arrive %bar : !llvm.ptr<3> -> i64
} else {
scf.while : () -> () {
%ok = nvvm.mbarrier.try_wait %bar, %c0 : !llvm.ptr<3>, i32 -> i1
%tr = arith.constant true
%no = arith.xori %ok, %tr : i1
scf.condition(%no)
} do {
scf.yield
}
%b439 = llvm.mlir.addressof @s : !llvm.ptr<3>
%p439 = llvm.getelementptr %b439[%lane] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
%v = llvm.load %p439 : !llvm.ptr<3> -> i32
%p440 = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %v, %p440 : i32, !llvm.ptr<1>
}
gpu.return
}

gpu.func @partials(%part: !llvm.ptr<1>, %count: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
%zero = arith.constant 0 : i32
%one = arith.constant 1 : i32
%x0 = arith.constant 0 : index
%x1 = arith.constant 1 : index
%x4 = arith.constant 4 : index
%last = arith.constant 3 : i32
%b = nvvm.read.ptx.sreg.ctaid.x : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %t, %zero : i32
scf.if %lead {
%p = llvm.getelementptr %part[%b] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %b, %p : i32, !llvm.ptr<1>
nvvm.memory.barrier <gpu> // RELEASE
%k = llvm.atomicrmw add %count, %one monotonic : !llvm.ptr<1>, i32
nvvm.memory.barrier <gpu> // ACQUIRE
%isLast = arith.cmpi eq, %k, %last : i32
scf.if %isLast {
%sum = scf.for %i = %x0 to %x4 step %x1 iter_args(%a = %zero) -> (i32) {
%ii = arith.index_cast %i : index to i32
%q = llvm.getelementptr %part[%ii] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
%v = llvm.load %q : !llvm.ptr<1> -> i32
%n = arith.addi %a, %v : i32
scf.yield %n : i32
}
llvm.store %sum, %y : i32, !llvm.ptr<1>
}
}
gpu.return
}
gpu.func @counted(%y: !llvm.ptr<1>) kernel {
%one = arith.constant 1 : i32
%old = llvm.atomicrmw add %y, %one monotonic : !llvm.ptr<1>, i32 // COUNT
gpu.return
}
}
mlora.emulate @m::@barrier grid [1] block [64] dynamic_shared 0 arguments [
{type = tensor<64xi32>, expect = "same"}]

mlora.emulate @m::@matrices grid [1] block [32] dynamic_shared 0 arguments [
{type = tensor<32xi32>, expect = "same"}]

mlora.emulate @m::@registers grid [1] block [384] dynamic_shared 0 arguments [
{type = tensor<384xi32>, expect = "same"}]

mlora.emulate @m::@flag grid [1] block [64] dynamic_shared 0 arguments [
{type = tensor<64xi32>, expect = "same"}]

mlora.emulate @m::@local grid [1] block [64] dynamic_shared 0 arguments [
{type = tensor<64xi32>, expect = "same"}]

mlora.emulate @m::@copies grid [1] block [64] dynamic_shared 0 arguments [
{type = tensor<64xi32>, init = "iota"}, {type = tensor<64xi32>, expect = "same"}]

mlora.emulate @m::@try_wait grid [1] block [64] dynamic_shared 0 arguments [
{type = tensor<64xi32>, expect = "same"}]

mlora.emulate @m::@partials grid [4] block [64] dynamic_shared 0 arguments [
{type = tensor<4xi32>}, {type = tensor<1xi32>}, {type = tensor<1xi32>, expect = dense<6> : tensor<1xi32>}]
mlora.emulate @m::@counted grid [2] block [64] dynamic_shared 0 arguments [{type = tensor<1xi32>, expect = dense<128> : tensor<1xi32>}]
