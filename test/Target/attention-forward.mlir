// RUN: mlora-opt %s --mlora-to-gpu --mlora-emulate='seeds=2' -o /dev/null | FileCheck %s

// Attention on tensor cores against the f64 reference: head widths with and without swizzle, rows that no tile divides, documents, grouped
// heads, keys of a cache. What is rounded to bf16 is P and the output, each by at most 2^-8 of itself; |v| <= 1, so |o| <= 1 and the sum of both
// errors is at most 2^-8 · (1 + |o|). lse is f32 throughout. Results begin as 7: each must be written.

// CHECK: @kernels::@documents_64: 8 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@one_row_64: 2 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@rows_128: 2 blocks of 256 threads, 2 seeds: passed
// CHECK: @kernels::@documents_128: 4 blocks of 256 threads, 2 seeds: passed
// CHECK: @kernels::@rows_32: 4 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@documents_80: 2 blocks of 256 threads, 2 seeds: passed
// CHECK: @kernels::@narrow_16: 2 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@wide_256: 1 block of 128 threads, 2 seeds: passed
// CHECK: @kernels::@wide_144: 2 blocks of 128 threads, 2 seeds: passed

mlora.kernel @documents_64(%q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x4xf32>
}
func.func @documents_64.o(%q: tensor<200x256xbf16>, %k: tensor<200x128xbf16>, %v: tensor<200x128xbf16>, %start: tensor<200xi32>, %r0: tensor<200x256xbf16>, %r1: tensor<200x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x256xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<200x256xbf16>, tensor<200x128xbf16>, tensor<200x128xbf16>, tensor<200xi32>) -> (tensor<200x256xbf16>, tensor<200x4xf32>)
  return %x0 : tensor<200x256xbf16>
}
func.func @documents_64.lse(%q: tensor<200x256xbf16>, %k: tensor<200x128xbf16>, %v: tensor<200x128xbf16>, %start: tensor<200xi32>, %r0: tensor<200x256xbf16>, %r1: tensor<200x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x4xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<200x256xbf16>, tensor<200x128xbf16>, tensor<200x128xbf16>, tensor<200xi32>) -> (tensor<200x256xbf16>, tensor<200x4xf32>)
  return %x1 : tensor<200x4xf32>
}
mlora.emulate @kernels::@documents_64 grid [8] block [128] dynamic_shared 49152 arguments [
  {type = tensor<200x256xbf16>, init = "random", seed = 1},
  {type = tensor<200x128xbf16>, init = "random", seed = 2},
  {type = tensor<200x128xbf16>, init = "random", seed = 3},
  {type = tensor<200xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130]> : tensor<200xi32>},
  {type = tensor<200x256xbf16>, init = dense<7.0> : tensor<200x256xbf16>, expect = @documents_64.o, tolerance = 4.0e-03},
  {type = tensor<200x4xf32>, init = dense<7.0> : tensor<200x4xf32>, expect = @documents_64.lse, tolerance = 1.0e-03},
  {init = dense<[200, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @one_row_64(%q: tensor<?x128xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>)
    -> (tensor<?x128xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v heads 2 kv_heads 2
    : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>) -> (tensor<?x128xbf16>, tensor<?x2xf32>)
  mlora.yield %o, %lse : tensor<?x128xbf16>, tensor<?x2xf32>
}
func.func @one_row_64.o(%q: tensor<1x128xbf16>, %k: tensor<1x128xbf16>, %v: tensor<1x128xbf16>, %r0: tensor<1x128xbf16>, %r1: tensor<1x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<1x128xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 2 kv_heads 2
    : (tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>) -> (tensor<1x128xbf16>, tensor<1x2xf32>)
  return %x0 : tensor<1x128xbf16>
}
func.func @one_row_64.lse(%q: tensor<1x128xbf16>, %k: tensor<1x128xbf16>, %v: tensor<1x128xbf16>, %r0: tensor<1x128xbf16>, %r1: tensor<1x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<1x2xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 2 kv_heads 2
    : (tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>) -> (tensor<1x128xbf16>, tensor<1x2xf32>)
  return %x1 : tensor<1x2xf32>
}
mlora.emulate @kernels::@one_row_64 grid [2] block [128] dynamic_shared 49152 arguments [
  {type = tensor<1x128xbf16>, init = "random", seed = 11},
  {type = tensor<1x128xbf16>, init = "random", seed = 12},
  {type = tensor<1x128xbf16>, init = "random", seed = 13},
  {type = tensor<1x128xbf16>, init = dense<7.0> : tensor<1x128xbf16>, expect = @one_row_64.o, tolerance = 4.0e-03},
  {type = tensor<1x2xf32>, init = dense<7.0> : tensor<1x2xf32>, expect = @one_row_64.lse, tolerance = 1.0e-03},
  {init = dense<[1, 0, 1, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @rows_128(%q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>)
    -> (tensor<?x256xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>) -> (tensor<?x256xbf16>, tensor<?x2xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x2xf32>
}
func.func @rows_128.o(%q: tensor<128x256xbf16>, %k: tensor<128x128xbf16>, %v: tensor<128x128xbf16>, %r0: tensor<128x256xbf16>, %r1: tensor<128x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<128x256xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 2 kv_heads 1
    : (tensor<128x256xbf16>, tensor<128x128xbf16>, tensor<128x128xbf16>) -> (tensor<128x256xbf16>, tensor<128x2xf32>)
  return %x0 : tensor<128x256xbf16>
}
func.func @rows_128.lse(%q: tensor<128x256xbf16>, %k: tensor<128x128xbf16>, %v: tensor<128x128xbf16>, %r0: tensor<128x256xbf16>, %r1: tensor<128x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<128x2xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 2 kv_heads 1
    : (tensor<128x256xbf16>, tensor<128x128xbf16>, tensor<128x128xbf16>) -> (tensor<128x256xbf16>, tensor<128x2xf32>)
  return %x1 : tensor<128x2xf32>
}
mlora.emulate @kernels::@rows_128 grid [2] block [256] dynamic_shared 98304 arguments [
  {type = tensor<128x256xbf16>, init = "random", seed = 21},
  {type = tensor<128x128xbf16>, init = "random", seed = 22},
  {type = tensor<128x128xbf16>, init = "random", seed = 23},
  {type = tensor<128x256xbf16>, init = dense<7.0> : tensor<128x256xbf16>, expect = @rows_128.o, tolerance = 4.0e-03},
  {type = tensor<128x2xf32>, init = dense<7.0> : tensor<128x2xf32>, expect = @rows_128.lse, tolerance = 1.0e-03},
  {init = dense<[128, 0, 128, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @documents_128(%q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x2xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x2xf32>
}
func.func @documents_128.o(%q: tensor<200x256xbf16>, %k: tensor<200x128xbf16>, %v: tensor<200x128xbf16>, %start: tensor<200xi32>, %r0: tensor<200x256xbf16>, %r1: tensor<200x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x256xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<200x256xbf16>, tensor<200x128xbf16>, tensor<200x128xbf16>, tensor<200xi32>) -> (tensor<200x256xbf16>, tensor<200x2xf32>)
  return %x0 : tensor<200x256xbf16>
}
func.func @documents_128.lse(%q: tensor<200x256xbf16>, %k: tensor<200x128xbf16>, %v: tensor<200x128xbf16>, %start: tensor<200xi32>, %r0: tensor<200x256xbf16>, %r1: tensor<200x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x2xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<200x256xbf16>, tensor<200x128xbf16>, tensor<200x128xbf16>, tensor<200xi32>) -> (tensor<200x256xbf16>, tensor<200x2xf32>)
  return %x1 : tensor<200x2xf32>
}
mlora.emulate @kernels::@documents_128 grid [4] block [256] dynamic_shared 98304 arguments [
  {type = tensor<200x256xbf16>, init = "random", seed = 31},
  {type = tensor<200x128xbf16>, init = "random", seed = 32},
  {type = tensor<200x128xbf16>, init = "random", seed = 33},
  {type = tensor<200xi32>, init = dense<[0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131, 131]> : tensor<200xi32>},
  {type = tensor<200x256xbf16>, init = dense<7.0> : tensor<200x256xbf16>, expect = @documents_128.o, tolerance = 4.0e-03},
  {type = tensor<200x2xf32>, init = dense<7.0> : tensor<200x2xf32>, expect = @documents_128.lse, tolerance = 1.0e-03},
  {init = dense<[200, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @rows_32(%q: tensor<?x128xbf16>, %k: tensor<?x64xbf16>, %v: tensor<?x64xbf16>)
    -> (tensor<?x128xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v heads 4 kv_heads 2
    : (tensor<?x128xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>) -> (tensor<?x128xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x128xbf16>, tensor<?x4xf32>
}
func.func @rows_32.o(%q: tensor<128x128xbf16>, %k: tensor<128x64xbf16>, %v: tensor<128x64xbf16>, %r0: tensor<128x128xbf16>, %r1: tensor<128x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<128x128xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 4 kv_heads 2
    : (tensor<128x128xbf16>, tensor<128x64xbf16>, tensor<128x64xbf16>) -> (tensor<128x128xbf16>, tensor<128x4xf32>)
  return %x0 : tensor<128x128xbf16>
}
func.func @rows_32.lse(%q: tensor<128x128xbf16>, %k: tensor<128x64xbf16>, %v: tensor<128x64xbf16>, %r0: tensor<128x128xbf16>, %r1: tensor<128x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<128x4xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 4 kv_heads 2
    : (tensor<128x128xbf16>, tensor<128x64xbf16>, tensor<128x64xbf16>) -> (tensor<128x128xbf16>, tensor<128x4xf32>)
  return %x1 : tensor<128x4xf32>
}
mlora.emulate @kernels::@rows_32 grid [4] block [128] dynamic_shared 24576 arguments [
  {type = tensor<128x128xbf16>, init = "random", seed = 41},
  {type = tensor<128x64xbf16>, init = "random", seed = 42},
  {type = tensor<128x64xbf16>, init = "random", seed = 43},
  {type = tensor<128x128xbf16>, init = dense<7.0> : tensor<128x128xbf16>, expect = @rows_32.o, tolerance = 4.0e-03},
  {type = tensor<128x4xf32>, init = dense<7.0> : tensor<128x4xf32>, expect = @rows_32.lse, tolerance = 1.0e-03},
  {init = dense<[128, 0, 128, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @documents_80(%q: tensor<?x160xbf16>, %k: tensor<?x80xbf16>, %v: tensor<?x80xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x160xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<?x160xbf16>, tensor<?x80xbf16>, tensor<?x80xbf16>, tensor<?xi32>) -> (tensor<?x160xbf16>, tensor<?x2xf32>)
  mlora.yield %o, %lse : tensor<?x160xbf16>, tensor<?x2xf32>
}
func.func @documents_80.o(%q: tensor<33x160xbf16>, %k: tensor<33x80xbf16>, %v: tensor<33x80xbf16>, %start: tensor<33xi32>, %r0: tensor<33x160xbf16>, %r1: tensor<33x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x160xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<33x160xbf16>, tensor<33x80xbf16>, tensor<33x80xbf16>, tensor<33xi32>) -> (tensor<33x160xbf16>, tensor<33x2xf32>)
  return %x0 : tensor<33x160xbf16>
}
func.func @documents_80.lse(%q: tensor<33x160xbf16>, %k: tensor<33x80xbf16>, %v: tensor<33x80xbf16>, %start: tensor<33xi32>, %r0: tensor<33x160xbf16>, %r1: tensor<33x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x2xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<33x160xbf16>, tensor<33x80xbf16>, tensor<33x80xbf16>, tensor<33xi32>) -> (tensor<33x160xbf16>, tensor<33x2xf32>)
  return %x1 : tensor<33x2xf32>
}
mlora.emulate @kernels::@documents_80 grid [2] block [256] dynamic_shared 67584 arguments [
  {type = tensor<33x160xbf16>, init = "random", seed = 51},
  {type = tensor<33x80xbf16>, init = "random", seed = 52},
  {type = tensor<33x80xbf16>, init = "random", seed = 53},
  {type = tensor<33xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20]> : tensor<33xi32>},
  {type = tensor<33x160xbf16>, init = dense<7.0> : tensor<33x160xbf16>, expect = @documents_80.o, tolerance = 4.0e-03},
  {type = tensor<33x2xf32>, init = dense<7.0> : tensor<33x2xf32>, expect = @documents_80.lse, tolerance = 1.0e-03},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @narrow_16(%q: tensor<?x32xbf16>, %k: tensor<?x16xbf16>, %v: tensor<?x16xbf16>)
    -> (tensor<?x32xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v heads 2 kv_heads 1
    : (tensor<?x32xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>) -> (tensor<?x32xbf16>, tensor<?x2xf32>)
  mlora.yield %o, %lse : tensor<?x32xbf16>, tensor<?x2xf32>
}
func.func @narrow_16.o(%q: tensor<33x32xbf16>, %k: tensor<33x16xbf16>, %v: tensor<33x16xbf16>, %r0: tensor<33x32xbf16>, %r1: tensor<33x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x32xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 2 kv_heads 1
    : (tensor<33x32xbf16>, tensor<33x16xbf16>, tensor<33x16xbf16>) -> (tensor<33x32xbf16>, tensor<33x2xf32>)
  return %x0 : tensor<33x32xbf16>
}
func.func @narrow_16.lse(%q: tensor<33x32xbf16>, %k: tensor<33x16xbf16>, %v: tensor<33x16xbf16>, %r0: tensor<33x32xbf16>, %r1: tensor<33x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x2xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 2 kv_heads 1
    : (tensor<33x32xbf16>, tensor<33x16xbf16>, tensor<33x16xbf16>) -> (tensor<33x32xbf16>, tensor<33x2xf32>)
  return %x1 : tensor<33x2xf32>
}
mlora.emulate @kernels::@narrow_16 grid [2] block [128] dynamic_shared 12288 arguments [
  {type = tensor<33x32xbf16>, init = "random", seed = 61},
  {type = tensor<33x16xbf16>, init = "random", seed = 62},
  {type = tensor<33x16xbf16>, init = "random", seed = 63},
  {type = tensor<33x32xbf16>, init = dense<7.0> : tensor<33x32xbf16>, expect = @narrow_16.o, tolerance = 4.0e-03},
  {type = tensor<33x2xf32>, init = dense<7.0> : tensor<33x2xf32>, expect = @narrow_16.lse, tolerance = 1.0e-03},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @wide_256(%q: tensor<?x256xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>)
    -> (tensor<?x256xbf16>, tensor<?x1xf32>) grid ["1 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v heads 1 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>) -> (tensor<?x256xbf16>, tensor<?x1xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x1xf32>
}
func.func @wide_256.o(%q: tensor<33x256xbf16>, %k: tensor<33x256xbf16>, %v: tensor<33x256xbf16>, %r0: tensor<33x256xbf16>, %r1: tensor<33x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x256xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 1 kv_heads 1
    : (tensor<33x256xbf16>, tensor<33x256xbf16>, tensor<33x256xbf16>) -> (tensor<33x256xbf16>, tensor<33x1xf32>)
  return %x0 : tensor<33x256xbf16>
}
func.func @wide_256.lse(%q: tensor<33x256xbf16>, %k: tensor<33x256xbf16>, %v: tensor<33x256xbf16>, %r0: tensor<33x256xbf16>, %r1: tensor<33x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x1xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 1 kv_heads 1
    : (tensor<33x256xbf16>, tensor<33x256xbf16>, tensor<33x256xbf16>) -> (tensor<33x256xbf16>, tensor<33x1xf32>)
  return %x1 : tensor<33x1xf32>
}
mlora.emulate @kernels::@wide_256 grid [1] block [128] dynamic_shared 98304 arguments [
  {type = tensor<33x256xbf16>, init = "random", seed = 71},
  {type = tensor<33x256xbf16>, init = "random", seed = 72},
  {type = tensor<33x256xbf16>, init = "random", seed = 73},
  {type = tensor<33x256xbf16>, init = dense<7.0> : tensor<33x256xbf16>, expect = @wide_256.o, tolerance = 4.0e-03},
  {type = tensor<33x1xf32>, init = dense<7.0> : tensor<33x1xf32>, expect = @wide_256.lse, tolerance = 1.0e-03},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @wide_144(%q: tensor<?x144xbf16>, %k: tensor<?x144xbf16>, %v: tensor<?x144xbf16>)
    -> (tensor<?x144xbf16>, tensor<?x1xf32>) grid ["1 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v heads 1 kv_heads 1
    : (tensor<?x144xbf16>, tensor<?x144xbf16>, tensor<?x144xbf16>) -> (tensor<?x144xbf16>, tensor<?x1xf32>)
  mlora.yield %o, %lse : tensor<?x144xbf16>, tensor<?x1xf32>
}
func.func @wide_144.o(%q: tensor<70x144xbf16>, %k: tensor<70x144xbf16>, %v: tensor<70x144xbf16>, %r0: tensor<70x144xbf16>, %r1: tensor<70x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x144xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 1 kv_heads 1
    : (tensor<70x144xbf16>, tensor<70x144xbf16>, tensor<70x144xbf16>) -> (tensor<70x144xbf16>, tensor<70x1xf32>)
  return %x0 : tensor<70x144xbf16>
}
func.func @wide_144.lse(%q: tensor<70x144xbf16>, %k: tensor<70x144xbf16>, %v: tensor<70x144xbf16>, %r0: tensor<70x144xbf16>, %r1: tensor<70x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x1xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 1 kv_heads 1
    : (tensor<70x144xbf16>, tensor<70x144xbf16>, tensor<70x144xbf16>) -> (tensor<70x144xbf16>, tensor<70x1xf32>)
  return %x1 : tensor<70x1xf32>
}
mlora.emulate @kernels::@wide_144 grid [2] block [128] dynamic_shared 58368 arguments [
  {type = tensor<70x144xbf16>, init = "random", seed = 81},
  {type = tensor<70x144xbf16>, init = "random", seed = 82},
  {type = tensor<70x144xbf16>, init = "random", seed = 83},
  {type = tensor<70x144xbf16>, init = dense<7.0> : tensor<70x144xbf16>, expect = @wide_144.o, tolerance = 4.0e-03},
  {type = tensor<70x1xf32>, init = dense<7.0> : tensor<70x1xf32>, expect = @wide_144.lse, tolerance = 1.0e-03},
  {init = dense<[70, 0, 70, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]
