// RUN: mlora-opt %s --mlora-lower-gemm --cse | FileCheck %s
// RUN: not mlora-opt %s --mlora-lower-gemm='depth=48' 2>&1 | FileCheck %s --check-prefix=DEPTH

// A weight in blocks has a product of its own, beside one of f32, which it calls for more than a few rows.
// CHECK-LABEL: func.func @product(
// CHECK: %[[BLOCKS:.*]] = memref.cast %{{.*}} : memref<32x40xi8> to memref<?x?xi8, strided<[?, 1], offset: ?>>
// CHECK: call @gemm_nt_q4_1(%{{.*}}, %[[BLOCKS]],
// DEPTH: 'mlora.gemm' op of blocks of 32 values with a depth of 48: expected a multiple
func.func @product(%x: memref<8x64xf32>, %w: memref<32x40xi8>, %y: memref<8x32xf32>, %scalars: memref<4xi64>,
                   %scratch: memref<?xi8>, %block: index) {
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  mlora.gemm %x, transposed %w of "Q4_1" into %y alpha %one beta %zero : memref<8x64xf32>, memref<32x40xi8>, memref<8x32xf32>
  return
}

// CHECK-LABEL: func.func private @gemm_nn(

// Scale and minimum are one load, the 16 bytes another; an fma makes values of them, and another adds to the sum.
// CHECK-LABEL: func.func private @gemm_nt_q4_1(
// CHECK: arith.cmpi ule, %{{.*}}, %c8
// CHECK: scf.for
// Four rows side by side: 80 bytes of the four behind them are asked for.
// CHECK-COUNT-2: memref.prefetch %{{.*}}, read, locality<3>, data
// CHECK-NOT: memref.prefetch
// CHECK: %[[PAIR:.*]] = vector.load %{{.*}} : memref<?x?xi8, {{.*}}>, vector<4xi8>
// CHECK: vector.bitcast %[[PAIR]] : vector<4xi8> to vector<2xf16>
// CHECK: %[[BYTES:.*]] = vector.load %{{.*}} : memref<?x?xi8, {{.*}}>, vector<16xi8>
// CHECK: arith.extui %[[BYTES]] : vector<16xi8> to vector<16xi32>
// CHECK: %[[Q:.*]] = arith.sitofp
// CHECK: %[[W:.*]] = vector.fma %{{.*}}, %[[Q]], %{{.*}} : vector<16xf32>
// CHECK: %[[X:.*]] = vector.load %{{.*}} : memref<?x?xf32
// CHECK: vector.fma %[[X]], %[[W]], %{{.*}} : vector<16xf32>
// More rows: 48 rows of the weight are unpacked, 16 of them a block at a time, and lie transposed in a stripe.
// CHECK: %[[STRIPE:.*]] = memref.alloca() {alignment = 64 : i64} : memref<1024x48xf32>
// CHECK: %[[ROWS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<16x32xf32>
// CHECK: vector.store %{{.*}}, %[[ROWS]][%{{.*}}, %c0] : memref<16x32xf32>, vector<16xf32>
// CHECK: vector.store %{{.*}}, %[[ROWS]][%{{.*}}, %c16] : memref<16x32xf32>, vector<16xf32>
// CHECK: vector.transpose %{{.*}}, [1, 0] : vector<16x16xf32> to vector<16x16xf32>
// CHECK-COUNT-16: vector.store %{{.*}}, %[[STRIPE]][%{{.*}}, %{{.*}}] : memref<1024x48xf32>, vector<16xf32>
// CHECK: call @gemm_nn(
