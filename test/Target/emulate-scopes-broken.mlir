// Atomics that only read, sums by the block that comes last, and what is left of them when a fence is missing or covers too little.

// RUN: mlora-opt %s --mlora-emulate=seeds=100 -o /dev/null | FileCheck %s
// CHECK: @m::@looked: 1 block of 64 threads, 100 seeds: passed
// CHECK: @m::@summed: 4 blocks of 64 threads, 100 seeds: passed
// CHECK: @m::@whole: 4 blocks of 64 threads, 100 seeds: passed
// CHECK: @m::@part_of_block: 4 blocks of 256 threads, 100 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=20 -o /dev/null 2>&1

// One thread writes while others read.
// RUN: sed 's/^.*LOOK[S]/%%v = llvm.atomicrmw add %%b, %%c0 monotonic : !llvm.ptr<3>, i32/' %s | %{emulate} | FileCheck %s --check-prefix=UPDATED
// UPDATED: shared memory race: @m::@looked

// No fence, or one of the block alone, on either side; a counter of the block alone.
// RUN: sed '/RELEAS[E]/d' %s | %{emulate} | FileCheck %s --check-prefix=SUMMED
// RUN: sed '/ACQUIR[E]/d' %s | %{emulate} | FileCheck %s --check-prefix=SUMMED
// RUN: sed 's/<gpu> .. RELEAS[E]/<cta>/' %s | %{emulate} | FileCheck %s --check-prefix=SUMMED
// RUN: sed 's/<gpu> .. ACQUIR[E]/<cta>/' %s | %{emulate} | FileCheck %s --check-prefix=SUMMED
// SUMMED: global memory race: @m::@summed, block ({{.*}}, llvm.load: reads 4 bytes at byte {{.*}} of argument 0 (16 bytes) that a thread of block number
// RUN: sed 's/%%one monotoni[c]/%%one syncscope("block") monotonic/' %s | %{emulate} | FileCheck %s --check-prefix=COUNTER
// COUNTER: global memory race: @m::@summed, block ({{.*}}, llvm.atomicrmw: updates 4 bytes at byte 0 of argument 1 (4 bytes) that a thread of block number

// The whole block writes and reads. Ordinary loads, behind no fence; a barrier that is missing.
// RUN: sed 's/load volatil[e]/load/' %s | %{emulate} | FileCheck %s --check-prefix=TOLD
// RUN: sed '/WHOLE-FENC[E]/d' %s | %{emulate} | FileCheck %s --check-prefix=TOLD
// RUN: sed '/WRITTE[N]/d' %s | %{emulate} | FileCheck %s --check-prefix=TOLD
// TOLD: global memory race: @m::@whole, block ({{.*}}, llvm.load: reads 4 bytes at byte

// The same of half a block, at a barrier of its own.
// RUN: sed '/PART-FENC[E]/d' %s | %{emulate} | FileCheck %s --check-prefix=PART
// PART: global memory race: @m::@part_of_block, block ({{.*}}, llvm.load: reads 4 bytes at byte

