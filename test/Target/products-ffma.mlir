// RUN: mlora-opt %s --mlora-to-gpu --mlora-emulate='seeds=3' -o /dev/null | FileCheck %s
// RUN: mlora-opt %s --mlora-blocks-to-threads | FileCheck %s --check-prefix=SCHEDULE

// Products of blocks of f32 by FFMA against the f64 reference, of all transpositions that kernels have: rows, columns and K that no tile
// divides, results overwritten and added to. Results begin as 7 or random: each must be written.

// CHECK: @kernels::@x_wt: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@x_wt_many_columns: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@x_wt_few_columns: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@dy_w: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@dy_w_odd_results: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@wide_rows: 2 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@outer: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@outer_added: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@outer_wide: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@outer_few: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@odd_stride: 2 blocks of 128 threads, 3 seeds: passed

// SCHEDULE: gpu.func @x_wt({{.*}}mlora.schedule = "rows 32, ffma 32x32x32x2"
func.func @x_wt(%x: memref<?x80xf32>, %w: memref<96x80xf32>, %y: memref<?x96xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
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
  %c = memref.subview %y[%first, 0] [%count, 96] [1, 1] : memref<?x96xf32> to memref<?x96xf32, strided<[96, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x80xf32, strided<[80, 1], offset: ?>>, memref<96x80xf32>, memref<?x96xf32, strided<[96, 1], offset: ?>>
  return
}
func.func @x_wt.y(%x: tensor<50x80xf32>, %w: tensor<96x80xf32>, %y: tensor<50x96xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<50x96xf32> {
  %p = mlora.linear %x, %w : (tensor<50x80xf32>, tensor<96x80xf32>) -> tensor<50x96xf32>
  return %p : tensor<50x96xf32>
}
mlora.emulate @kernels::@x_wt grid [2] block [128] dynamic_shared 16384 arguments [
  {type = tensor<50x80xf32>, init = "random", seed = 1},
  {type = tensor<96x80xf32>, init = "random", seed = 2},
  {type = tensor<50x96xf32>, init = dense<7.0> : tensor<50x96xf32>, expect = @x_wt.y, tolerance = 1.0e-5},
  {init = dense<[50, 0, 50, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @x_wt_many_columns({{.*}}mlora.schedule = "rows 32, ffma 32x128x32x2"
func.func @x_wt_many_columns(%x: memref<?x128xf32>, %w: memref<200x128xf32>, %y: memref<?x200xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
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
  %a = memref.subview %x[%first, 0] [%count, 128] [1, 1] : memref<?x128xf32> to memref<?x128xf32, strided<[128, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 200] [1, 1] : memref<?x200xf32> to memref<?x200xf32, strided<[200, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x128xf32, strided<[128, 1], offset: ?>>, memref<200x128xf32>, memref<?x200xf32, strided<[200, 1], offset: ?>>
  return
}
func.func @x_wt_many_columns.y(%x: tensor<37x128xf32>, %w: tensor<200x128xf32>, %y: tensor<37x200xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<37x200xf32> {
  %p = mlora.linear %x, %w : (tensor<37x128xf32>, tensor<200x128xf32>) -> tensor<37x200xf32>
  return %p : tensor<37x200xf32>
}
mlora.emulate @kernels::@x_wt_many_columns grid [2] block [128] dynamic_shared 40960 arguments [
  {type = tensor<37x128xf32>, init = "random", seed = 3},
  {type = tensor<200x128xf32>, init = "random", seed = 4},
  {type = tensor<37x200xf32>, init = dense<7.0> : tensor<37x200xf32>, expect = @x_wt_many_columns.y, tolerance = 1.0e-5},
  {init = dense<[37, 0, 37, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @x_wt_few_columns({{.*}}mlora.schedule = "rows 32, ffma 32x32x20x2"
func.func @x_wt_few_columns(%x: memref<?x20xf32>, %w: memref<12x20xf32>, %y: memref<?x12xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
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
  %a = memref.subview %x[%first, 0] [%count, 20] [1, 1] : memref<?x20xf32> to memref<?x20xf32, strided<[20, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 12] [1, 1] : memref<?x12xf32> to memref<?x12xf32, strided<[12, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x20xf32, strided<[20, 1], offset: ?>>, memref<12x20xf32>, memref<?x12xf32, strided<[12, 1], offset: ?>>
  return
}
func.func @x_wt_few_columns.y(%x: tensor<33x20xf32>, %w: tensor<12x20xf32>, %y: tensor<33x12xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x12xf32> {
  %p = mlora.linear %x, %w : (tensor<33x20xf32>, tensor<12x20xf32>) -> tensor<33x12xf32>
  return %p : tensor<33x12xf32>
}
mlora.emulate @kernels::@x_wt_few_columns grid [2] block [128] dynamic_shared 12288 arguments [
  {type = tensor<33x20xf32>, init = "random", seed = 5},
  {type = tensor<12x20xf32>, init = "random", seed = 6},
  {type = tensor<33x12xf32>, init = dense<7.0> : tensor<33x12xf32>, expect = @x_wt_few_columns.y, tolerance = 1.0e-5},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @dy_w({{.*}}mlora.schedule = "rows 32, ffma 32x32x32x2"
func.func @dy_w(%x: memref<?x96xf32>, %w: memref<96x72xf32>, %y: memref<?x72xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
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
  %a = memref.subview %x[%first, 0] [%count, 96] [1, 1] : memref<?x96xf32> to memref<?x96xf32, strided<[96, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 72] [1, 1] : memref<?x72xf32> to memref<?x72xf32, strided<[72, 1], offset: ?>>
  mlora.gemm %a, %w into %c alpha %alpha beta %beta
    : memref<?x96xf32, strided<[96, 1], offset: ?>>, memref<96x72xf32>, memref<?x72xf32, strided<[72, 1], offset: ?>>
  return
}
func.func @dy_w.y(%x: tensor<33x96xf32>, %w: tensor<96x72xf32>, %y: tensor<33x72xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x72xf32> {
  %p = mlora.linear.input_grad %x, %w : (tensor<33x96xf32>, tensor<96x72xf32>) -> tensor<33x72xf32>
  return %p : tensor<33x72xf32>
}
mlora.emulate @kernels::@dy_w grid [2] block [128] dynamic_shared 16384 arguments [
  {type = tensor<33x96xf32>, init = "random", seed = 9},
  {type = tensor<96x72xf32>, init = "random", seed = 10},
  {type = tensor<33x72xf32>, init = dense<7.0> : tensor<33x72xf32>, expect = @dy_w.y, tolerance = 1.0e-5},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @dy_w_odd_results({{.*}}mlora.schedule = "rows 32, ffma 32x64x16x2"
func.func @dy_w_odd_results(%x: memref<?x36xf32>, %w: memref<36x132xf32>, %y: memref<?x132xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
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
  %a = memref.subview %x[%first, 0] [%count, 36] [1, 1] : memref<?x36xf32> to memref<?x36xf32, strided<[36, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 132] [1, 1] : memref<?x132xf32> to memref<?x132xf32, strided<[132, 1], offset: ?>>
  mlora.gemm %a, %w into %c alpha %alpha beta %beta
    : memref<?x36xf32, strided<[36, 1], offset: ?>>, memref<36x132xf32>, memref<?x132xf32, strided<[132, 1], offset: ?>>
  return
}
func.func @dy_w_odd_results.y(%x: tensor<20x36xf32>, %w: tensor<36x132xf32>, %y: tensor<20x132xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<20x132xf32> {
  %p = mlora.linear.input_grad %x, %w : (tensor<20x36xf32>, tensor<36x132xf32>) -> tensor<20x132xf32>
  %q = mlora.add %p, %y : tensor<20x132xf32>
  return %q : tensor<20x132xf32>
}
mlora.emulate @kernels::@dy_w_odd_results grid [1] block [128] dynamic_shared 12288 arguments [
  {type = tensor<20x36xf32>, init = "random", seed = 11},
  {type = tensor<36x132xf32>, init = "random", seed = 12},
  {type = tensor<20x132xf32>, init = "random", expect = @dy_w_odd_results.y, tolerance = 1.0e-5},
  {init = dense<[20, 0, 20, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @wide_rows({{.*}}mlora.schedule = "rows 128, ffma 64x64x32x2"
func.func @wide_rows(%x: memref<?x64xf32>, %w: memref<136x64xf32>, %y: memref<?x136xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
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
  %a = memref.subview %x[%first, 0] [%count, 64] [1, 1] : memref<?x64xf32> to memref<?x64xf32, strided<[64, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 136] [1, 1] : memref<?x136xf32> to memref<?x136xf32, strided<[136, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x64xf32, strided<[64, 1], offset: ?>>, memref<136x64xf32>, memref<?x136xf32, strided<[136, 1], offset: ?>>
  return
}
func.func @wide_rows.y(%x: tensor<130x64xf32>, %w: tensor<136x64xf32>, %y: tensor<130x136xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<130x136xf32> {
  %p = mlora.linear %x, %w : (tensor<130x64xf32>, tensor<136x64xf32>) -> tensor<130x136xf32>
  return %p : tensor<130x136xf32>
}
mlora.emulate @kernels::@wide_rows grid [2] block [128] dynamic_shared 32768 arguments [
  {type = tensor<130x64xf32>, init = "random", seed = 17},
  {type = tensor<136x64xf32>, init = "random", seed = 18},
  {type = tensor<130x136xf32>, init = dense<7.0> : tensor<130x136xf32>, expect = @wide_rows.y, tolerance = 1.0e-5},
  {init = dense<[130, 0, 130, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @outer({{.*}}mlora.schedule = "ffma 32x32x32x2"
func.func @outer(%x: memref<?x48xf32>, %w: memref<?x80xf32>, %y: memref<48x80xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %alpha = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %adds = memref.load %scalars[%c3] : memref<4xi64>
  %beta = arith.sitofp %adds : i64 to f32
  %a = memref.subview %x[0, 0] [%rows, 48] [1, 1] : memref<?x48xf32> to memref<?x48xf32, strided<[48, 1]>>
  %b = memref.subview %w[0, 0] [%rows, 80] [1, 1] : memref<?x80xf32> to memref<?x80xf32, strided<[80, 1]>>
  mlora.gemm transposed %a, %b into %y alpha %alpha beta %beta
    : memref<?x48xf32, strided<[48, 1]>>, memref<?x80xf32, strided<[80, 1]>>, memref<48x80xf32>
  return
}
func.func @outer.y(%x: tensor<77x48xf32>, %w: tensor<77x80xf32>, %y: tensor<48x80xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<48x80xf32> {
  %p = mlora.token_outer %x, %w : (tensor<77x48xf32>, tensor<77x80xf32>) -> tensor<48x80xf32>
  return %p : tensor<48x80xf32>
}
mlora.emulate @kernels::@outer grid [1] block [128] dynamic_shared 16384 arguments [
  {type = tensor<77x48xf32>, init = "random", seed = 19},
  {type = tensor<77x80xf32>, init = "random", seed = 20},
  {type = tensor<48x80xf32>, init = dense<7.0> : tensor<48x80xf32>, expect = @outer.y, tolerance = 1.0e-5},
  {init = dense<[77, 0, 77, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @outer_added({{.*}}mlora.schedule = "ffma 64x64x32x2"
func.func @outer_added(%x: memref<?x100xf32>, %w: memref<?x40xf32>, %y: memref<100x40xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %alpha = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %adds = memref.load %scalars[%c3] : memref<4xi64>
  %beta = arith.sitofp %adds : i64 to f32
  %a = memref.subview %x[0, 0] [%rows, 100] [1, 1] : memref<?x100xf32> to memref<?x100xf32, strided<[100, 1]>>
  %b = memref.subview %w[0, 0] [%rows, 40] [1, 1] : memref<?x40xf32> to memref<?x40xf32, strided<[40, 1]>>
  mlora.gemm transposed %a, %b into %y alpha %alpha beta %beta
    : memref<?x100xf32, strided<[100, 1]>>, memref<?x40xf32, strided<[40, 1]>>, memref<100x40xf32>
  return
}
func.func @outer_added.y(%x: tensor<130x100xf32>, %w: tensor<130x40xf32>, %y: tensor<100x40xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<100x40xf32> {
  %p = mlora.token_outer %x, %w : (tensor<130x100xf32>, tensor<130x40xf32>) -> tensor<100x40xf32>
  %q = mlora.add %p, %y : tensor<100x40xf32>
  return %q : tensor<100x40xf32>
}
mlora.emulate @kernels::@outer_added grid [1] block [128] dynamic_shared 32768 arguments [
  {type = tensor<130x100xf32>, init = "random", seed = 21},
  {type = tensor<130x40xf32>, init = "random", seed = 22},
  {type = tensor<100x40xf32>, init = "random", seed = 9, expect = @outer_added.y, tolerance = 1.0e-5},
  {init = dense<[130, 0, 130, 1]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @outer_wide({{.*}}mlora.schedule = "ffma 32x32x32x2"
func.func @outer_wide(%x: memref<?x160xf32>, %w: memref<?x136xf32>, %y: memref<160x136xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %alpha = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %adds = memref.load %scalars[%c3] : memref<4xi64>
  %beta = arith.sitofp %adds : i64 to f32
  %a = memref.subview %x[0, 0] [%rows, 160] [1, 1] : memref<?x160xf32> to memref<?x160xf32, strided<[160, 1]>>
  %b = memref.subview %w[0, 0] [%rows, 136] [1, 1] : memref<?x136xf32> to memref<?x136xf32, strided<[136, 1]>>
  mlora.gemm transposed %a, %b into %y alpha %alpha beta %beta
    : memref<?x160xf32, strided<[160, 1]>>, memref<?x136xf32, strided<[136, 1]>>, memref<160x136xf32>
  return
}
func.func @outer_wide.y(%x: tensor<65x160xf32>, %w: tensor<65x136xf32>, %y: tensor<160x136xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<160x136xf32> {
  %p = mlora.token_outer %x, %w : (tensor<65x160xf32>, tensor<65x136xf32>) -> tensor<160x136xf32>
  return %p : tensor<160x136xf32>
}
mlora.emulate @kernels::@outer_wide grid [1] block [128] dynamic_shared 16384 arguments [
  {type = tensor<65x160xf32>, init = "random", seed = 23},
  {type = tensor<65x136xf32>, init = "random", seed = 24},
  {type = tensor<160x136xf32>, init = dense<7.0> : tensor<160x136xf32>, expect = @outer_wide.y, tolerance = 1.0e-5},
  {init = dense<[65, 0, 65, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @outer_few({{.*}}mlora.schedule = "ffma 32x32x32x2"
func.func @outer_few(%x: memref<?x8xf32>, %w: memref<?x24xf32>, %y: memref<8x24xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
    attributes {mlora.grid = ["1 by 1"], mlora.scratch_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %alpha = arith.constant 1.0 : f32
  %all = memref.load %scalars[%c0] : memref<4xi64>
  %rows = arith.index_cast %all : i64 to index
  %adds = memref.load %scalars[%c3] : memref<4xi64>
  %beta = arith.sitofp %adds : i64 to f32
  %a = memref.subview %x[0, 0] [%rows, 8] [1, 1] : memref<?x8xf32> to memref<?x8xf32, strided<[8, 1]>>
  %b = memref.subview %w[0, 0] [%rows, 24] [1, 1] : memref<?x24xf32> to memref<?x24xf32, strided<[24, 1]>>
  mlora.gemm transposed %a, %b into %y alpha %alpha beta %beta
    : memref<?x8xf32, strided<[8, 1]>>, memref<?x24xf32, strided<[24, 1]>>, memref<8x24xf32>
  return
}
func.func @outer_few.y(%x: tensor<40x8xf32>, %w: tensor<40x24xf32>, %y: tensor<8x24xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<8x24xf32> {
  %p = mlora.token_outer %x, %w : (tensor<40x8xf32>, tensor<40x24xf32>) -> tensor<8x24xf32>
  return %p : tensor<8x24xf32>
}
mlora.emulate @kernels::@outer_few grid [1] block [128] dynamic_shared 16384 arguments [
  {type = tensor<40x8xf32>, init = "random", seed = 25},
  {type = tensor<40x24xf32>, init = "random", seed = 26},
  {type = tensor<8x24xf32>, init = dense<7.0> : tensor<8x24xf32>, expect = @outer_few.y, tolerance = 1.0e-5},
  {init = dense<[40, 0, 40, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

// SCHEDULE: gpu.func @odd_stride({{.*}}mlora.schedule = "rows 32, general (a has rows 140 bytes apart, no multiple of 16)"
func.func @odd_stride(%x: memref<?x35xf32>, %w: memref<24x35xf32>, %y: memref<?x24xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
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
  %a = memref.subview %x[%first, 0] [%count, 35] [1, 1] : memref<?x35xf32> to memref<?x35xf32, strided<[35, 1], offset: ?>>
  %c = memref.subview %y[%first, 0] [%count, 24] [1, 1] : memref<?x24xf32> to memref<?x24xf32, strided<[24, 1], offset: ?>>
  mlora.gemm %a, transposed %w into %c alpha %alpha beta %beta
    : memref<?x35xf32, strided<[35, 1], offset: ?>>, memref<24x35xf32>, memref<?x24xf32, strided<[24, 1], offset: ?>>
  return
}
func.func @odd_stride.y(%x: tensor<33x35xf32>, %w: tensor<24x35xf32>, %y: tensor<33x24xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x24xf32> {
  %p = mlora.linear %x, %w : (tensor<33x35xf32>, tensor<24x35xf32>) -> tensor<33x24xf32>
  return %p : tensor<33x24xf32>
}
mlora.emulate @kernels::@odd_stride grid [2] block [128] dynamic_shared 6656 arguments [
  {type = tensor<33x35xf32>, init = "random", seed = 33},
  {type = tensor<24x35xf32>, init = "random", seed = 34},
  {type = tensor<33x24xf32>, init = dense<7.0> : tensor<33x24xf32>, expect = @odd_stride.y, tolerance = 1.0e-5},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]
