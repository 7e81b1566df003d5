// RUN: mlora-opt %s --mlora-lower-kernels | FileCheck %s
// RUN: mlora-opt %s --mlora-to-gpu --mlora-emulate='seeds=20' -o /dev/null | FileCheck %s --check-prefix=EMULATED

// Kernels that one launch runs. Blocks 0 to 5 double a tensor of three layers, two blocks a layer; 6 to 8 place one of each layer; 9 and 10 sum what
// there is once. What lies between slots stays as it is. What is moved is each part's for each layer: 3 · 120 + 3 · 256 + 612 bytes.

// CHECK-LABEL: func.func @joined(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<3x5x3xf32, strided<[16, 3, 1]>>, %[[Y:[a-z0-9]+]]: memref<3x5x3xf32, strided<[16, 3, 1]>>, %[[A:[a-z0-9]+]]: memref<3x4x8xf32>, %[[W:[a-z0-9]+]]: memref<3x12x10xf32>, %[[G:[a-z0-9]+]]: memref<17x8xf32>, %[[P:[a-z0-9]+]]: memref<17xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
// CHECK-SAME:    attributes {mlora.fixed_bytes = 1740 : i64, mlora.grid = ["11 by 1"], mlora.in_place = array<i64: 0, 1, 2, 3, 4, 5>, mlora.joined, mlora.row_bytes = 0 : i64, mlora.scratch_bytes = 0 : i64}
// CHECK:         %[[OWN:.*]] = arith.cmpi ult, %block, %c6
// CHECK-NEXT:    scf.if %[[OWN]] {
// CHECK:           %[[LAYER:.*]] = arith.divui %block, %c2
// CHECK:           %[[OF:.*]] = arith.remui %block, %c2
// CHECK:           memref.subview %[[X]][%[[LAYER]], 0, 0] [1, 5, 3] [1, 1, 1] : memref<3x5x3xf32, strided<[16, 3, 1]>> to memref<5x3xf32, strided<[3, 1], offset: ?>>
// CHECK:           memref.subview %[[Y]][%[[LAYER]], 0, 0] [1, 5, 3]
// CHECK:           arith.muli %[[OF]], %c4
// CHECK:           linalg.generic
// CHECK:         }
// CHECK:         %[[REST:.*]] = arith.subi %block, %c6
// CHECK:         %[[OWN:.*]] = arith.cmpi ult, %[[REST]], %c3
// CHECK-NEXT:    scf.if %[[OWN]] {
// A buffer that is read and written is looked at once.
// CHECK-COUNT-1:   memref.subview %[[W]]
// CHECK-NOT:       memref.subview %[[W]]
// CHECK:         }
// CHECK:         %[[REST:.*]] = arith.subi %block, %c9
// CHECK:         %[[OWN:.*]] = arith.cmpi ult, %[[REST]], %c2
// CHECK-NEXT:    scf.if %[[OWN]] {
// CHECK-NOT:       memref.subview %{{.*}} to memref<17x8xf32, strided<[8, 1], offset: ?>>
// CHECK:         return
mlora.joined_kernel @joined(%x: memref<3x5x3xf32, strided<[16, 3, 1]>>, %y: memref<3x5x3xf32, strided<[16, 3, 1]>>,
                            %a: memref<3x4x8xf32>, %w: memref<3x12x10xf32>, %g: memref<17x8xf32>, %p: memref<17xf32>) {
  mlora.part @double(%x, %y) layers 3 : memref<3x5x3xf32, strided<[16, 3, 1]>>, memref<3x5x3xf32, strided<[16, 3, 1]>>
  mlora.part @place(%a, %w, %w) layers 3 : memref<3x4x8xf32>, memref<3x12x10xf32>, memref<3x12x10xf32>
  mlora.part @sums(%g, %p) : memref<17x8xf32>, memref<17xf32>
  mlora.kernel @double(%x: tensor<5x3xf32>) -> tensor<5x3xf32> grid ["5 by 4"] {
    %y = mlora.add %x, %x : tensor<5x3xf32>
    mlora.yield %y : tensor<5x3xf32>
  }
  mlora.kernel @place(%a: tensor<4x8xf32>, %w: tensor<12x10xf32>) -> tensor<12x10xf32> grid ["4 by 4"] {
    %w1 = mlora.place %a in %w at [6, 1] : (tensor<4x8xf32>, tensor<12x10xf32>) -> tensor<12x10xf32>
    mlora.yield %w1 : tensor<12x10xf32>
  }
  mlora.kernel @sums(%g: tensor<17x8xf32>) -> tensor<17xf32> grid ["17 by 16"] {
    %p = mlora.square_sum %g : (tensor<17x8xf32>) -> tensor<17xf32>
    mlora.yield %p : tensor<17xf32>
  }
}