gpu.module @m {
llvm.mlir.global internal @s() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x i32>
gpu.func @looked(%y: !llvm.ptr<1>) kernel {
%c0 = arith.constant 0 : i32
%c1 = arith.constant 1 : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%b = llvm.mlir.addressof @s : !llvm.ptr<3>
%lead = arith.cmpi eq, %t, %c0 : i32
scf.if %lead {
llvm.store %c1, %b : i32, !llvm.ptr<3>
}
nvvm.barrier0
%r = scf.if %lead -> (i32) {
%v = llvm.load %b atomic monotonic {alignment = 4 : i64} : !llvm.ptr<3> -> i32 // LOOKS
scf.yield %v : i32
} else {
%v = llvm.load %b : !llvm.ptr<3> -> i32
scf.yield %v : i32
}
%p = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %r, %p : i32, !llvm.ptr<1>
gpu.return
}
gpu.func @summed(%part: !llvm.ptr<1>, %count: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
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
llvm.mlir.global internal @told() {addr_space = 3 : i32} : i32
gpu.func @whole(%part: !llvm.ptr<1>, %count: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
%zero = arith.constant 0 : i32
%one = arith.constant 1 : i32
%c64 = arith.constant 64 : i32
%x0 = arith.constant 0 : index
%x1 = arith.constant 1 : index
%x4 = arith.constant 4 : index
%last = arith.constant 3 : i32
%b = nvvm.read.ptx.sreg.ctaid.x : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%told = llvm.mlir.addressof @told : !llvm.ptr<3>
%lead = arith.cmpi eq, %t, %zero : i32
%row = arith.muli %b, %c64 : i32
%at = arith.addi %row, %t : i32
%p = llvm.getelementptr %part[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %at, %p : i32, !llvm.ptr<1>
nvvm.memory.barrier <gpu> // WHOLE-FENCE
nvvm.barrier0 // WRITTEN
scf.if %lead {
%k = llvm.atomicrmw uinc_wrap %count, %last monotonic : !llvm.ptr<1>, i32
llvm.store %k, %told : i32, !llvm.ptr<3>
}
nvvm.barrier0 // TOLD
%k = llvm.load %told : !llvm.ptr<3> -> i32
%isLast = arith.cmpi eq, %k, %last : i32
scf.if %isLast {
%sum = scf.for %i = %x0 to %x4 step %x1 iter_args(%a = %zero) -> (i32) {
%ii = arith.index_cast %i : index to i32
%r = arith.muli %ii, %c64 : i32
%j = arith.addi %r, %t : i32
%q = llvm.getelementptr %part[%j] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
%v = llvm.load volatile %q : !llvm.ptr<1> -> i32
%n = arith.addi %a, %v : i32
scf.yield %n : i32
}
%yp = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %sum, %yp : i32, !llvm.ptr<1>
}
gpu.return
}
gpu.func @part_of_block(%part: !llvm.ptr<1>, %count: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
%zero = arith.constant 0 : i32
%one = arith.constant 1 : i32
%c128 = arith.constant 128 : i32
%x0 = arith.constant 0 : index
%x1 = arith.constant 1 : index
%x4 = arith.constant 4 : index
%last = arith.constant 3 : i32
%b = nvvm.read.ptx.sreg.ctaid.x : i32
%t = nvvm.read.ptx.sreg.tid.x : i32
%in = arith.cmpi ult, %t, %c128 : i32
scf.if %in {
%told = llvm.mlir.addressof @told : !llvm.ptr<3>
%lead = arith.cmpi eq, %t, %zero : i32
%row = arith.muli %b, %c128 : i32
%at = arith.addi %row, %t : i32
%p = llvm.getelementptr %part[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %at, %p : i32, !llvm.ptr<1>
nvvm.memory.barrier <gpu> // PART-FENCE
nvvm.barrier id = %one number_of_threads = %c128
scf.if %lead {
%k = llvm.atomicrmw add %count, %one monotonic : !llvm.ptr<1>, i32
nvvm.memory.barrier <gpu>
llvm.store %k, %told : i32, !llvm.ptr<3>
}
nvvm.barrier id = %one number_of_threads = %c128
%k = llvm.load %told : !llvm.ptr<3> -> i32
%isLast = arith.cmpi eq, %k, %last : i32
scf.if %isLast {
%sum = scf.for %i = %x0 to %x4 step %x1 iter_args(%a = %zero) -> (i32) {
%ii = arith.index_cast %i : index to i32
%r = arith.muli %ii, %c128 : i32
%j = arith.addi %r, %t : i32
%q = llvm.getelementptr %part[%j] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
%v = llvm.load %q : !llvm.ptr<1> -> i32
%n = arith.addi %a, %v : i32
scf.yield %n : i32
}
%yp = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %sum, %yp : i32, !llvm.ptr<1>
}
}
gpu.return
}
}
mlora.emulate @m::@looked grid [1] block [64] arguments [{type = tensor<64xi32>, expect = dense<1> : tensor<64xi32>}]
mlora.emulate @m::@summed grid [4] block [64] dynamic_shared 0 arguments [
{type = tensor<4xi32>}, {type = tensor<1xi32>}, {type = tensor<1xi32>, expect = dense<6> : tensor<1xi32>}]
mlora.emulate @m::@whole grid [4] block [64] dynamic_shared 0 arguments [
{type = tensor<256xi32>}, {type = tensor<1xi32>, expect = dense<0> : tensor<1xi32>}, {type = tensor<64xi32>, expect = "same"}]
mlora.emulate @m::@part_of_block grid [4] block [256] dynamic_shared 0 arguments [
{type = tensor<512xi32>}, {type = tensor<1xi32>}, {type = tensor<128xi32>, expect = "same"}]
