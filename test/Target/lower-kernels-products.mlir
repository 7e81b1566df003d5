// RUN: mlora-opt %s --mlora-lower-kernels | FileCheck %s

// What is joined is computed in its columns of the result: x is written once, m reads it there.
// CHECK-LABEL: func.func @join(
// CHECK-SAME:    %[[W:[a-z0-9]+]]: memref<56x40xf32>, %[[XM:[a-z0-9]+]]: memref<?x40xf32>, %scalars
// CHECK:         memref.subview %[[XM]][%{{.*}}, 0] [%count, 40] [1, 1]
// CHECK:         %[[X:.*]] = memref.subview %{{.*}}[0, 0] [%count, 32] [1, 1]
// CHECK:         %[[M:.*]] = memref.subview %{{.*}}[0, 32] [%count, 8] [1, 1]
// CHECK:         %[[A:.*]] = memref.subview %[[W]][48, 0] [8, 32] [1, 1]
// CHECK:         mlora.gemm %[[X]], transposed %[[A]] into %[[M]] alpha
// CHECK-NOT:     linalg.generic
// CHECK:         return
mlora.kernel @join(%h: tensor<?x32xf32> {mlora.extent = "rows"}, %n: tensor<32xf32>, %w: tensor<56x40xf32>)
    -> (tensor<?x40xf32> {mlora.extent = "rows"}) grid ["rows by 16"] {
  %x = mlora.rms_norm %h, %n eps 1.0e-5 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %a = mlora.window %w at [48, 0] : (tensor<56x40xf32>) -> tensor<8x32xf32>
  %m = mlora.linear %x, %a : (tensor<?x32xf32>, tensor<8x32xf32>) -> tensor<?x8xf32>
  %xm = mlora.join %x, %m : (tensor<?x32xf32>, tensor<?x8xf32>) -> tensor<?x40xf32>
  mlora.yield %xm : tensor<?x40xf32>
}

// An operand that is there already is copied.
// CHECK-LABEL: func.func @join_operand(
// CHECK-COUNT-2: linalg.generic
// CHECK-NOT:     linalg.generic
// CHECK:         return
mlora.kernel @join_operand(%x: tensor<?x32xf32> {mlora.extent = "rows"}, %m: tensor<?x8xf32> {mlora.extent = "rows"})
    -> (tensor<?x40xf32> {mlora.extent = "rows"}) grid ["rows by 16"] {
  %xm = mlora.join %x, %m : (tensor<?x32xf32>, tensor<?x8xf32>) -> tensor<?x40xf32>
  mlora.yield %xm : tensor<?x40xf32>
}

// A window of all rows is a view for a sum over tokens.
// CHECK-LABEL: func.func @window_of_tokens(
// CHECK:         memref.subview %{{.*}}[0, 24] [%rows, 8] [1, 1]
// CHECK:         mlora.gemm transposed
mlora.kernel @window_of_tokens(%dyu: tensor<?x32xf32> {mlora.extent = "rows"}, %x: tensor<?x16xf32> {mlora.extent = "rows"})
    -> tensor<8x16xf32> grid ["1 by 1"] attributes {mlora.tiles = array<i64: 1>} {
  %u = mlora.window %dyu at [0, 24] : (tensor<?x32xf32>) -> tensor<?x8xf32>
  %da = mlora.token_outer %u, %x : (tensor<?x8xf32>, tensor<?x16xf32>) -> tensor<8x16xf32>
  mlora.yield %da : tensor<8x16xf32>
}

// What is computed to be placed is computed in its place.
// CHECK-LABEL: func.func @computed_in_place(
// CHECK-SAME:    mlora.scratch_bytes = 0
// CHECK:         memref.subview %{{.*}}[%{{.*}}, 32] [%count, 8] [1, 1] : memref<56x40xf32>
// CHECK:         linalg.generic
// CHECK-NOT:     linalg.generic
// CHECK:         return
mlora.kernel @computed_in_place(%b: tensor<8x8xf32>, %w: tensor<56x40xf32>) -> tensor<56x40xf32> grid ["8 by 3"] {
  %up = mlora.stack_up %b alpha 2.0 : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %w1 = mlora.place %up in %w at [0, 32] : (tensor<8x8xf32>, tensor<56x40xf32>) -> tensor<56x40xf32>
  mlora.yield %w1 : tensor<56x40xf32>
}

