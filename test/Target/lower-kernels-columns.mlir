// RUN: mlora-opt %s --mlora-lower-kernels='stripe-columns=16' --canonicalize --cse | FileCheck %s

// Blocks of a linear layer cut into columns: the first dimension of the grid says whose and which, the second the rows.
// CHECK-LABEL: func.func @layers(
// CHECK-SAME: mlora.grid = ["5 by 1", "rows by 32"]
// The first has 40 columns in two blocks of 32, rounded up to stripes; the last block takes the rest.
// CHECK: arith.cmpi ult, %[[TILE:.*]], %c2
// CHECK: scf.if
// CHECK: %[[FROM:.*]] = arith.muli %[[TILE]], %c32
// CHECK: %[[W:.*]] = memref.subview %{{.*}}[%[[FROM]], 0] [%[[SIZE:.*]], 64] [1, 1] : memref<40x64xf32>
// CHECK: %[[Y:.*]] = memref.subview %{{.*}}[0, %[[FROM]]] [%{{.*}}, %[[SIZE]]] [1, 1]
// CHECK: mlora.gemm %{{.*}}, transposed %[[W]] into %[[Y]] alpha
// The second is read as it is stored: rows of bytes.
// CHECK: arith.cmpi ult, %{{.*}}, %c3
// CHECK: %[[BLOCKS:.*]] = memref.subview %{{.*}}[%{{.*}}, 0] [%{{.*}}, 40] [1, 1] : memref<48x40xi8>
// CHECK: mlora.gemm %{{.*}}, transposed %[[BLOCKS]] of "Q4_1" into
mlora.kernel @layers(%x: tensor<?x64xf32>, %w: tensor<40x64xf32>, %blocks: tensor<48x40xi8>) -> (tensor<?x40xf32>, tensor<?x48xf32>)
    grid ["5 by 1", "rows by 32"] attributes {mlora.tiles = array<i64: 2, 3>} {
  %v = mlora.dequantize %blocks of "Q4_1" : (tensor<48x40xi8>) -> tensor<48x64xf32>
  %y = mlora.linear %x, %w : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
  %z = mlora.linear %x, %v : (tensor<?x64xf32>, tensor<48x64xf32>) -> tensor<?x48xf32>
  mlora.yield %y, %z : tensor<?x40xf32>, tensor<?x48xf32>
}

// Rows of an embedding are unpacked where they go.
// CHECK-LABEL: func.func @embedding(
// CHECK: scf.forall
// CHECK: %[[ID:.*]] = arith.index_cast
// CHECK: scf.for
// CHECK: vector.load %{{.*}}[%[[ID]], %{{.*}}] : memref<48x68xi8>, vector<2xi8>
// CHECK: vector.load %{{.*}}[%[[ID]], %{{.*}}] : memref<48x68xi8>, vector<16xi8>
// CHECK: vector.store %{{.*}} : memref<?x64xf32{{.*}}>, vector<16xf32>
mlora.kernel @embedding(%ids: tensor<?xi32>, %blocks: tensor<48x68xi8>) -> tensor<?x64xf32> grid ["rows by 128"] {
  %v = mlora.dequantize %blocks of "Q8_0" : (tensor<48x68xi8>) -> tensor<48x64xf32>
  %y = mlora.embedding %ids, %v : (tensor<?xi32>, tensor<48x64xf32>) -> tensor<?x64xf32>
  mlora.yield %y : tensor<?x64xf32>
}

// Where layers differ in format a block asks the last row of memory which of them its layer has; that layer's rows lie one
// behind another.
// CHECK-LABEL: func.func @mixed(
// CHECK-DAG: %[[FIVE:.*]] = arith.constant 1 : i8
// CHECK-DAG: %[[FOUR:.*]] = arith.constant 0 : i8
// CHECK: %[[NUMBER:.*]] = memref.load %[[MEMORY:.*]][%c48, %c0] : memref<49x68xi8>
// CHECK: %[[IS_FOUR:.*]] = arith.cmpi eq, %[[NUMBER]], %[[FOUR]]
// CHECK: scf.if %[[IS_FOUR]] {
// CHECK:   memref.reinterpret_cast %[[MEMORY]] to offset: [0], sizes: [48, 40], strides: [40, 1] : memref<49x68xi8> to memref<48x40xi8>
// CHECK:   mlora.gemm %{{.*}}, transposed %{{.*}} of "Q4_1" into
// CHECK: } else {
// CHECK:   %[[IS_FIVE:.*]] = arith.cmpi eq, %[[NUMBER]], %[[FIVE]]
// CHECK:   scf.if %[[IS_FIVE]] {
// CHECK:     memref.reinterpret_cast %[[MEMORY]] to offset: [0], sizes: [48, 48], strides: [48, 1] : memref<49x68xi8> to memref<48x48xi8>
// CHECK:     mlora.gemm %{{.*}}, transposed %{{.*}} of "Q5_1" into
// CHECK:   } else {
// CHECK:     memref.reinterpret_cast %[[MEMORY]] to offset: [0], sizes: [48, 68], strides: [68, 1] : memref<49x68xi8> to memref<48x68xi8>
// CHECK:     mlora.gemm %{{.*}}, transposed %{{.*}} of "Q8_0" into
mlora.kernel @mixed(%x: tensor<?x64xf32>, %blocks: tensor<49x68xi8>) -> tensor<?x48xf32>
    grid ["3 by 1", "rows by 32"] attributes {mlora.tiles = array<i64: 3>} {
  %v = mlora.dequantize %blocks of "Q4_1|Q5_1|Q8_0" : (tensor<49x68xi8>) -> tensor<48x64xf32>
  %y = mlora.linear %x, %v : (tensor<?x64xf32>, tensor<48x64xf32>) -> tensor<?x48xf32>
  mlora.yield %y : tensor<?x48xf32>
}
