// RUN: rm -rf %t.ptx && mkdir %t.ptx
// RUN: mlora-opt %s --mlora-blocks-to-threads --canonicalize --cse > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: FileCheck %s --check-prefix=LDMATRIX < %t.mlir
// RUN: mlora-opt %s --mlora-to-gpu --mlora-emit-ptx='path=%t.ptx chip=sm_80' -o /dev/null
// RUN: FileCheck %s --check-prefix=PTX --implicit-check-not=.local --implicit-check-not=__nv_ < %t.ptx/kernels.ptx

// What products of blocks are made of. K is a multiple of the tile's, so that only rows of x are checked.

// m = x Ãᵀ for a group of three: 8 copies of 16 bytes a thread and step (2 of x, 6 of Ã), four steps ahead; one barrier a step and one behind the
// tile; 4 x (1 of x + 3 of Ã) ldmatrix and 4 x 6 mma.
// CHECK-LABEL: gpu.func @skinny(
// CHECK-SAME: mlora.schedule = "rows 32, mma 32x96x64x5", mlora.scratch_bytes = 0 : i64, mlora.shared_bytes = 81920 : i64, nvvm.minctasm = 3 : i32
// CHECK-COUNT-8: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK-COUNT-8: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK-COUNT-8: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK-COUNT-8: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK: scf.for
// CHECK-NEXT: nvvm.cp.async.wait.group 3
// CHECK-NEXT: gpu.barrier
// CHECK-COUNT-8: nvvm.cp.async.shared.global
// CHECK-NOT: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK-COUNT-24: nvvm.mma.sync {{.*}}multiplicandAPtxType = #nvvm.mma_type<bf16>
// CHECK-NOT: nvvm.mma.sync
// CHECK: gpu.barrier
// CHECK-NOT: gpu.barrier
// CHECK: gpu.return
// LDMATRIX-LABEL: gpu.func @skinny(
// LDMATRIX-COUNT-16: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<row>
// LDMATRIX-NOT: nvvm.ldmatrix
// LDMATRIX: gpu.return
// PTX-LABEL: .entry skinny(
// PTX-DAG: cp.async.cg.shared.global [{{.*}}], [{{.*}}], 16, {{%r[0-9]+}};
// PTX-DAG: cp.async.commit_group
// PTX-DAG: cp.async.wait_group 3
// PTX-DAG: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX-DAG: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// PTX-DAG: cvt.rn.bf16x2.f32
func.func @skinny(%x: memref<?x4096xbf16>, %w: memref<96x4096xbf16>, %y: memref<?x96xbf16>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 4096] [1, 1] : memref<?x4096xbf16> to memref<?x4096xbf16, strided<[4096, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 96] [1, 1] : memref<?x96xbf16> to memref<?x96xbf16, strided<[96, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %one beta %zero
    : memref<?x4096xbf16, strided<[4096, 1], offset: ?>>, memref<96x4096xbf16>, memref<?x96xbf16, strided<[96, 1], offset: ?>>
  return
}

// A sum over tokens: K is not contiguous in either operand, and ldmatrix transposes both.
// CHECK-LABEL: gpu.func @outer(
// CHECK-SAME: mlora.schedule = "mma 96x64x64x3"
// CHECK-COUNT-48: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: gpu.return
// LDMATRIX-LABEL: gpu.func @outer(
// LDMATRIX-COUNT-20: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<col>
// LDMATRIX-NOT: nvvm.ldmatrix
// LDMATRIX: gpu.return
// PTX-LABEL: .entry outer(
// PTX-DAG: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// PTX-DAG: st.global.v2
func.func @outer(%x: memref<?x96xbf16>, %w: memref<?x64xbf16>, %y: memref<96x64xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %a = memref.subview %x[0, 0] [%rows, 96] [1, 1] : memref<?x96xbf16> to memref<?x96xbf16, strided<[96, 1]>>
  %b = memref.subview %w[0, 0] [%rows, 64] [1, 1] : memref<?x64xbf16> to memref<?x64xbf16, strided<[64, 1]>>
  mlora.gemm transposed %a, %b into %y alpha %one beta %one
    : memref<?x96xbf16, strided<[96, 1]>>, memref<?x64xbf16, strided<[64, 1]>>, memref<96x64xf32>
  return
}

// f32: 8 by 4 sums a thread, K in fours; the innermost loop stays rolled. What lies in scratch is copied through registers.
// CHECK-LABEL: gpu.func @ffma(
// CHECK-SAME: mlora.schedule = "ffma 32x128x32x2"
// CHECK: memref.store
// CHECK: gpu.barrier
// CHECK: llvm.load {{.*}} !llvm.ptr<3> -> vector<4xf32>
// CHECK: llvm.store {{.*}} vector<4xf32>, !llvm.ptr<3>
// CHECK-COUNT-8: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK: nvvm.cp.async.wait.group 0
// CHECK-NEXT: gpu.barrier
// CHECK: scf.for %{{.*}} = %c0_i32 to %c8_i32
// CHECK-COUNT-32: llvm.intr.fma{{.*}}vector<4xf32>
// CHECK-NOT: llvm.intr.fma
// CHECK: } {llvm.loop_annotation = #
// LDMATRIX-LABEL: gpu.func @ffma(
// PTX-LABEL: .entry ffma(
// PTX-DAG: ld.shared.v4
// PTX-DAG: fma.rn.f32
func.func @ffma(%w: memref<128x64xf32>, %y: memref<32x128xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 8192 : i64} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  %x = memref.view %scratch[%c0][] : memref<?xi8> to memref<32x64xf32>
  memref.store %one, %x[%c0, %c0] : memref<32x64xf32>
  mlora.gemm %x, transposed %w into %y alpha %one beta %zero : memref<32x64xf32>, memref<128x64xf32>, memref<32x128xf32>
  return
}
