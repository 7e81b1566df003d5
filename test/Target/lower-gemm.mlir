// RUN: mlora-opt %s --mlora-lower-gemm='rows=2 panels=2 depth=64' --cse | FileCheck %s

// Products become calls; one function does for all shapes.
// CHECK-LABEL: func.func @products(
// CHECK-NOT: mlora.gemm
// CHECK: %[[X:.*]] = memref.cast %arg0 : memref<8x64xf32> to memref<?x?xf32, strided<[?, 1], offset: ?>>
// CHECK: call @gemm_nt(%[[X]],
// CHECK: call @gemm_nt(
// CHECK: call @gemm_tn(
func.func @products(%x: memref<8x64xf32>, %w: memref<32x64xf32>, %y: memref<8x32xf32>, %g: memref<32x64xf32>, %scalars: memref<4xi64>,
                    %scratch: memref<?xi8>, %block: index) {
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  mlora.gemm %x, transposed %w into %y alpha %one beta %zero : memref<8x64xf32>, memref<32x64xf32>, memref<8x32xf32>
  mlora.gemm %x, transposed %w into %y alpha %one beta %one : memref<8x64xf32>, memref<32x64xf32>, memref<8x32xf32>
  mlora.gemm transposed %y, %x into %g alpha %one beta %one : memref<8x32xf32>, memref<8x64xf32>, memref<32x64xf32>
  return
}

// Few rows: sums along K. Otherwise B is transposed in registers into a stripe, and a tile of two rows and two panels is summed in
// four vectors.
// CHECK-LABEL: func.func private @gemm_nt(
// CHECK: %[[STRIPE:.*]] = memref.alloca() {alignment = 64 : i64} : memref<64x32xf32>
// CHECK: arith.cmpi ule, %{{.*}}, %c4
// CHECK: vector.transpose {{.*}} vector<16x16xf32>
// CHECK: %[[SUMS:.*]]:4 = scf.for %[[L:[^ ]*]] = %c0 to %{{.*}} step %c1 iter_args(
// CHECK-NEXT: %[[B0:.*]] = vector.load %[[STRIPE]][%[[L]], %c0]
// CHECK-NEXT: %[[B1:.*]] = vector.load %[[STRIPE]][%[[L]], %c16]
// CHECK-COUNT-2: memref.prefetch
// CHECK: %[[X0:.*]] = memref.load
// CHECK-NEXT: %[[ALL:.*]] = vector.broadcast %[[X0]] : f32 to vector<16xf32>
// CHECK-NEXT: vector.fma %[[ALL]], %[[B0]]
// CHECK-NEXT: vector.fma %[[ALL]], %[[B1]]

// B's rows are read where they are; a stripe is copied only where it ends in part of a panel.
// CHECK-LABEL: func.func private @gemm_tn(
// CHECK-NOT: vector.transpose
// CHECK: scf.if
// CHECK: vector.maskedload
// CHECK: vector.fma
