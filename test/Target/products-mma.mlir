// RUN: mlora-opt %s --mlora-to-gpu --mlora-emulate='seeds=3' -o /dev/null | FileCheck %s
// RUN: mlora-opt %s --mlora-blocks-to-threads | FileCheck %s --check-prefix=SCHEDULE

// Products of blocks on tensor cores against the f64 reference, of all transpositions that kernels have: rows, columns and K that no tile
// divides, results in f32 and bf16, overwritten and added to. Products of bf16 are exact in f32, and sums of f32 lose next to nothing here;
// a bf16 result is rounded by at most 2^-8 of itself (twice that where the reference adds to it: both it and the sum are rounded), and so is each element of an
// f32 operand, 80 of whose products (at most 1 each) a sum has. Results begin as 7 or random: each must be written.

// CHECK: @kernels::@x_wt: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@x_wt_rounded: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@x_wt_rank_16: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@x_wt_many_columns: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@dy_w: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@dy_w_rank_160: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@dy_w_added: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@x_wt_odd_results: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@wide_rows: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@outer: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@outer_added: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@outer_wide: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@outer_rank_16: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@x_f32: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@w_f32: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@outer_mixed: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@odd_stride: 2 blocks of 128 threads, 3 seeds: passed

// SCHEDULE: gpu.func @x_wt({{.*}}mlora.schedule = "rows 32, mma 32x96x64x5"
func.func @x_wt(%x: memref<?x80xbf16>, %w: memref<96x80xbf16>, %y: memref<?x96xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 80] [1, 1] : memref<?x80xbf16> to memref<?x80xbf16, strided<[80, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 96] [1, 1] : memref<?x96xf32> to memref<?x96xf32, strided<[96, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x80xbf16, strided<[80, 1], offset: ?>>, memref<96x80xbf16>, memref<?x96xf32, strided<[96, 1], offset: ?>>
  return
}
func.func @x_wt.y(%x: tensor<50x80xbf16>, %w: tensor<96x80xbf16>, %y: tensor<50x96xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<50x96xf32> {
  %p = mlora.linear %x, %w : (tensor<50x80xbf16>, tensor<96x80xbf16>) -> tensor<50x96xf32>
  return %p : tensor<50x96xf32>
}
mlora.emulate @kernels::@x_wt grid [2] block [128] dynamic_shared 81920 arguments [
  {type = tensor<50x80xbf16>, init = "random", seed = 1},
  {type = tensor<96x80xbf16>, init = "random", seed = 2},
  {type = tensor<50x96xf32>, init = dense<7.0> : tensor<50x96xf32>, expect = @x_wt.y, tolerance = 1.0e-5},
  {init = dense<[50, 0, 50, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @x_wt_rounded({{.*}}mlora.schedule = "rows 32, mma 32x64x32x6"
func.func @x_wt_rounded(%x: memref<?x24xbf16>, %w: memref<40x24xbf16>, %y: memref<?x40xbf16>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 24] [1, 1] : memref<?x24xbf16> to memref<?x24xbf16, strided<[24, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 40] [1, 1] : memref<?x40xbf16> to memref<?x40xbf16, strided<[40, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x24xbf16, strided<[24, 1], offset: ?>>, memref<40x24xbf16>, memref<?x40xbf16, strided<[40, 1], offset: ?>>
  return
}
func.func @x_wt_rounded.y(%x: tensor<37x24xbf16>, %w: tensor<40x24xbf16>, %y: tensor<37x40xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<37x40xbf16> {
  %p = mlora.linear %x, %w : (tensor<37x24xbf16>, tensor<40x24xbf16>) -> tensor<37x40xbf16>
  return %p : tensor<37x40xbf16>
}
mlora.emulate @kernels::@x_wt_rounded grid [2] block [128] dynamic_shared 36864 arguments [
  {type = tensor<37x24xbf16>, init = "random", seed = 3},
  {type = tensor<40x24xbf16>, init = "random", seed = 4},
  {type = tensor<37x40xbf16>, init = dense<7.0> : tensor<37x40xbf16>, expect = @x_wt_rounded.y, tolerance = 4.0e-3},
  {init = dense<[37, 0, 37, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @x_wt_rank_16({{.*}}mlora.schedule = "rows 32, mma 32x16x64x8"
func.func @x_wt_rank_16(%x: memref<?x264xbf16>, %w: memref<16x264xbf16>, %y: memref<?x16xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 264] [1, 1] : memref<?x264xbf16> to memref<?x264xbf16, strided<[264, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 16] [1, 1] : memref<?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x264xbf16, strided<[264, 1], offset: ?>>, memref<16x264xbf16>, memref<?x16xf32, strided<[16, 1], offset: ?>>
  return
}
func.func @x_wt_rank_16.y(%x: tensor<33x264xbf16>, %w: tensor<16x264xbf16>, %y: tensor<33x16xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x16xf32> {
  %p = mlora.linear %x, %w : (tensor<33x264xbf16>, tensor<16x264xbf16>) -> tensor<33x16xf32>
  return %p : tensor<33x16xf32>
}
mlora.emulate @kernels::@x_wt_rank_16 grid [2] block [128] dynamic_shared 49152 arguments [
  {type = tensor<33x264xbf16>, init = "random", seed = 5},
  {type = tensor<16x264xbf16>, init = "random", seed = 6},
  {type = tensor<33x16xf32>, init = dense<7.0> : tensor<33x16xf32>, expect = @x_wt_rank_16.y, tolerance = 1.0e-5},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @x_wt_many_columns({{.*}}mlora.schedule = "rows 32, mma 32x128x64x4"
func.func @x_wt_many_columns(%x: memref<?x128xbf16>, %w: memref<200x128xbf16>, %y: memref<?x200xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 128] [1, 1] : memref<?x128xbf16> to memref<?x128xbf16, strided<[128, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 200] [1, 1] : memref<?x200xf32> to memref<?x200xf32, strided<[200, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x128xbf16, strided<[128, 1], offset: ?>>, memref<200x128xbf16>, memref<?x200xf32, strided<[200, 1], offset: ?>>
  return
}
func.func @x_wt_many_columns.y(%x: tensor<32x128xbf16>, %w: tensor<200x128xbf16>, %y: tensor<32x200xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<32x200xf32> {
  %p = mlora.linear %x, %w : (tensor<32x128xbf16>, tensor<200x128xbf16>) -> tensor<32x200xf32>
  return %p : tensor<32x200xf32>
}
mlora.emulate @kernels::@x_wt_many_columns grid [1] block [128] dynamic_shared 81920 arguments [
  {type = tensor<32x128xbf16>, init = "random", seed = 7},
  {type = tensor<200x128xbf16>, init = "random", seed = 8},
  {type = tensor<32x200xf32>, init = dense<7.0> : tensor<32x200xf32>, expect = @x_wt_many_columns.y, tolerance = 1.0e-5},
  {init = dense<[32, 0, 32, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @dy_w({{.*}}mlora.schedule = "rows 32, mma 32x96x64x5"
func.func @dy_w(%x: memref<?x96xbf16>, %w: memref<96x72xbf16>, %y: memref<?x72xbf16>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 96] [1, 1] : memref<?x96xbf16> to memref<?x96xbf16, strided<[96, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 72] [1, 1] : memref<?x72xbf16> to memref<?x72xbf16, strided<[72, 1], offset: ?>>
  mlora.gemm %a, %w into %c alpha %alpha beta %beta
    : memref<?x96xbf16, strided<[96, 1], offset: ?>>, memref<96x72xbf16>, memref<?x72xbf16, strided<[72, 1], offset: ?>>
  return
}
func.func @dy_w.y(%x: tensor<33x96xbf16>, %w: tensor<96x72xbf16>, %y: tensor<33x72xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x72xbf16> {
  %p = mlora.linear.input_grad %x, %w : (tensor<33x96xbf16>, tensor<96x72xbf16>) -> tensor<33x72xbf16>
  return %p : tensor<33x72xbf16>
}
mlora.emulate @kernels::@dy_w grid [2] block [128] dynamic_shared 87040 arguments [
  {type = tensor<33x96xbf16>, init = "random", seed = 9},
  {type = tensor<96x72xbf16>, init = "random", seed = 10},
  {type = tensor<33x72xbf16>, init = dense<7.0> : tensor<33x72xbf16>, expect = @dy_w.y, tolerance = 4.0e-3},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @dy_w_rank_160({{.*}}mlora.schedule = "rows 32, mma 32x160x64x2"
func.func @dy_w_rank_160(%x: memref<?x72xbf16>, %w: memref<72x160xbf16>, %y: memref<?x160xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 72] [1, 1] : memref<?x72xbf16> to memref<?x72xbf16, strided<[72, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 160] [1, 1] : memref<?x160xf32> to memref<?x160xf32, strided<[160, 1], offset: ?>>
  mlora.gemm %a, %w into %c alpha %alpha beta %beta
    : memref<?x72xbf16, strided<[72, 1], offset: ?>>, memref<72x160xbf16>, memref<?x160xf32, strided<[160, 1], offset: ?>>
  return
}
func.func @dy_w_rank_160.y(%x: tensor<20x72xbf16>, %w: tensor<72x160xbf16>, %y: tensor<20x160xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<20x160xf32> {
  %p = mlora.linear.input_grad %x, %w : (tensor<20x72xbf16>, tensor<72x160xbf16>) -> tensor<20x160xf32>
  return %p : tensor<20x160xf32>
}
mlora.emulate @kernels::@dy_w_rank_160 grid [1] block [128] dynamic_shared 51200 arguments [
  {type = tensor<20x72xbf16>, init = "random", seed = 11},
  {type = tensor<72x160xbf16>, init = "random", seed = 12},
  {type = tensor<20x160xf32>, init = dense<7.0> : tensor<20x160xf32>, expect = @dy_w_rank_160.y, tolerance = 1.0e-5},
  {init = dense<[20, 0, 20, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @dy_w_added({{.*}}mlora.schedule = "rows 32, mma 32x32x48x8"
func.func @dy_w_added(%x: memref<?x48xbf16>, %w: memref<48x32xbf16>, %y: memref<?x32xbf16>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 48] [1, 1] : memref<?x48xbf16> to memref<?x48xbf16, strided<[48, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 32] [1, 1] : memref<?x32xbf16> to memref<?x32xbf16, strided<[32, 1], offset: ?>>
  mlora.gemm %a, %w into %c alpha %alpha beta %beta
    : memref<?x48xbf16, strided<[48, 1], offset: ?>>, memref<48x32xbf16>, memref<?x32xbf16, strided<[32, 1], offset: ?>>
  return
}
func.func @dy_w_added.y(%x: tensor<40x48xbf16>, %w: tensor<48x32xbf16>, %y: tensor<40x32xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<40x32xbf16> {
  %p = mlora.linear.input_grad %x, %w : (tensor<40x48xbf16>, tensor<48x32xbf16>) -> tensor<40x32xbf16>
  %q = mlora.add %p, %y : tensor<40x32xbf16>
  return %q : tensor<40x32xbf16>
}
mlora.emulate @kernels::@dy_w_added grid [2] block [128] dynamic_shared 57344 arguments [
  {type = tensor<40x48xbf16>, init = "random", seed = 13},
  {type = tensor<48x32xbf16>, init = "random", seed = 14},
  {type = tensor<40x32xbf16>, init = "random", expect = @dy_w_added.y, tolerance = 8.0e-3},
  {init = dense<[40, 0, 40, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @x_wt_odd_results({{.*}}mlora.schedule = "rows 32, mma 32x32x64x8"
func.func @x_wt_odd_results(%x: memref<?x64xbf16>, %w: memref<21x64xbf16>, %y: memref<?x21xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 64] [1, 1] : memref<?x64xbf16> to memref<?x64xbf16, strided<[64, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 21] [1, 1] : memref<?x21xf32> to memref<?x21xf32, strided<[21, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x64xbf16, strided<[64, 1], offset: ?>>, memref<21x64xbf16>, memref<?x21xf32, strided<[21, 1], offset: ?>>
  return
}
func.func @x_wt_odd_results.y(%x: tensor<9x64xbf16>, %w: tensor<21x64xbf16>, %y: tensor<9x21xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<9x21xf32> {
  %p = mlora.linear %x, %w : (tensor<9x64xbf16>, tensor<21x64xbf16>) -> tensor<9x21xf32>
  return %p : tensor<9x21xf32>
}
mlora.emulate @kernels::@x_wt_odd_results grid [1] block [128] dynamic_shared 65536 arguments [
  {type = tensor<9x64xbf16>, init = "random", seed = 15},
  {type = tensor<21x64xbf16>, init = "random", seed = 16},
  {type = tensor<9x21xf32>, init = dense<7.0> : tensor<9x21xf32>, expect = @x_wt_odd_results.y, tolerance = 1.0e-5},
  {init = dense<[9, 0, 9, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @wide_rows({{.*}}mlora.schedule = "rows 128, mma 32x160x64x4"
func.func @wide_rows(%x: memref<?x64xbf16>, %w: memref<136x64xbf16>, %y: memref<?x136xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 128"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c128 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c128 : index
  %a = memref.subview %x[%first, 0] [%count, 64] [1, 1] : memref<?x64xbf16> to memref<?x64xbf16, strided<[64, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 136] [1, 1] : memref<?x136xf32> to memref<?x136xf32, strided<[136, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x64xbf16, strided<[64, 1], offset: ?>>, memref<136x64xbf16>, memref<?x136xf32, strided<[136, 1], offset: ?>>
  return
}
func.func @wide_rows.y(%x: tensor<130x64xbf16>, %w: tensor<136x64xbf16>, %y: tensor<130x136xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<130x136xf32> {
  %p = mlora.linear %x, %w : (tensor<130x64xbf16>, tensor<136x64xbf16>) -> tensor<130x136xf32>
  return %p : tensor<130x136xf32>
}
mlora.emulate @kernels::@wide_rows grid [2] block [128] dynamic_shared 98304 arguments [
  {type = tensor<130x64xbf16>, init = "random", seed = 17},
  {type = tensor<136x64xbf16>, init = "random", seed = 18},
  {type = tensor<130x136xf32>, init = dense<7.0> : tensor<130x136xf32>, expect = @wide_rows.y, tolerance = 1.0e-5},
  {init = dense<[130, 0, 130, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @outer({{.*}}mlora.schedule = "mma 64x128x64x3"
func.func @outer(%x: memref<?x48xbf16>, %w: memref<?x80xbf16>, %y: memref<48x80xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %alpha = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %adds = memref.load %scalars[%c3] : memref<4xi64>
  %beta = arith.sitofp %adds : i64 to f32
  %a = memref.subview %x[0, 0] [%rows, 48] [1, 1] : memref<?x48xbf16> to memref<?x48xbf16, strided<[48, 1]>>
  %b = memref.subview %w[0, 0] [%rows, 80] [1, 1] : memref<?x80xbf16> to memref<?x80xbf16, strided<[80, 1]>>
  mlora.gemm transposed %a, %b into %y alpha %alpha beta %beta
    : memref<?x48xbf16, strided<[48, 1]>>, memref<?x80xbf16, strided<[80, 1]>>, memref<48x80xf32>
  return
}
func.func @outer.y(%x: tensor<77x48xbf16>, %w: tensor<77x80xbf16>, %y: tensor<48x80xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<48x80xf32> {
  %p = mlora.token_outer %x, %w : (tensor<77x48xbf16>, tensor<77x80xbf16>) -> tensor<48x80xf32>
  return %p : tensor<48x80xf32>
}
mlora.emulate @kernels::@outer grid [1] block [128] dynamic_shared 73728 arguments [
  {type = tensor<77x48xbf16>, init = "random", seed = 19},
  {type = tensor<77x80xbf16>, init = "random", seed = 20},
  {type = tensor<48x80xf32>, init = dense<7.0> : tensor<48x80xf32>, expect = @outer.y, tolerance = 1.0e-5},
  {init = dense<[77, 0, 77, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @outer_added({{.*}}mlora.schedule = "mma 96x64x64x3"
func.func @outer_added(%x: memref<?x96xbf16>, %w: memref<?x40xbf16>, %y: memref<96x40xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %alpha = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %adds = memref.load %scalars[%c3] : memref<4xi64>
  %beta = arith.sitofp %adds : i64 to f32
  %a = memref.subview %x[0, 0] [%rows, 96] [1, 1] : memref<?x96xbf16> to memref<?x96xbf16, strided<[96, 1]>>
  %b = memref.subview %w[0, 0] [%rows, 40] [1, 1] : memref<?x40xbf16> to memref<?x40xbf16, strided<[40, 1]>>
  mlora.gemm transposed %a, %b into %y alpha %alpha beta %beta
    : memref<?x96xbf16, strided<[96, 1]>>, memref<?x40xbf16, strided<[40, 1]>>, memref<96x40xf32>
  return
}
func.func @outer_added.y(%x: tensor<130x96xbf16>, %w: tensor<130x40xbf16>, %y: tensor<96x40xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<96x40xf32> {
  %p = mlora.token_outer %x, %w : (tensor<130x96xbf16>, tensor<130x40xbf16>) -> tensor<96x40xf32>
  %q = mlora.add %p, %y : tensor<96x40xf32>
  return %q : tensor<96x40xf32>
}
mlora.emulate @kernels::@outer_added grid [1] block [128] dynamic_shared 64512 arguments [
  {type = tensor<130x96xbf16>, init = "random", seed = 21},
  {type = tensor<130x40xbf16>, init = "random", seed = 22},
  {type = tensor<96x40xf32>, init = "random", seed = 9, expect = @outer_added.y, tolerance = 1.0e-5},
  {init = dense<[130, 0, 130, 1]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @outer_wide({{.*}}mlora.schedule = "mma 32x160x64x2"
func.func @outer_wide(%x: memref<?x160xbf16>, %w: memref<?x136xbf16>, %y: memref<160x136xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %alpha = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %adds = memref.load %scalars[%c3] : memref<4xi64>
  %beta = arith.sitofp %adds : i64 to f32
  %a = memref.subview %x[0, 0] [%rows, 160] [1, 1] : memref<?x160xbf16> to memref<?x160xbf16, strided<[160, 1]>>
  %b = memref.subview %w[0, 0] [%rows, 136] [1, 1] : memref<?x136xbf16> to memref<?x136xbf16, strided<[136, 1]>>
  mlora.gemm transposed %a, %b into %y alpha %alpha beta %beta
    : memref<?x160xbf16, strided<[160, 1]>>, memref<?x136xbf16, strided<[136, 1]>>, memref<160x136xf32>
  return
}
func.func @outer_wide.y(%x: tensor<65x160xbf16>, %w: tensor<65x136xbf16>, %y: tensor<160x136xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<160x136xf32> {
  %p = mlora.token_outer %x, %w : (tensor<65x160xbf16>, tensor<65x136xbf16>) -> tensor<160x136xf32>
  return %p : tensor<160x136xf32>
}
mlora.emulate @kernels::@outer_wide grid [1] block [128] dynamic_shared 51200 arguments [
  {type = tensor<65x160xbf16>, init = "random", seed = 23},
  {type = tensor<65x136xbf16>, init = "random", seed = 24},
  {type = tensor<160x136xf32>, init = dense<7.0> : tensor<160x136xf32>, expect = @outer_wide.y, tolerance = 1.0e-5},
  {init = dense<[65, 0, 65, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @outer_rank_16({{.*}}mlora.schedule = "mma 16x64x64x4"
func.func @outer_rank_16(%x: memref<?x16xbf16>, %w: memref<?x264xbf16>, %y: memref<16x264xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %alpha = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %adds = memref.load %scalars[%c3] : memref<4xi64>
  %beta = arith.sitofp %adds : i64 to f32
  %a = memref.subview %x[0, 0] [%rows, 16] [1, 1] : memref<?x16xbf16> to memref<?x16xbf16, strided<[16, 1]>>
  %b = memref.subview %w[0, 0] [%rows, 264] [1, 1] : memref<?x264xbf16> to memref<?x264xbf16, strided<[264, 1]>>
  mlora.gemm transposed %a, %b into %y alpha %alpha beta %beta
    : memref<?x16xbf16, strided<[16, 1]>>, memref<?x264xbf16, strided<[264, 1]>>, memref<16x264xf32>
  return
}
func.func @outer_rank_16.y(%x: tensor<40x16xbf16>, %w: tensor<40x264xbf16>, %y: tensor<16x264xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<16x264xf32> {
  %p = mlora.token_outer %x, %w : (tensor<40x16xbf16>, tensor<40x264xbf16>) -> tensor<16x264xf32>
  return %p : tensor<16x264xf32>
}
mlora.emulate @kernels::@outer_rank_16 grid [1] block [128] dynamic_shared 40960 arguments [
  {type = tensor<40x16xbf16>, init = "random", seed = 25},
  {type = tensor<40x264xbf16>, init = "random", seed = 26},
  {type = tensor<16x264xf32>, init = dense<7.0> : tensor<16x264xf32>, expect = @outer_rank_16.y, tolerance = 1.0e-5},
  {init = dense<[40, 0, 40, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @x_f32({{.*}}mlora.schedule = "rows 32, mma 32x64x32x2"
func.func @x_f32(%x: memref<?x80xf32>, %w: memref<48x80xbf16>, %y: memref<?x48xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 80] [1, 1] : memref<?x80xf32> to memref<?x80xf32, strided<[80, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 48] [1, 1] : memref<?x48xf32> to memref<?x48xf32, strided<[48, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x80xf32, strided<[80, 1], offset: ?>>, memref<48x80xbf16>, memref<?x48xf32, strided<[48, 1], offset: ?>>
  return
}
func.func @x_f32.y(%x: tensor<33x80xf32>, %w: tensor<48x80xbf16>, %y: tensor<33x48xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x48xf32> {
  %p = mlora.linear %x, %w : (tensor<33x80xf32>, tensor<48x80xbf16>) -> tensor<33x48xf32>
  return %p : tensor<33x48xf32>
}
mlora.emulate @kernels::@x_f32 grid [2] block [128] dynamic_shared 12288 arguments [
  {type = tensor<33x80xf32>, init = "random", seed = 27},
  {type = tensor<48x80xbf16>, init = "random", seed = 28},
  {type = tensor<33x48xf32>, init = dense<7.0> : tensor<33x48xf32>, expect = @x_f32.y, tolerance = 2.0e-2},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @w_f32({{.*}}mlora.schedule = "rows 32, mma 32x64x32x2"
func.func @w_f32(%x: memref<?x80xbf16>, %w: memref<80x48xf32>, %y: memref<?x48xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 80] [1, 1] : memref<?x80xbf16> to memref<?x80xbf16, strided<[80, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 48] [1, 1] : memref<?x48xf32> to memref<?x48xf32, strided<[48, 1], offset: ?>>
  mlora.gemm %a, %w into %c alpha %alpha beta %beta
    : memref<?x80xbf16, strided<[80, 1], offset: ?>>, memref<80x48xf32>, memref<?x48xf32, strided<[48, 1], offset: ?>>
  return
}
func.func @w_f32.y(%x: tensor<33x80xbf16>, %w: tensor<80x48xf32>, %y: tensor<33x48xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x48xf32> {
  %p = mlora.linear.input_grad %x, %w : (tensor<33x80xbf16>, tensor<80x48xf32>) -> tensor<33x48xf32>
  return %p : tensor<33x48xf32>
}
mlora.emulate @kernels::@w_f32 grid [2] block [128] dynamic_shared 12288 arguments [
  {type = tensor<33x80xbf16>, init = "random", seed = 29},
  {type = tensor<80x48xf32>, init = "random", seed = 30},
  {type = tensor<33x48xf32>, init = dense<7.0> : tensor<33x48xf32>, expect = @w_f32.y, tolerance = 2.0e-2},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @outer_mixed({{.*}}mlora.schedule = "mma 64x32x64x3"
func.func @outer_mixed(%x: memref<?x40xbf16>, %w: memref<?x24xf32>, %y: memref<40x24xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %alpha = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %adds = memref.load %scalars[%c3] : memref<4xi64>
  %beta = arith.sitofp %adds : i64 to f32
  %a = memref.subview %x[0, 0] [%rows, 40] [1, 1] : memref<?x40xbf16> to memref<?x40xbf16, strided<[40, 1]>>
  %b = memref.subview %w[0, 0] [%rows, 24] [1, 1] : memref<?x24xf32> to memref<?x24xf32, strided<[24, 1]>>
  mlora.gemm transposed %a, %b into %y alpha %alpha beta %beta
    : memref<?x40xbf16, strided<[40, 1]>>, memref<?x24xf32, strided<[24, 1]>>, memref<40x24xf32>
  return
}
func.func @outer_mixed.y(%x: tensor<50x40xbf16>, %w: tensor<50x24xf32>, %y: tensor<40x24xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<40x24xf32> {
  %p = mlora.token_outer %x, %w : (tensor<50x40xbf16>, tensor<50x24xf32>) -> tensor<40x24xf32>
  %q = mlora.add %p, %y : tensor<40x24xf32>
  return %q : tensor<40x24xf32>
}
mlora.emulate @kernels::@outer_mixed grid [1] block [128] dynamic_shared 36864 arguments [
  {type = tensor<50x40xbf16>, init = "random", seed = 31},
  {type = tensor<50x24xf32>, init = "random", seed = 32},
  {type = tensor<40x24xf32>, init = "random", seed = 9, expect = @outer_mixed.y, tolerance = 2.0e-2},
  {init = dense<[50, 0, 50, 1]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @odd_stride({{.*}}mlora.schedule = "rows 32, general (a has rows 72 bytes apart, no multiple of 16)"
func.func @odd_stride(%x: memref<?x36xbf16>, %w: memref<24x36xbf16>, %y: memref<?x24xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["rows by 32"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %alpha = arith.constant 1.0 : f32
  %beta = arith.constant 0.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %first = arith.muli %block, %c32 : index
  %rest = arith.subi %rows, %first : index
  %count = arith.minsi %rest, %c32 : index
  %a = memref.subview %x[%first, 0] [%count, 36] [1, 1] : memref<?x36xbf16> to memref<?x36xbf16, strided<[36, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 24] [1, 1] : memref<?x24xf32> to memref<?x24xf32, strided<[24, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x36xbf16, strided<[36, 1], offset: ?>>, memref<24x36xbf16>, memref<?x24xf32, strided<[24, 1], offset: ?>>
  return
}
func.func @odd_stride.y(%x: tensor<33x36xbf16>, %w: tensor<24x36xbf16>, %y: tensor<33x24xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x24xf32> {
  %p = mlora.linear %x, %w : (tensor<33x36xbf16>, tensor<24x36xbf16>) -> tensor<33x24xf32>
  return %p : tensor<33x24xf32>
}
mlora.emulate @kernels::@odd_stride grid [2] block [128] dynamic_shared 6656 arguments [
  {type = tensor<33x36xbf16>, init = "random", seed = 33},
  {type = tensor<24x36xbf16>, init = "random", seed = 34},
  {type = tensor<33x24xf32>, init = dense<7.0> : tensor<33x24xf32>, expect = @odd_stride.y, tolerance = 1.0e-5},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]