// Where somebody sees what was there before, it is not.
// CHECK-LABEL: func.func @seen_before(
// CHECK-SAME:    mlora.scratch_bytes = 128
mlora.kernel @seen_before(%b: tensor<8x8xf32>, %w: tensor<8x40xf32>) -> (tensor<8x40xf32>, tensor<8x8xf32>) grid ["8 by 3"] {
  %up = mlora.stack_up %b alpha 2.0 : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %old = mlora.window %w at [0, 32] : (tensor<8x40xf32>) -> tensor<8x8xf32>
  %twice = mlora.add %old, %old : tensor<8x8xf32>
  %w1 = mlora.place %up in %w at [0, 32] : (tensor<8x8xf32>, tensor<8x40xf32>) -> tensor<8x40xf32>
  mlora.yield %w1, %twice : tensor<8x40xf32>, tensor<8x8xf32>
}

// Parts are written where they go, the rest stays.
// CHECK-LABEL: func.func @place(
// CHECK-SAME:    %[[OUT:[a-z0-9]+]]: memref<56x40xf32>, %scalars
// CHECK:         %[[ROW:.*]] = arith.addi %{{.*}}, %c48
// CHECK:         memref.subview %[[OUT]][%[[ROW]], 0] [%count, 32] [1, 1]
// CHECK:         linalg.generic
// CHECK:         memref.subview %[[OUT]][%{{.*}}, 32] [%count, 8] [1, 1]
// CHECK:         linalg.generic
// CHECK-NOT:     linalg.generic
// CHECK:         return
mlora.kernel @place(%a: tensor<8x32xf32>, %w: tensor<56x40xf32>, %b: tensor<8x8xf32>) -> tensor<56x40xf32> grid ["8 by 3"] {
  %w1 = mlora.place %a in %w at [48, 0] : (tensor<8x32xf32>, tensor<56x40xf32>) -> tensor<56x40xf32>
  %w2 = mlora.place %b in %w1 at [0, 32] : (tensor<8x8xf32>, tensor<56x40xf32>) -> tensor<56x40xf32>
  mlora.yield %w2 : tensor<56x40xf32>
}

// Rows of tokens that only a place reads are computed in its columns; what was placed before is read there.
// CHECK-LABEL: func.func @place_rows(
// CHECK-SAME:    %[[DYU:[a-z0-9]+]]: memref<?x40xf32>, %[[OUT:[a-z0-9]+]]: memref<?x40xf32>, %scalars
// CHECK-NOT:     linalg.generic
// CHECK:         mlora.gemm
// CHECK-NOT:     linalg.generic
// CHECK:         return
mlora.kernel @place_rows(%b: tensor<32x8xf32>, %dyu: tensor<?x40xf32> {mlora.extent = "rows"}) -> (tensor<?x40xf32> {mlora.extent = "rows"})
    grid ["rows by 16"] {
  %dy = mlora.window %dyu at [0, 0] : (tensor<?x40xf32>) -> tensor<?x32xf32>
  %u = mlora.linear.input_grad %dy, %b : (tensor<?x32xf32>, tensor<32x8xf32>) -> tensor<?x8xf32>
  %all = mlora.place %u in %dyu at [0, 32] : (tensor<?x8xf32>, tensor<?x40xf32>) -> tensor<?x40xf32>
  mlora.yield %all : tensor<?x40xf32>
}

// A buffer's first part and one beside it, which reads the first.
// CHECK-LABEL: func.func @place_new(
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
// CHECK:         mlora.gemm
// CHECK-NOT:     linalg.generic
// CHECK:         return
mlora.kernel @place_new(%b: tensor<32x8xf32>, %a: tensor<?x32xf32> {mlora.extent = "rows"}) -> (tensor<?x40xf32> {mlora.extent = "rows"})
    grid ["rows by 16"] {
  %dyu = mlora.place %a at [0, 0] : (tensor<?x32xf32>) -> tensor<?x40xf32>
  %dy = mlora.window %dyu at [0, 0] : (tensor<?x40xf32>) -> tensor<?x32xf32>
  %u = mlora.linear.input_grad %dy, %b : (tensor<?x32xf32>, tensor<32x8xf32>) -> tensor<?x8xf32>
  %all = mlora.place %u in %dyu at [0, 32] : (tensor<?x8xf32>, tensor<?x40xf32>) -> tensor<?x40xf32>
  mlora.yield %all : tensor<?x40xf32>
}
