// RUN: mlora-opt %s --mlora-emulate='seeds=20' -split-input-file -verify-diagnostics -o /dev/null | FileCheck %s

// Transfers with tails: lanes beyond the end are read as the padding and not written.

// CHECK: @m::@tail: 1 block of 8 threads, 20 seeds: passed
gpu.module @m {
  gpu.func @tail(%x: memref<?xf32>, %y: memref<?xf32>) kernel {
    %t = gpu.thread_id x
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %i = arith.muli %t, %c4 : index
    %v = vector.transfer_read %x[%i], %zero {in_bounds = [false]} : memref<?xf32>, vector<4xf32>
    %w = arith.addf %v, %v : vector<4xf32>
    vector.transfer_write %w, %y[%i] {in_bounds = [false]} : vector<4xf32>, memref<?xf32>
    gpu.return
  }
}
func.func @twice(%x: tensor<30xf32>, %y: tensor<30xf32>) -> tensor<30xf32> {
  %sum = mlora.add %x, %x : tensor<30xf32>
  return %sum : tensor<30xf32>
}
mlora.emulate @m::@tail grid [1] block [8] arguments [{type = tensor<30xf32>, init = "iota"},
  {type = tensor<30xf32>, init = "uninitialised", expect = @twice, tolerance = 0.0}]

// -----

// The write says that it is in bounds, and is not.
gpu.module @m {
  gpu.func @no_tail(%x: memref<?xf32>, %y: memref<?xf32>) kernel {
    %t = gpu.thread_id x
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %i = arith.muli %t, %c4 : index
    %v = vector.transfer_read %x[%i], %zero {in_bounds = [false]} : memref<?xf32>, vector<4xf32>
    // expected-error-re @below {{out-of-bounds access: @m::@no_tail, block (0, 0, 0), thread (7, 0, 0), {{.*}}writes 16 bytes}}
    vector.transfer_write %v, %y[%i] {in_bounds = [true]} : vector<4xf32>, memref<?xf32>
    gpu.return
  }
}
mlora.emulate @m::@no_tail grid [1] block [8] arguments [{type = tensor<30xf32>}, {type = tensor<30xf32>}]

// -----

// Masks, two dimensions, and what is done with vectors in between.
// CHECK: @m::@masked: 1 block of 2 threads, 20 seeds: passed
gpu.module @m {
  gpu.func @masked(%x: memref<5x7xf32>, %y: memref<2x7xf32>, %sums: memref<2xf32>) kernel {
    %t = gpu.thread_id x
    %c0 = arith.constant 0 : index
    %c3 = arith.constant 3 : index
    %c7 = arith.constant 7 : index
    %zero = arith.constant 0.0 : f32
    %mask = vector.create_mask %c7 : vector<8xi1>
    %row = vector.transfer_read %x[%t, %c0], %zero, %mask {in_bounds = [true]} : memref<5x7xf32>, vector<8xf32>
    vector.transfer_write %row, %y[%t, %c0], %mask {in_bounds = [true]} : vector<8xf32>, memref<2x7xf32>
    // Rows 3 + t on, columns 4 on: two rows or one, three columns.
    %c4 = arith.constant 4 : index
    %from = arith.addi %t, %c3 : index
    %part = vector.transfer_read %x[%from, %c4], %zero {in_bounds = [false, false]} : memref<5x7xf32>, vector<4x4xf32>
    %start = arith.constant dense<0.0> : vector<4xf32>
    %columns = vector.multi_reduction <add>, %part, %start [0] : vector<4x4xf32> to vector<4xf32>
    %sum = vector.reduction <add>, %columns : vector<4xf32> into f32
    memref.store %sum, %sums[%t] : memref<2xf32>
    gpu.return
  }
}
// Rows 3 and 4 of iota: 25, 26, 27 and 32, 33, 34.
mlora.emulate @m::@masked grid [1] block [2] arguments [{type = tensor<5x7xf32>, init = "iota"},
  {type = tensor<2x7xf32>, init = "uninitialised", expect = dense<[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0]]> : tensor<2x7xf32>, tolerance = 0.0},
  {type = tensor<2xf32>, expect = dense<[177.0, 99.0]> : tensor<2xf32>, tolerance = 0.0}]
