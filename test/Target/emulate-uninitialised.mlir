// Reads of memory that nobody has written: a buffer that is stated to hold nothing, and a thread's own.

// RUN: mlora-opt %s --mlora-emulate=seeds=20 -o /dev/null | FileCheck %s
// CHECK: @m::@summed: 2 blocks of 64 threads, 20 seeds: passed
// CHECK: @m::@reversed: 1 block of 32 threads, 20 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=20 -o /dev/null 2>&1

// y is read before it is written, by a load and by an atomic that adds to it.
// RUN: sed '/Y-FIRS[T]/d' %s | %{emulate} | FileCheck %s --check-prefix=GLOBAL
// GLOBAL: uninitialised global memory: @m::@summed, block ({{.*}}, llvm.load: reads 4 bytes at byte {{[0-9]+}} of argument 1 (512 bytes) that nobody in this launch has written
// RUN: sed 's/^.*Y-FIRS[T]/%%old = llvm.atomicrmw fadd %%at, %%value monotonic : !llvm.ptr<1>, f32/' %s | %{emulate} | FileCheck %s --check-prefix=ATOMIC
// ATOMIC: uninitialised global memory: @m::@summed, block ({{.*}}, llvm.atomicrmw: reads 4 bytes

// One element of the array is written by nobody; an index that is known when the kernel is compiled, and one that is not.
// RUN: sed 's/to %%x32 step %%x1 { .. FIL[L]/to %%x31 step %%x1 {/' %s | %{emulate} | FileCheck %s --check-prefix=LOCAL
// RUN: sed 's/^.*OTHE[R]/%%other = llvm.getelementptr %%local[31] : (!llvm.ptr) -> !llvm.ptr, i32/; /FIL[L]/,/^}/d' %s | %{emulate} | FileCheck %s --check-prefix=LOCAL
// LOCAL: uninitialised local memory: @m::@reversed, block (0, 0, 0), thread ({{.*}}, llvm.load: reads 4 bytes at byte {{124|[0-9]+}} of an allocation of 128, not all of which it has written

gpu.module @m {
gpu.func @summed(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
%block = nvvm.read.ptx.sreg.ctaid.x : i32
%size = nvvm.read.ptx.sreg.ntid.x : i32
%thread = nvvm.read.ptx.sreg.tid.x : i32
%first = arith.muli %block, %size : i32
%i = arith.addi %first, %thread : i32
%from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
%at = llvm.getelementptr %y[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
%value = llvm.load %from : !llvm.ptr<1> -> f32
llvm.store %value, %at : f32, !llvm.ptr<1> // Y-FIRST
%again = llvm.load %at : !llvm.ptr<1> -> f32
%sum = arith.addf %again, %value : f32
llvm.store %sum, %at : f32, !llvm.ptr<1>
gpu.return
}
gpu.func @reversed(%y: !llvm.ptr<1>) kernel {
%x0 = arith.constant 0 : index
%x1 = arith.constant 1 : index
%x31 = arith.constant 31 : index
%x32 = arith.constant 32 : index
%count = llvm.mlir.constant(32 : i32) : i32
%thread = nvvm.read.ptx.sreg.tid.x : i32
%local = llvm.alloca %count x i32 : (i32) -> !llvm.ptr
scf.for %k = %x0 to %x32 step %x1 { // FILL
%ki = arith.index_cast %k : index to i32
%to = llvm.getelementptr %local[%ki] : (!llvm.ptr, i32) -> !llvm.ptr, i32
llvm.store %ki, %to : i32, !llvm.ptr
}
%last = arith.constant 31 : i32
%j = arith.subi %last, %thread : i32
%other = llvm.getelementptr %local[%j] : (!llvm.ptr, i32) -> !llvm.ptr, i32 // OTHER
%value = llvm.load %other : !llvm.ptr -> i32
%at = llvm.getelementptr %y[%thread] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
llvm.store %value, %at : i32, !llvm.ptr<1>
gpu.return
}
}
func.func @doubled(%x: tensor<128xf32>, %y: tensor<128xf32>) -> tensor<128xf32> {
%sum = mlora.add %x, %x : tensor<128xf32>
return %sum : tensor<128xf32>
}
mlora.emulate @m::@summed grid [2] block [64] dynamic_shared 0 arguments [
{type = tensor<128xf32>, init = "random", seed = 1}, {type = tensor<128xf32>, init = "uninitialised", expect = @doubled}]
mlora.emulate @m::@reversed grid [1] block [32] dynamic_shared 0 arguments [
{type = tensor<32xi32>, init = "uninitialised", expect = dense<[31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]> : tensor<32xi32>}]
