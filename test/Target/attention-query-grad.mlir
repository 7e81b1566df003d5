// RUN: mlora-opt %s --mlora-to-gpu --mlora-emulate='seeds=2' -o /dev/null | FileCheck %s

// The cotangent of the queries on tensor cores against the f64 reference.
// What is rounded to bf16 on the way to tensor cores, P and dS, is summed over rows with either sign, and the result is rounded once more: 2^-8 of itself.
// With lse 4, P is about 1/50 and dS about 1/10: the sums of 200 errors of 2^-9 of that stay far below 2^-8 too. Results begin as 7.

// CHECK: @kernels::@documents_64: 8 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@one_row_64: 2 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@rows_128: 4 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@documents_128: 8 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@rows_32: 4 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@documents_80: 2 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@narrow_16: 2 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@wide_256: 1 block of 256 threads, 2 seeds: passed
// CHECK: @kernels::@wide_144: 4 blocks of 256 threads, 2 seeds: passed

mlora.kernel @documents_64(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x256xbf16> grid ["4 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  mlora.yield %rdq : tensor<?x256xbf16>
}
func.func @documents_64.dq(%do: tensor<200x256xbf16>, %q: tensor<200x256xbf16>, %k: tensor<200x128xbf16>, %v: tensor<200x128xbf16>, %o: tensor<200x256xbf16>, %lse: tensor<200x4xf32>, %start: tensor<200xi32>, %r0: tensor<200x256xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x256xbf16> {
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<200x256xbf16>, tensor<200x256xbf16>, tensor<200x128xbf16>, tensor<200x128xbf16>, tensor<200x256xbf16>, tensor<200x4xf32>, tensor<200xi32>) -> tensor<200x256xbf16>
  return %x0 : tensor<200x256xbf16>
}
mlora.emulate @kernels::@documents_64 grid [8] block [128] dynamic_shared 65536 arguments [
  {type = tensor<200x256xbf16>, init = "random", seed = 10},
  {type = tensor<200x256xbf16>, init = "random", seed = 1},
  {type = tensor<200x128xbf16>, init = "random", seed = 2},
  {type = tensor<200x128xbf16>, init = "random", seed = 3},
  {type = tensor<200x256xbf16>, init = "random", seed = 4},
  {type = tensor<200x4xf32>, init = dense<4.0> : tensor<200x4xf32>},
  {type = tensor<200xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130]> : tensor<200xi32>},
  {type = tensor<200x256xbf16>, init = dense<7.0> : tensor<200x256xbf16>, expect = @documents_64.dq, tolerance = 4.0e-03},
  {init = dense<[200, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @one_row_64(%do: tensor<?x128xbf16>, %q: tensor<?x128xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x128xbf16>, %lse: tensor<?x2xf32>)
    -> tensor<?x128xbf16> grid ["2 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 2
    : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x2xf32>) -> tensor<?x128xbf16>
  mlora.yield %rdq : tensor<?x128xbf16>
}
func.func @one_row_64.dq(%do: tensor<1x128xbf16>, %q: tensor<1x128xbf16>, %k: tensor<1x128xbf16>, %v: tensor<1x128xbf16>, %o: tensor<1x128xbf16>, %lse: tensor<1x2xf32>, %r0: tensor<1x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<1x128xbf16> {
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 2
    : (tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x2xf32>) -> tensor<1x128xbf16>
  return %x0 : tensor<1x128xbf16>
}
mlora.emulate @kernels::@one_row_64 grid [2] block [128] dynamic_shared 65536 arguments [
  {type = tensor<1x128xbf16>, init = "random", seed = 20},
  {type = tensor<1x128xbf16>, init = "random", seed = 11},
  {type = tensor<1x128xbf16>, init = "random", seed = 12},
  {type = tensor<1x128xbf16>, init = "random", seed = 13},
  {type = tensor<1x128xbf16>, init = "random", seed = 14},
  {type = tensor<1x2xf32>, init = dense<4.0> : tensor<1x2xf32>},
  {type = tensor<1x128xbf16>, init = dense<7.0> : tensor<1x128xbf16>, expect = @one_row_64.dq, tolerance = 4.0e-03},
  {init = dense<[1, 0, 1, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @rows_128(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x2xf32>)
    -> tensor<?x256xbf16> grid ["2 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x2xf32>) -> tensor<?x256xbf16>
  mlora.yield %rdq : tensor<?x256xbf16>
}
func.func @rows_128.dq(%do: tensor<128x256xbf16>, %q: tensor<128x256xbf16>, %k: tensor<128x128xbf16>, %v: tensor<128x128xbf16>, %o: tensor<128x256xbf16>, %lse: tensor<128x2xf32>, %r0: tensor<128x256xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<128x256xbf16> {
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<128x256xbf16>, tensor<128x256xbf16>, tensor<128x128xbf16>, tensor<128x128xbf16>, tensor<128x256xbf16>, tensor<128x2xf32>) -> tensor<128x256xbf16>
  return %x0 : tensor<128x256xbf16>
}
mlora.emulate @kernels::@rows_128 grid [4] block [128] dynamic_shared 98304 arguments [
  {type = tensor<128x256xbf16>, init = "random", seed = 30},
  {type = tensor<128x256xbf16>, init = "random", seed = 21},
  {type = tensor<128x128xbf16>, init = "random", seed = 22},
  {type = tensor<128x128xbf16>, init = "random", seed = 23},
  {type = tensor<128x256xbf16>, init = "random", seed = 24},
  {type = tensor<128x2xf32>, init = dense<4.0> : tensor<128x2xf32>},
  {type = tensor<128x256xbf16>, init = dense<7.0> : tensor<128x256xbf16>, expect = @rows_128.dq, tolerance = 4.0e-03},
  {init = dense<[128, 0, 128, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @documents_128(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>)
    -> tensor<?x256xbf16> grid ["2 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  mlora.yield %rdq : tensor<?x256xbf16>
}
func.func @documents_128.dq(%do: tensor<200x256xbf16>, %q: tensor<200x256xbf16>, %k: tensor<200x128xbf16>, %v: tensor<200x128xbf16>, %o: tensor<200x256xbf16>, %lse: tensor<200x2xf32>, %start: tensor<200xi32>, %r0: tensor<200x256xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x256xbf16> {
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<200x256xbf16>, tensor<200x256xbf16>, tensor<200x128xbf16>, tensor<200x128xbf16>, tensor<200x256xbf16>, tensor<200x2xf32>, tensor<200xi32>) -> tensor<200x256xbf16>
  return %x0 : tensor<200x256xbf16>
}
mlora.emulate @kernels::@documents_128 grid [8] block [128] dynamic_shared 98304 arguments [
  {type = tensor<200x256xbf16>, init = "random", seed = 40},
  {type = tensor<200x256xbf16>, init = "random", seed = 31},
  {type = tensor<200x128xbf16>, init = "random", seed = 32},
  {type = tensor<200x128xbf16>, init = "random", seed = 33},
  {type = tensor<200x256xbf16>, init = "random", seed = 34},
  {type = tensor<200x2xf32>, init = dense<4.0> : tensor<200x2xf32>},
  {type = tensor<200xi32>, init = dense<[0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131]> : tensor<200xi32>},
  {type = tensor<200x256xbf16>, init = dense<7.0> : tensor<200x256xbf16>, expect = @documents_128.dq, tolerance = 4.0e-03},
  {init = dense<[200, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @rows_32(%do: tensor<?x128xbf16>, %q: tensor<?x128xbf16>, %k: tensor<?x64xbf16>, %v: tensor<?x64xbf16>, %o: tensor<?x128xbf16>, %lse: tensor<?x4xf32>)
    -> tensor<?x128xbf16> grid ["4 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x128xbf16>, tensor<?x4xf32>) -> tensor<?x128xbf16>
  mlora.yield %rdq : tensor<?x128xbf16>
}
func.func @rows_32.dq(%do: tensor<128x128xbf16>, %q: tensor<128x128xbf16>, %k: tensor<128x64xbf16>, %v: tensor<128x64xbf16>, %o: tensor<128x128xbf16>, %lse: tensor<128x4xf32>, %r0: tensor<128x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<128x128xbf16> {
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<128x128xbf16>, tensor<128x128xbf16>, tensor<128x64xbf16>, tensor<128x64xbf16>, tensor<128x128xbf16>, tensor<128x4xf32>) -> tensor<128x128xbf16>
  return %x0 : tensor<128x128xbf16>
}
mlora.emulate @kernels::@rows_32 grid [4] block [128] dynamic_shared 32768 arguments [
  {type = tensor<128x128xbf16>, init = "random", seed = 50},
  {type = tensor<128x128xbf16>, init = "random", seed = 41},
  {type = tensor<128x64xbf16>, init = "random", seed = 42},
  {type = tensor<128x64xbf16>, init = "random", seed = 43},
  {type = tensor<128x128xbf16>, init = "random", seed = 44},
  {type = tensor<128x4xf32>, init = dense<4.0> : tensor<128x4xf32>},
  {type = tensor<128x128xbf16>, init = dense<7.0> : tensor<128x128xbf16>, expect = @rows_32.dq, tolerance = 4.0e-03},
  {init = dense<[128, 0, 128, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @documents_80(%do: tensor<?x160xbf16>, %q: tensor<?x160xbf16>, %k: tensor<?x80xbf16>, %v: tensor<?x80xbf16>, %o: tensor<?x160xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>)
    -> tensor<?x160xbf16> grid ["2 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x160xbf16>, tensor<?x160xbf16>, tensor<?x80xbf16>, tensor<?x80xbf16>, tensor<?x160xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x160xbf16>
  mlora.yield %rdq : tensor<?x160xbf16>
}
func.func @documents_80.dq(%do: tensor<33x160xbf16>, %q: tensor<33x160xbf16>, %k: tensor<33x80xbf16>, %v: tensor<33x80xbf16>, %o: tensor<33x160xbf16>, %lse: tensor<33x2xf32>, %start: tensor<33xi32>, %r0: tensor<33x160xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x160xbf16> {
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<33x160xbf16>, tensor<33x160xbf16>, tensor<33x80xbf16>, tensor<33x80xbf16>, tensor<33x160xbf16>, tensor<33x2xf32>, tensor<33xi32>) -> tensor<33x160xbf16>
  return %x0 : tensor<33x160xbf16>
}
mlora.emulate @kernels::@documents_80 grid [2] block [128] dynamic_shared 67584 arguments [
  {type = tensor<33x160xbf16>, init = "random", seed = 60},
  {type = tensor<33x160xbf16>, init = "random", seed = 51},
  {type = tensor<33x80xbf16>, init = "random", seed = 52},
  {type = tensor<33x80xbf16>, init = "random", seed = 53},
  {type = tensor<33x160xbf16>, init = "random", seed = 54},
  {type = tensor<33x2xf32>, init = dense<4.0> : tensor<33x2xf32>},
  {type = tensor<33xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20]> : tensor<33xi32>},
  {type = tensor<33x160xbf16>, init = dense<7.0> : tensor<33x160xbf16>, expect = @documents_80.dq, tolerance = 4.0e-03},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @narrow_16(%do: tensor<?x32xbf16>, %q: tensor<?x32xbf16>, %k: tensor<?x16xbf16>, %v: tensor<?x16xbf16>, %o: tensor<?x32xbf16>, %lse: tensor<?x2xf32>)
    -> tensor<?x32xbf16> grid ["2 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>, tensor<?x32xbf16>, tensor<?x2xf32>) -> tensor<?x32xbf16>
  mlora.yield %rdq : tensor<?x32xbf16>
}
func.func @narrow_16.dq(%do: tensor<33x32xbf16>, %q: tensor<33x32xbf16>, %k: tensor<33x16xbf16>, %v: tensor<33x16xbf16>, %o: tensor<33x32xbf16>, %lse: tensor<33x2xf32>, %r0: tensor<33x32xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x32xbf16> {
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<33x32xbf16>, tensor<33x32xbf16>, tensor<33x16xbf16>, tensor<33x16xbf16>, tensor<33x32xbf16>, tensor<33x2xf32>) -> tensor<33x32xbf16>
  return %x0 : tensor<33x32xbf16>
}
mlora.emulate @kernels::@narrow_16 grid [2] block [128] dynamic_shared 16384 arguments [
  {type = tensor<33x32xbf16>, init = "random", seed = 70},
  {type = tensor<33x32xbf16>, init = "random", seed = 61},
  {type = tensor<33x16xbf16>, init = "random", seed = 62},
  {type = tensor<33x16xbf16>, init = "random", seed = 63},
  {type = tensor<33x32xbf16>, init = "random", seed = 64},
  {type = tensor<33x2xf32>, init = dense<4.0> : tensor<33x2xf32>},
  {type = tensor<33x32xbf16>, init = dense<7.0> : tensor<33x32xbf16>, expect = @narrow_16.dq, tolerance = 4.0e-03},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @wide_256(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x1xf32>)
    -> tensor<?x256xbf16> grid ["1 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 1 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x1xf32>) -> tensor<?x256xbf16>
  mlora.yield %rdq : tensor<?x256xbf16>
}
func.func @wide_256.dq(%do: tensor<33x256xbf16>, %q: tensor<33x256xbf16>, %k: tensor<33x256xbf16>, %v: tensor<33x256xbf16>, %o: tensor<33x256xbf16>, %lse: tensor<33x1xf32>, %r0: tensor<33x256xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x256xbf16> {
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 1 kv_heads 1
    : (tensor<33x256xbf16>, tensor<33x256xbf16>, tensor<33x256xbf16>, tensor<33x256xbf16>, tensor<33x256xbf16>, tensor<33x1xf32>) -> tensor<33x256xbf16>
  return %x0 : tensor<33x256xbf16>
}
mlora.emulate @kernels::@wide_256 grid [1] block [256] dynamic_shared 131072 arguments [
  {type = tensor<33x256xbf16>, init = "random", seed = 80},
  {type = tensor<33x256xbf16>, init = "random", seed = 71},
  {type = tensor<33x256xbf16>, init = "random", seed = 72},
  {type = tensor<33x256xbf16>, init = "random", seed = 73},
  {type = tensor<33x256xbf16>, init = "random", seed = 74},
  {type = tensor<33x1xf32>, init = dense<4.0> : tensor<33x1xf32>},
  {type = tensor<33x256xbf16>, init = dense<7.0> : tensor<33x256xbf16>, expect = @wide_256.dq, tolerance = 4.0e-03},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @wide_144(%do: tensor<?x288xbf16>, %q: tensor<?x288xbf16>, %k: tensor<?x144xbf16>, %v: tensor<?x144xbf16>, %o: tensor<?x288xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>)
    -> tensor<?x288xbf16> grid ["2 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x288xbf16>, tensor<?x288xbf16>, tensor<?x144xbf16>, tensor<?x144xbf16>, tensor<?x288xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x288xbf16>
  mlora.yield %rdq : tensor<?x288xbf16>
}
func.func @wide_144.dq(%do: tensor<70x288xbf16>, %q: tensor<70x288xbf16>, %k: tensor<70x144xbf16>, %v: tensor<70x144xbf16>, %o: tensor<70x288xbf16>, %lse: tensor<70x2xf32>, %start: tensor<70xi32>, %r0: tensor<70x288xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x288xbf16> {
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<70x288xbf16>, tensor<70x288xbf16>, tensor<70x144xbf16>, tensor<70x144xbf16>, tensor<70x288xbf16>, tensor<70x2xf32>, tensor<70xi32>) -> tensor<70x288xbf16>
  return %x0 : tensor<70x288xbf16>
}
mlora.emulate @kernels::@wide_144 grid [4] block [256] dynamic_shared 77824 arguments [
  {type = tensor<70x288xbf16>, init = "random", seed = 90},
  {type = tensor<70x288xbf16>, init = "random", seed = 81},
  {type = tensor<70x144xbf16>, init = "random", seed = 82},
  {type = tensor<70x144xbf16>, init = "random", seed = 83},
  {type = tensor<70x288xbf16>, init = "random", seed = 84},
  {type = tensor<70x2xf32>, init = dense<4.0> : tensor<70x2xf32>},
  {type = tensor<70xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33]> : tensor<70xi32>},
  {type = tensor<70x288xbf16>, init = dense<7.0> : tensor<70x288xbf16>, expect = @wide_144.dq, tolerance = 4.0e-03},
  {init = dense<[70, 0, 70, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]