func.func @doubled(%x: tensor<3x16xf32>, %y: tensor<3x16xf32>, %a: tensor<12x8xf32>, %w: tensor<36x10xf32>, %g: tensor<17x8xf32>,
                   %p: tensor<17xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<3x16xf32> {
  %x0 = mlora.window %x at [0, 0] : (tensor<3x16xf32>) -> tensor<3x15xf32>
  %sum = mlora.add %x0, %x0 : tensor<3x15xf32>
  %y1 = mlora.place %sum in %y at [0, 0] : (tensor<3x15xf32>, tensor<3x16xf32>) -> tensor<3x16xf32>
  return %y1 : tensor<3x16xf32>
}
func.func @placed(%x: tensor<3x16xf32>, %y: tensor<3x16xf32>, %a: tensor<12x8xf32>, %w: tensor<36x10xf32>, %g: tensor<17x8xf32>,
                  %p: tensor<17xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<36x10xf32> {
  %a0 = mlora.window %a at [0, 0] : (tensor<12x8xf32>) -> tensor<4x8xf32>
  %a1 = mlora.window %a at [4, 0] : (tensor<12x8xf32>) -> tensor<4x8xf32>
  %a2 = mlora.window %a at [8, 0] : (tensor<12x8xf32>) -> tensor<4x8xf32>
  %w0 = mlora.place %a0 in %w at [6, 1] : (tensor<4x8xf32>, tensor<36x10xf32>) -> tensor<36x10xf32>
  %w1 = mlora.place %a1 in %w0 at [18, 1] : (tensor<4x8xf32>, tensor<36x10xf32>) -> tensor<36x10xf32>
  %w2 = mlora.place %a2 in %w1 at [30, 1] : (tensor<4x8xf32>, tensor<36x10xf32>) -> tensor<36x10xf32>
  return %w2 : tensor<36x10xf32>
}
func.func @summed(%x: tensor<3x16xf32>, %y: tensor<3x16xf32>, %a: tensor<12x8xf32>, %w: tensor<36x10xf32>, %g: tensor<17x8xf32>,
                  %p: tensor<17xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<17xf32> {
  %p1 = mlora.square_sum %g : (tensor<17x8xf32>) -> tensor<17xf32>
  return %p1 : tensor<17xf32>
}
// EMULATED: @kernels::@joined: 11 blocks of 128 threads, 20 seeds: passed
mlora.emulate @kernels::@joined grid [11] block [128] arguments [
  {type = tensor<3x16xf32>, init = "random", seed = 1},
  {type = tensor<3x16xf32>, init = dense<7.0> : tensor<3x16xf32>, expect = @doubled},
  {type = tensor<12x8xf32>, init = "random", seed = 2},
  {type = tensor<36x10xf32>, init = "random", seed = 3, expect = @placed},
  {type = tensor<17x8xf32>, init = "random", seed = 4},
  {type = tensor<17xf32>, expect = @summed},
  {init = dense<0> : tensor<4xi64>},
  {type = tensor<1xi8>}]
