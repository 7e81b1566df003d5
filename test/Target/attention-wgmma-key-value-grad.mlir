// RUN: mlora-opt %s --mlora-attention-to-gpu=chip=sm_90a --mlora-to-gpu --mlora-emulate='seeds=2' -o /dev/null | FileCheck %s

// Cotangents of keys and values with wgmma, as attention-key-value-grad.mlir: the same reference, inputs and tolerances. Heads of a group one
// after another, a warpgroup without keys (one_row), keys that few queries see (documents), more steps than stages (long).

// CHECK: @kernels::@documents_64: 4 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@one_row_64: 2 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@skipped_64: 3 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@long_64: 6 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@documents_128: 4 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@one_row_128: 2 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@long_128: 6 blocks of 384 threads, 2 seeds: passed

mlora.kernel @documents_64(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x128xbf16>, tensor<?x128xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x128xbf16>, tensor<?x128xbf16>
}
func.func @documents_64.dk(%do: tensor<200x256xbf16>, %q: tensor<200x256xbf16>, %k: tensor<200x128xbf16>, %v: tensor<200x128xbf16>, %o: tensor<200x256xbf16>, %lse: tensor<200x4xf32>, %start: tensor<200xi32>, %r0: tensor<200x128xbf16>, %r1: tensor<200x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x128xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<200x256xbf16>, tensor<200x256xbf16>, tensor<200x128xbf16>, tensor<200x128xbf16>, tensor<200x256xbf16>, tensor<200x4xf32>, tensor<200xi32>) -> (tensor<200x128xbf16>, tensor<200x128xbf16>)
  return %x0 : tensor<200x128xbf16>
}
func.func @documents_64.dv(%do: tensor<200x256xbf16>, %q: tensor<200x256xbf16>, %k: tensor<200x128xbf16>, %v: tensor<200x128xbf16>, %o: tensor<200x256xbf16>, %lse: tensor<200x4xf32>, %start: tensor<200xi32>, %r0: tensor<200x128xbf16>, %r1: tensor<200x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x128xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<200x256xbf16>, tensor<200x256xbf16>, tensor<200x128xbf16>, tensor<200x128xbf16>, tensor<200x256xbf16>, tensor<200x4xf32>, tensor<200xi32>) -> (tensor<200x128xbf16>, tensor<200x128xbf16>)
  return %x1 : tensor<200x128xbf16>
}
mlora.emulate @kernels::@documents_64 grid [4] block [384] dynamic_shared 118784 arguments [
  {type = tensor<200x256xbf16>, init = "random", seed = 1},
  {type = tensor<200x256xbf16>, init = "random", seed = 2},
  {type = tensor<200x128xbf16>, init = "random", seed = 3},
  {type = tensor<200x128xbf16>, init = "random", seed = 4},
  {type = tensor<200x256xbf16>, init = "random", seed = 5},
  {type = tensor<200x4xf32>, init = dense<4.0> : tensor<200x4xf32>},
  {type = tensor<200xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130]> : tensor<200xi32>},
  {type = tensor<200x128xbf16>, init = dense<7.0> : tensor<200x128xbf16>, expect = @documents_64.dk, tolerance = 4.0e-03},
  {type = tensor<200x128xbf16>, init = dense<7.0> : tensor<200x128xbf16>, expect = @documents_64.dv, tolerance = 4.0e-03},
  {init = dense<[200, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 7, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 8, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @one_row_64(%do: tensor<?x128xbf16>, %q: tensor<?x128xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x128xbf16>, %lse: tensor<?x2xf32>)
    -> (tensor<?x128xbf16>, tensor<?x128xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 2
    : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x2xf32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x128xbf16>, tensor<?x128xbf16>
}
func.func @one_row_64.dk(%do: tensor<1x128xbf16>, %q: tensor<1x128xbf16>, %k: tensor<1x128xbf16>, %v: tensor<1x128xbf16>, %o: tensor<1x128xbf16>, %lse: tensor<1x2xf32>, %r0: tensor<1x128xbf16>, %r1: tensor<1x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<1x128xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 2
    : (tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x2xf32>) -> (tensor<1x128xbf16>, tensor<1x128xbf16>)
  return %x0 : tensor<1x128xbf16>
}
func.func @one_row_64.dv(%do: tensor<1x128xbf16>, %q: tensor<1x128xbf16>, %k: tensor<1x128xbf16>, %v: tensor<1x128xbf16>, %o: tensor<1x128xbf16>, %lse: tensor<1x2xf32>, %r0: tensor<1x128xbf16>, %r1: tensor<1x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<1x128xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 2
    : (tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x128xbf16>, tensor<1x2xf32>) -> (tensor<1x128xbf16>, tensor<1x128xbf16>)
  return %x1 : tensor<1x128xbf16>
}
mlora.emulate @kernels::@one_row_64 grid [2] block [384] dynamic_shared 118784 arguments [
  {type = tensor<1x128xbf16>, init = "random", seed = 11},
  {type = tensor<1x128xbf16>, init = "random", seed = 12},
  {type = tensor<1x128xbf16>, init = "random", seed = 13},
  {type = tensor<1x128xbf16>, init = "random", seed = 14},
  {type = tensor<1x128xbf16>, init = "random", seed = 15},
  {type = tensor<1x2xf32>, init = dense<4.0> : tensor<1x2xf32>},
  {type = tensor<1x128xbf16>, init = dense<7.0> : tensor<1x128xbf16>, expect = @one_row_64.dk, tolerance = 4.0e-03},
  {type = tensor<1x128xbf16>, init = dense<7.0> : tensor<1x128xbf16>, expect = @one_row_64.dv, tolerance = 4.0e-03},
  {init = dense<[1, 0, 1, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 6, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 7, box = array<i64: 64, 64>, swizzle = 128}]



mlora.kernel @skipped_64(%do: tensor<?x64xbf16>, %q: tensor<?x64xbf16>, %k: tensor<?x64xbf16>, %v: tensor<?x64xbf16>, %o: tensor<?x64xbf16>, %lse: tensor<?x1xf32>, %start: tensor<?xi32>)
    -> (tensor<?x64xbf16>, tensor<?x64xbf16>) grid ["1 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 1 kv_heads 1
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x1xf32>, tensor<?xi32>) -> (tensor<?x64xbf16>, tensor<?x64xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x64xbf16>, tensor<?x64xbf16>
}
func.func @skipped_64.dk(%do: tensor<300x64xbf16>, %q: tensor<300x64xbf16>, %k: tensor<300x64xbf16>, %v: tensor<300x64xbf16>, %o: tensor<300x64xbf16>, %lse: tensor<300x1xf32>, %start: tensor<300xi32>, %r0: tensor<300x64xbf16>, %r1: tensor<300x64xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<300x64xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 1 kv_heads 1
    : (tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300x1xf32>, tensor<300xi32>) -> (tensor<300x64xbf16>, tensor<300x64xbf16>)
  return %x0 : tensor<300x64xbf16>
}
func.func @skipped_64.dv(%do: tensor<300x64xbf16>, %q: tensor<300x64xbf16>, %k: tensor<300x64xbf16>, %v: tensor<300x64xbf16>, %o: tensor<300x64xbf16>, %lse: tensor<300x1xf32>, %start: tensor<300xi32>, %r0: tensor<300x64xbf16>, %r1: tensor<300x64xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<300x64xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 1 kv_heads 1
    : (tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<300x1xf32>, tensor<300xi32>) -> (tensor<300x64xbf16>, tensor<300x64xbf16>)
  return %x1 : tensor<300x64xbf16>
}
mlora.emulate @kernels::@skipped_64 grid [3] block [384] dynamic_shared 118784 arguments [
  {type = tensor<300x64xbf16>, init = "random", seed = 41},
  {type = tensor<300x64xbf16>, init = "random", seed = 42},
  {type = tensor<300x64xbf16>, init = "random", seed = 43},
  {type = tensor<300x64xbf16>, init = "random", seed = 44},
  {type = tensor<300x64xbf16>, init = "random", seed = 45},
  {type = tensor<300x1xf32>, init = dense<4.0> : tensor<300x1xf32>},
  {type = tensor<300xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260]> : tensor<300xi32>},
  {type = tensor<300x64xbf16>, init = dense<7.0> : tensor<300x64xbf16>, expect = @skipped_64.dk, tolerance = 4.0e-03},
  {type = tensor<300x64xbf16>, init = dense<7.0> : tensor<300x64xbf16>, expect = @skipped_64.dv, tolerance = 4.0e-03},
  {init = dense<[300, 0, 300, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 7, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 8, box = array<i64: 64, 64>, swizzle = 128}]


mlora.kernel @long_64(%do: tensor<?x64xbf16>, %q: tensor<?x64xbf16>, %k: tensor<?x64xbf16>, %v: tensor<?x64xbf16>, %o: tensor<?x64xbf16>, %lse: tensor<?x1xf32>)
    -> (tensor<?x64xbf16>, tensor<?x64xbf16>) grid ["1 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 1 kv_heads 1
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x1xf32>) -> (tensor<?x64xbf16>, tensor<?x64xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x64xbf16>, tensor<?x64xbf16>
}
func.func @long_64.dk(%do: tensor<700x64xbf16>, %q: tensor<700x64xbf16>, %k: tensor<700x64xbf16>, %v: tensor<700x64xbf16>, %o: tensor<700x64xbf16>, %lse: tensor<700x1xf32>, %r0: tensor<700x64xbf16>, %r1: tensor<700x64xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<700x64xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 1 kv_heads 1
    : (tensor<700x64xbf16>, tensor<700x64xbf16>, tensor<700x64xbf16>, tensor<700x64xbf16>, tensor<700x64xbf16>, tensor<700x1xf32>) -> (tensor<700x64xbf16>, tensor<700x64xbf16>)
  return %x0 : tensor<700x64xbf16>
}
func.func @long_64.dv(%do: tensor<700x64xbf16>, %q: tensor<700x64xbf16>, %k: tensor<700x64xbf16>, %v: tensor<700x64xbf16>, %o: tensor<700x64xbf16>, %lse: tensor<700x1xf32>, %r0: tensor<700x64xbf16>, %r1: tensor<700x64xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<700x64xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 1 kv_heads 1
    : (tensor<700x64xbf16>, tensor<700x64xbf16>, tensor<700x64xbf16>, tensor<700x64xbf16>, tensor<700x64xbf16>, tensor<700x1xf32>) -> (tensor<700x64xbf16>, tensor<700x64xbf16>)
  return %x1 : tensor<700x64xbf16>
}
mlora.emulate @kernels::@long_64 grid [6] block [384] dynamic_shared 118784 arguments [
  {type = tensor<700x64xbf16>, init = "random", seed = 61},
  {type = tensor<700x64xbf16>, init = "random", seed = 62},
  {type = tensor<700x64xbf16>, init = "random", seed = 63},
  {type = tensor<700x64xbf16>, init = "random", seed = 64},
  {type = tensor<700x64xbf16>, init = "random", seed = 65},
  {type = tensor<700x1xf32>, init = dense<4.0> : tensor<700x1xf32>},
  {type = tensor<700x64xbf16>, init = dense<7.0> : tensor<700x64xbf16>, expect = @long_64.dk, tolerance = 4.0e-03},
  {type = tensor<700x64xbf16>, init = dense<7.0> : tensor<700x64xbf16>, expect = @long_64.dv, tolerance = 4.0e-03},
  {init = dense<[700, 0, 700, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 6, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 7, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @documents_128(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x256xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x256xbf16>, tensor<?x256xbf16>
}
func.func @documents_128.dk(%do: tensor<200x512xbf16>, %q: tensor<200x512xbf16>, %k: tensor<200x256xbf16>, %v: tensor<200x256xbf16>, %o: tensor<200x512xbf16>, %lse: tensor<200x4xf32>, %start: tensor<200xi32>, %r0: tensor<200x256xbf16>, %r1: tensor<200x256xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x256xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<200x512xbf16>, tensor<200x512xbf16>, tensor<200x256xbf16>, tensor<200x256xbf16>, tensor<200x512xbf16>, tensor<200x4xf32>, tensor<200xi32>) -> (tensor<200x256xbf16>, tensor<200x256xbf16>)
  return %x0 : tensor<200x256xbf16>
}
func.func @documents_128.dv(%do: tensor<200x512xbf16>, %q: tensor<200x512xbf16>, %k: tensor<200x256xbf16>, %v: tensor<200x256xbf16>, %o: tensor<200x512xbf16>, %lse: tensor<200x4xf32>, %start: tensor<200xi32>, %r0: tensor<200x256xbf16>, %r1: tensor<200x256xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x256xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<200x512xbf16>, tensor<200x512xbf16>, tensor<200x256xbf16>, tensor<200x256xbf16>, tensor<200x512xbf16>, tensor<200x4xf32>, tensor<200xi32>) -> (tensor<200x256xbf16>, tensor<200x256xbf16>)
  return %x1 : tensor<200x256xbf16>
}
mlora.emulate @kernels::@documents_128 grid [4] block [384] dynamic_shared 150528 arguments [
  {type = tensor<200x512xbf16>, init = "random", seed = 1},
  {type = tensor<200x512xbf16>, init = "random", seed = 2},
  {type = tensor<200x256xbf16>, init = "random", seed = 3},
  {type = tensor<200x256xbf16>, init = "random", seed = 4},
  {type = tensor<200x512xbf16>, init = "random", seed = 5},
  {type = tensor<200x4xf32>, init = dense<4.0> : tensor<200x4xf32>},
  {type = tensor<200xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130]> : tensor<200xi32>},
  {type = tensor<200x256xbf16>, init = dense<7.0> : tensor<200x256xbf16>, expect = @documents_128.dk, tolerance = 4.0e-03},
  {type = tensor<200x256xbf16>, init = dense<7.0> : tensor<200x256xbf16>, expect = @documents_128.dv, tolerance = 4.0e-03},
  {init = dense<[200, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 7, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 8, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @one_row_128(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x2xf32>)
    -> (tensor<?x256xbf16>, tensor<?x256xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x2xf32>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x256xbf16>, tensor<?x256xbf16>
}
func.func @one_row_128.dk(%do: tensor<1x256xbf16>, %q: tensor<1x256xbf16>, %k: tensor<1x256xbf16>, %v: tensor<1x256xbf16>, %o: tensor<1x256xbf16>, %lse: tensor<1x2xf32>, %r0: tensor<1x256xbf16>, %r1: tensor<1x256xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<1x256xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 2
    : (tensor<1x256xbf16>, tensor<1x256xbf16>, tensor<1x256xbf16>, tensor<1x256xbf16>, tensor<1x256xbf16>, tensor<1x2xf32>) -> (tensor<1x256xbf16>, tensor<1x256xbf16>)
  return %x0 : tensor<1x256xbf16>
}
func.func @one_row_128.dv(%do: tensor<1x256xbf16>, %q: tensor<1x256xbf16>, %k: tensor<1x256xbf16>, %v: tensor<1x256xbf16>, %o: tensor<1x256xbf16>, %lse: tensor<1x2xf32>, %r0: tensor<1x256xbf16>, %r1: tensor<1x256xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<1x256xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 2
    : (tensor<1x256xbf16>, tensor<1x256xbf16>, tensor<1x256xbf16>, tensor<1x256xbf16>, tensor<1x256xbf16>, tensor<1x2xf32>) -> (tensor<1x256xbf16>, tensor<1x256xbf16>)
  return %x1 : tensor<1x256xbf16>
}
mlora.emulate @kernels::@one_row_128 grid [2] block [384] dynamic_shared 150528 arguments [
  {type = tensor<1x256xbf16>, init = "random", seed = 11},
  {type = tensor<1x256xbf16>, init = "random", seed = 12},
  {type = tensor<1x256xbf16>, init = "random", seed = 13},
  {type = tensor<1x256xbf16>, init = "random", seed = 14},
  {type = tensor<1x256xbf16>, init = "random", seed = 15},
  {type = tensor<1x2xf32>, init = dense<4.0> : tensor<1x2xf32>},
  {type = tensor<1x256xbf16>, init = dense<7.0> : tensor<1x256xbf16>, expect = @one_row_128.dk, tolerance = 4.0e-03},
  {type = tensor<1x256xbf16>, init = dense<7.0> : tensor<1x256xbf16>, expect = @one_row_128.dv, tolerance = 4.0e-03},
  {init = dense<[1, 0, 1, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 6, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 7, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @long_128(%do: tensor<?x128xbf16>, %q: tensor<?x128xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x128xbf16>, %lse: tensor<?x1xf32>)
    -> (tensor<?x128xbf16>, tensor<?x128xbf16>) grid ["1 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 1 kv_heads 1
    : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x1xf32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x128xbf16>, tensor<?x128xbf16>
}
func.func @long_128.dk(%do: tensor<700x128xbf16>, %q: tensor<700x128xbf16>, %k: tensor<700x128xbf16>, %v: tensor<700x128xbf16>, %o: tensor<700x128xbf16>, %lse: tensor<700x1xf32>, %r0: tensor<700x128xbf16>, %r1: tensor<700x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<700x128xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 1 kv_heads 1
    : (tensor<700x128xbf16>, tensor<700x128xbf16>, tensor<700x128xbf16>, tensor<700x128xbf16>, tensor<700x128xbf16>, tensor<700x1xf32>) -> (tensor<700x128xbf16>, tensor<700x128xbf16>)
  return %x0 : tensor<700x128xbf16>
}
func.func @long_128.dv(%do: tensor<700x128xbf16>, %q: tensor<700x128xbf16>, %k: tensor<700x128xbf16>, %v: tensor<700x128xbf16>, %o: tensor<700x128xbf16>, %lse: tensor<700x1xf32>, %r0: tensor<700x128xbf16>, %r1: tensor<700x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<700x128xbf16> {
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 1 kv_heads 1
    : (tensor<700x128xbf16>, tensor<700x128xbf16>, tensor<700x128xbf16>, tensor<700x128xbf16>, tensor<700x128xbf16>, tensor<700x1xf32>) -> (tensor<700x128xbf16>, tensor<700x128xbf16>)
  return %x1 : tensor<700x128xbf16>
}
mlora.emulate @kernels::@long_128 grid [6] block [384] dynamic_shared 150528 arguments [
  {type = tensor<700x128xbf16>, init = "random", seed = 61},
  {type = tensor<700x128xbf16>, init = "random", seed = 62},
  {type = tensor<700x128xbf16>, init = "random", seed = 63},
  {type = tensor<700x128xbf16>, init = "random", seed = 64},
  {type = tensor<700x128xbf16>, init = "random", seed = 65},
  {type = tensor<700x1xf32>, init = dense<4.0> : tensor<700x1xf32>},
  {type = tensor<700x128xbf16>, init = dense<7.0> : tensor<700x128xbf16>, expect = @long_128.dk, tolerance = 4.0e-03},
  {type = tensor<700x128xbf16>, init = dense<7.0> : tensor<700x128xbf16>, expect = @long_128.dv, tolerance = 4.0e-03},
  {init = dense<[700, 0, 700, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 6, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 7, box = array<i64: 64, 64>, swizzle = 128}]
