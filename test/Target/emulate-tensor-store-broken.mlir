// A tensor store whose source is used again, and what is left of it when one line is missing or wrong.

// RUN: mlora-opt %s --mlora-emulate=seeds=100 -o /dev/null | FileCheck %s
// CHECK: @m::@stored: 1 block of 128 threads, 100 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=20 -o /dev/null 2>&1

// Nobody waits until the source is read; the wait does not cover the copy; another thread waits.
// RUN: sed '/READ-WAIT/d' %s | %{emulate} | FileCheck %s --check-prefix=OVERWRITTEN
// RUN: sed '/COMMIT/d' %s | %{emulate} | FileCheck %s --check-prefix=OVERWRITTEN
// RUN: sed 's/wait_group 0 {read}/wait_group 1 {read}/' %s | %{emulate} | FileCheck %s --check-prefix=OVERWRITTEN
// RUN: sed 's/^nvvm.*READ-WAIT/}\n%%one = arith.constant 1 : i32\n%%other = arith.cmpi eq, %%t, %%one : i32\nscf.if %%other {\nnvvm.cp.async.bulk.wait_group 0 {read}/' %s | %{emulate} | FileCheck %s --check-prefix=OVERWRITTEN
// OVERWRITTEN: source of an asynchronous copy overwritten: @m::@stored, block (0, 0, 0), thread ({{.*}}, llvm.store: writes 4 bytes

// RUN: sed '/wait_group/d; /AGAIN/d' %s | %{emulate} | FileCheck %s --check-prefix=AT-EXIT
// AT-EXIT: asynchronous copy not waited for: @m::@stored, block (0, 0, 0), thread (0, 0, 0), {{.*}}: has exited, and has not waited

// RUN: sed '/FENCE/d' %s | %{emulate} | FileCheck %s --check-prefix=PROXY
// RUN: sed 's/<async.shared>, space = #nvvm.shared_space<cta>/<async.global>/' %s | %{emulate} | FileCheck %s --check-prefix=PROXY
// PROXY: proxy fence missing: @m::@stored

gpu.module @m {
llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
gpu.func @stored(%y: !llvm.ptr<1>, %map: !llvm.ptr) kernel {
%c0 = arith.constant 0 : i32
%c128 = arith.constant 128 : i32
%x0 = arith.constant 0 : index
%x1 = arith.constant 1 : index
%x4 = arith.constant 4 : index
%t = nvvm.read.ptx.sreg.tid.x : i32
%lz = arith.constant 0 : i32
%lt = nvvm.read.ptx.sreg.tid.x : i32
%lead = arith.cmpi eq, %lt, %lz : i32
%tile = llvm.mlir.addressof @dyn : !llvm.ptr<3>
scf.for %k = %x0 to %x4 step %x1 {
%ki = arith.index_cast %k : index to i32
%o = arith.muli %ki, %c128 : i32
%oo = arith.addi %o, %t : i32
%p738 = llvm.getelementptr %tile[%oo] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
llvm.store %oo, %p738 : i32, !llvm.ptr<3>
}
nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>} // FENCE
nvvm.barrier0
scf.if %lead {
nvvm.cp.async.bulk.tensor.global.shared.cta %map, %tile, box[%c0, %c0] : !llvm.ptr, !llvm.ptr<3>
nvvm.cp.async.bulk.commit.group // COMMIT
nvvm.cp.async.bulk.wait_group 0 {read} // READ-WAIT
}
nvvm.barrier0
%p739 = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
llvm.store %t, %p739 : i32, !llvm.ptr<3> // AGAIN
scf.if %lead {
nvvm.cp.async.bulk.wait_group 0
}
gpu.return
}
}
mlora.emulate @m::@stored grid [1] block [128] dynamic_shared 4104 arguments [
{type = tensor<16x32xi32>, expect = "same"}, {tensor_map = 0, box = array<i64: 16, 32>}]
