// RUN: mlora-opt %s --mlora-attention-to-gpu=chip=sm_90a --mlora-to-gpu --mlora-emulate='seeds=2' -o /dev/null | FileCheck %s

// Forward attention with wgmma, as attention-forward.mlir: against the f64 reference, with the same tolerances. Rows that no tile divides, a
// warpgroup without rows (one_row), one that skips steps at the beginning (skipped) or the end (shifted), more steps than stages (long).

// CHECK: @kernels::@documents_64: 8 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@one_row_64: 2 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@rows_128: 2 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@documents_128: 4 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@skipped_64: 3 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@shifted_128: 3 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@long_64: 6 blocks of 384 threads, 2 seeds: passed

mlora.kernel @documents_64(%q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %ro, %rlse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %ro, %rlse : tensor<?x256xbf16>, tensor<?x4xf32>
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
mlora.emulate @kernels::@documents_64 grid [8] block [384] dynamic_shared 115712 arguments [
  {type = tensor<200x256xbf16>, init = "random", seed = 1},
  {type = tensor<200x128xbf16>, init = "random", seed = 2},
  {type = tensor<200x128xbf16>, init = "random", seed = 3},
  {type = tensor<200xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130]> : tensor<200xi32>},
  {type = tensor<200x256xbf16>, init = dense<7.0> : tensor<200x256xbf16>, expect = @documents_64.o, tolerance = 4.0e-03},
  {type = tensor<200x4xf32>, init = dense<7.0> : tensor<200x4xf32>, expect = @documents_64.lse, tolerance = 1.0e-03},
  {init = dense<[200, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 4, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @one_row_64(%q: tensor<?x128xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>)
    -> (tensor<?x128xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %ro, %rlse = mlora.attention %q, %k, %v heads 2 kv_heads 2
    : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>) -> (tensor<?x128xbf16>, tensor<?x2xf32>)
  mlora.yield %ro, %rlse : tensor<?x128xbf16>, tensor<?x2xf32>
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
mlora.emulate @kernels::@one_row_64 grid [2] block [384] dynamic_shared 115712 arguments [
  {type = tensor<1x128xbf16>, init = "random", seed = 11},
  {type = tensor<1x128xbf16>, init = "random", seed = 12},
  {type = tensor<1x128xbf16>, init = "random", seed = 13},
  {type = tensor<1x128xbf16>, init = dense<7.0> : tensor<1x128xbf16>, expect = @one_row_64.o, tolerance = 4.0e-03},
  {type = tensor<1x2xf32>, init = dense<7.0> : tensor<1x2xf32>, expect = @one_row_64.lse, tolerance = 1.0e-03},
  {init = dense<[1, 0, 1, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @rows_128(%q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>)
    -> (tensor<?x256xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %ro, %rlse = mlora.attention %q, %k, %v heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>) -> (tensor<?x256xbf16>, tensor<?x2xf32>)
  mlora.yield %ro, %rlse : tensor<?x256xbf16>, tensor<?x2xf32>
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
mlora.emulate @kernels::@rows_128 grid [2] block [384] dynamic_shared 197632 arguments [
  {type = tensor<128x256xbf16>, init = "random", seed = 21},
  {type = tensor<128x128xbf16>, init = "random", seed = 22},
  {type = tensor<128x128xbf16>, init = "random", seed = 23},
  {type = tensor<128x256xbf16>, init = dense<7.0> : tensor<128x256xbf16>, expect = @rows_128.o, tolerance = 4.0e-03},
  {type = tensor<128x2xf32>, init = dense<7.0> : tensor<128x2xf32>, expect = @rows_128.lse, tolerance = 1.0e-03},
  {init = dense<[128, 0, 128, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @documents_128(%q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %ro, %rlse = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x2xf32>)
  mlora.yield %ro, %rlse : tensor<?x256xbf16>, tensor<?x2xf32>
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
mlora.emulate @kernels::@documents_128 grid [4] block [384] dynamic_shared 197632 arguments [
  {type = tensor<200x256xbf16>, init = "random", seed = 31},
  {type = tensor<200x128xbf16>, init = "random", seed = 32},
  {type = tensor<200x128xbf16>, init = "random", seed = 33},
  {type = tensor<200xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130]> : tensor<200xi32>},
  {type = tensor<200x256xbf16>, init = dense<7.0> : tensor<200x256xbf16>, expect = @documents_128.o, tolerance = 4.0e-03},
  {type = tensor<200x2xf32>, init = dense<7.0> : tensor<200x2xf32>, expect = @documents_128.lse, tolerance = 1.0e-03},
  {init = dense<[200, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 4, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @skipped_64(%q: tensor<?x64xbf16>, %k: tensor<?x64xbf16>, %v: tensor<?x64xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x64xbf16>, tensor<?x1xf32>) grid ["1 by 1", "rows by 64"] {
  %ro, %rlse = mlora.attention %q, %k, %v document %start heads 1 kv_heads 1
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?xi32>) -> (tensor<?x64xbf16>, tensor<?x1xf32>)
  mlora.yield %ro, %rlse : tensor<?x64xbf16>, tensor<?x1xf32>
}
func.func @skipped_64.o(%q: tensor<300x64xbf16>, %k: tensor<300x64xbf16>, %v: tensor<300x64xbf16>, %start: tensor<300xi32>, %r0: tensor<300x64xbf16>, %r1: tensor<300x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<300x64xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 1 kv_heads 1
    : (tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300xi32>) -> (tensor<300x64xbf16>, tensor<300x1xf32>)
  return %x0 : tensor<300x64xbf16>
}
func.func @skipped_64.lse(%q: tensor<300x64xbf16>, %k: tensor<300x64xbf16>, %v: tensor<300x64xbf16>, %start: tensor<300xi32>, %r0: tensor<300x64xbf16>, %r1: tensor<300x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<300x1xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 1 kv_heads 1
    : (tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300xi32>) -> (tensor<300x64xbf16>, tensor<300x1xf32>)
  return %x1 : tensor<300x1xf32>
}
mlora.emulate @kernels::@skipped_64 grid [3] block [384] dynamic_shared 115712 arguments [
  {type = tensor<300x64xbf16>, init = "random", seed = 41},
  {type = tensor<300x64xbf16>, init = "random", seed = 42},
  {type = tensor<300x64xbf16>, init = "random", seed = 43},
  {type = tensor<300xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260]> : tensor<300xi32>},
  {type = tensor<300x64xbf16>, init = dense<7.0> : tensor<300x64xbf16>, expect = @skipped_64.o, tolerance = 4.0e-03},
  {type = tensor<300x1xf32>, init = dense<7.0> : tensor<300x1xf32>, expect = @skipped_64.lse, tolerance = 1.0e-03},
  {init = dense<[300, 0, 300, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 4, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @shifted_128(%q: tensor<?x128xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x128xbf16>, tensor<?x1xf32>) grid ["1 by 1", "rows by 64"] {
  %ro, %rlse = mlora.attention %q, %k, %v document %start heads 1 kv_heads 1
    : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x1xf32>)
  mlora.yield %ro, %rlse : tensor<?x128xbf16>, tensor<?x1xf32>
}
func.func @shifted_128.o(%q: tensor<300x128xbf16>, %k: tensor<300x128xbf16>, %v: tensor<300x128xbf16>, %start: tensor<300xi32>, %r0: tensor<300x128xbf16>, %r1: tensor<300x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<300x128xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 1 kv_heads 1
    : (tensor<300x128xbf16>, tensor<300x128xbf16>, tensor<300x128xbf16>, tensor<300xi32>) -> (tensor<300x128xbf16>, tensor<300x1xf32>)
  return %x0 : tensor<300x128xbf16>
}
func.func @shifted_128.lse(%q: tensor<300x128xbf16>, %k: tensor<300x128xbf16>, %v: tensor<300x128xbf16>, %start: tensor<300xi32>, %r0: tensor<300x128xbf16>, %r1: tensor<300x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<300x1xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 1 kv_heads 1
    : (tensor<300x128xbf16>, tensor<300x128xbf16>, tensor<300x128xbf16>, tensor<300xi32>) -> (tensor<300x128xbf16>, tensor<300x1xf32>)
  return %x1 : tensor<300x1xf32>
}
mlora.emulate @kernels::@shifted_128 grid [3] block [384] dynamic_shared 197632 arguments [
  {type = tensor<300x128xbf16>, init = "random", seed = 51},
  {type = tensor<300x128xbf16>, init = "random", seed = 52},
  {type = tensor<300x128xbf16>, init = "random", seed = 53},
  {type = tensor<300xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100]> : tensor<300xi32>},
  {type = tensor<300x128xbf16>, init = dense<7.0> : tensor<300x128xbf16>, expect = @shifted_128.o, tolerance = 4.0e-03},
  {type = tensor<300x1xf32>, init = dense<7.0> : tensor<300x1xf32>, expect = @shifted_128.lse, tolerance = 1.0e-03},
  {init = dense<[300, 0, 300, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 4, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @long_64(%q: tensor<?x64xbf16>, %k: tensor<?x64xbf16>, %v: tensor<?x64xbf16>)
    -> (tensor<?x64xbf16>, tensor<?x1xf32>) grid ["1 by 1", "rows by 64"] {
  %ro, %rlse = mlora.attention %q, %k, %v heads 1 kv_heads 1
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>) -> (tensor<?x64xbf16>, tensor<?x1xf32>)
  mlora.yield %ro, %rlse : tensor<?x64xbf16>, tensor<?x1xf32>
}
func.func @long_64.o(%q: tensor<700x64xbf16>, %k: tensor<700x64xbf16>, %v: tensor<700x64xbf16>, %r0: tensor<700x64xbf16>, %r1: tensor<700x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<700x64xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 1 kv_heads 1
    : (tensor<700x64xbf16>, tensor<700x64xbf16>, tensor<700x64xbf16>) -> (tensor<700x64xbf16>, tensor<700x1xf32>)
  return %x0 : tensor<700x64xbf16>
}
func.func @long_64.lse(%q: tensor<700x64xbf16>, %k: tensor<700x64xbf16>, %v: tensor<700x64xbf16>, %r0: tensor<700x64xbf16>, %r1: tensor<700x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<700x1xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v heads 1 kv_heads 1
    : (tensor<700x64xbf16>, tensor<700x64xbf16>, tensor<700x64xbf16>) -> (tensor<700x64xbf16>, tensor<700x1xf32>)
  return %x1 : tensor<700x1xf32>
}
mlora.emulate @kernels::@long_64 grid [6] block [384] dynamic_shared 115712 arguments [
  {type = tensor<700x64xbf16>, init = "random", seed = 61},
  {type = tensor<700x64xbf16>, init = "random", seed = 62},
  {type = tensor<700x64xbf16>, init = "random", seed = 63},
  {type = tensor<700x64xbf16>, init = dense<7.0> : tensor<700x64xbf16>, expect = @long_64.o, tolerance = 4.0e-03},
  {type = tensor<700x1xf32>, init = dense<7.0> : tensor<700x1xf32>, expect = @long_64.lse, tolerance = 1.0e-03},
  {init = dense<[700, 0, 700, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 64, 64>, swizzle = 128}]
