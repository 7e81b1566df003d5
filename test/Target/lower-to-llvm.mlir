// RUN: mlora-opt %s --mlora-vectorize --mlora-lower-gemm --mlora-lower-to-llvm | FileCheck %s

// The ABI of docs/architecture.md; only pointers that nobody else has are noalias.
// CHECK-LABEL: llvm.func @kernel(
// CHECK-SAME:    %[[BLOCK:[a-z0-9]+]]: i64, %[[BUFFERS:[a-z0-9]+]]: !llvm.ptr {llvm.noalias, llvm.readonly}
// CHECK-SAME:    !llvm.ptr {llvm.noalias, llvm.readonly}
// CHECK-SAME:    !llvm.ptr {llvm.align = 64 : i64, llvm.noalias}
// CHECK:         llvm.getelementptr %[[BUFFERS]][1]
// CHECK-NEXT:    llvm.load {{.*}} invariant
// CHECK-NOT:     math.exp
// CHECK-NOT:     llvm.intr.exp
// CHECK:         llvm.intr.fma{{.*}} vector<16xf32>
// CHECK:         llvm.call @gemm_nt(
// CHECK:       llvm.func @gemm_nt({{.*}}attributes {sym_visibility = "private"}
// CHECK-NOT:     unrealized_conversion_cast
func.func @kernel(%x: memref<?x32xf32>, %y: memref<?x32xf32>, %scalars: memref<4xi64>,
                  %scratch: memref<?xi8>, %block: index) attributes {mlora.scratch_bytes = 4096 : i64} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %v = memref.subview %x[%block, 0] [1, 32] [1, 1] : memref<?x32xf32> to memref<1x32xf32, strided<[32, 1], offset: ?>>
  %w = memref.subview %y[%block, 0] [1, 32] [1, 1] : memref<?x32xf32> to memref<1x32xf32, strided<[32, 1], offset: ?>>
  %m = memref.view %scratch[%c0][] : memref<?xi8> to memref<32x32xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%v : memref<1x32xf32, strided<[32, 1], offset: ?>>) {
  ^bb0(%a: f32):
    %e = math.exp %a : f32
    linalg.yield %e : f32
  }
  mlora.gemm %v, transposed %m into %w alpha %one beta %one
    : memref<1x32xf32, strided<[32, 1], offset: ?>>, memref<32x32xf32>, memref<1x32xf32, strided<[32, 1], offset: ?>>
  return
}
