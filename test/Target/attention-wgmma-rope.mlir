// RUN: mlora-opt %s --mlora-attention-to-gpu=chip=sm_90a --mlora-to-gpu --mlora-emulate='seeds=2' -o /dev/null | FileCheck %s

// As attention-rope.mlir, with wgmma: results leave by tensor copies of a map of the whole buffer, of which they take a head's columns.

// CHECK: @kernels::@query_grad_64: 8 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@query_grad_128: 2 blocks of 384 threads, 2 seeds: passed
// CHECK: @kernels::@key_value_grad_64: 4 blocks of 384 threads, 2 seeds: passed

mlora.kernel @query_grad_64(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>, %r: tensor<?x64xf32>)
    -> tensor<?x528xbf16> grid ["4 by 1", "rows by 64"] {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  %dq = mlora.rope %dqr, %r heads 4 inverse : (tensor<?x256xbf16>, tensor<?x64xf32>) -> tensor<?x256xbf16>
  %p = mlora.place %dq at [0, 0] : (tensor<?x256xbf16>) -> tensor<?x528xbf16>
  mlora.yield %p : tensor<?x528xbf16>
}
func.func @query_grad_64.reference(%do: tensor<200x256xbf16>, %q: tensor<200x256xbf16>, %k: tensor<200x128xbf16>, %v: tensor<200x128xbf16>, %o: tensor<200x256xbf16>, %lse: tensor<200x4xf32>, %start: tensor<200xi32>, %r: tensor<200x64xf32>, %r0: tensor<200x528xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x528xbf16> {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<200x256xbf16>, tensor<200x256xbf16>, tensor<200x128xbf16>, tensor<200x128xbf16>, tensor<200x256xbf16>, tensor<200x4xf32>, tensor<200xi32>) -> tensor<200x256xbf16>
  %dq = mlora.rope %dqr, %r heads 4 inverse : (tensor<200x256xbf16>, tensor<200x64xf32>) -> tensor<200x256xbf16>
  %p = mlora.place %dq in %r0 at [0, 0] : (tensor<200x256xbf16>, tensor<200x528xbf16>) -> tensor<200x528xbf16>
  return %p : tensor<200x528xbf16>
}
mlora.emulate @kernels::@query_grad_64 grid [8] block [384] dynamic_shared 148480 arguments [
  {type = tensor<200x256xbf16>, init = "random", seed = 420},
  {type = tensor<200x256xbf16>, init = "random", seed = 421},
  {type = tensor<200x128xbf16>, init = "random", seed = 422},
  {type = tensor<200x128xbf16>, init = "random", seed = 423},
  {type = tensor<200x256xbf16>, init = "random", seed = 424},
  {type = tensor<200x4xf32>, init = dense<4.0> : tensor<200x4xf32>},
  {type = tensor<200xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130]> : tensor<200xi32>},
  {type = tensor<200x64xf32>, init = "random", seed = 426},
  {type = tensor<200x528xbf16>, init = dense<7.0> : tensor<200x528xbf16>, expect = @query_grad_64.reference, tolerance = 4.0e-03},
  {init = dense<[200, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 1, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 8, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @query_grad_128(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>, %r: tensor<?x128xf32>)
    -> tensor<?x528xbf16> grid ["2 by 1", "rows by 64"] {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<?x256xbf16>, tensor<?x128xf32>) -> tensor<?x256xbf16>
  %p = mlora.place %dq at [0, 0] : (tensor<?x256xbf16>) -> tensor<?x528xbf16>
  mlora.yield %p : tensor<?x528xbf16>
}
func.func @query_grad_128.reference(%do: tensor<100x256xbf16>, %q: tensor<100x256xbf16>, %k: tensor<100x128xbf16>, %v: tensor<100x128xbf16>, %o: tensor<100x256xbf16>, %lse: tensor<100x2xf32>, %start: tensor<100xi32>, %r: tensor<100x128xf32>, %r0: tensor<100x528xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<100x528xbf16> {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<100x256xbf16>, tensor<100x256xbf16>, tensor<100x128xbf16>, tensor<100x128xbf16>, tensor<100x256xbf16>, tensor<100x2xf32>, tensor<100xi32>) -> tensor<100x256xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<100x256xbf16>, tensor<100x128xf32>) -> tensor<100x256xbf16>
  %p = mlora.place %dq in %r0 at [0, 0] : (tensor<100x256xbf16>, tensor<100x528xbf16>) -> tensor<100x528xbf16>
  return %p : tensor<100x528xbf16>
}
mlora.emulate @kernels::@query_grad_128 grid [2] block [384] dynamic_shared 164864 arguments [
  {type = tensor<100x256xbf16>, init = "random", seed = 440},
  {type = tensor<100x256xbf16>, init = "random", seed = 441},
  {type = tensor<100x128xbf16>, init = "random", seed = 442},
  {type = tensor<100x128xbf16>, init = "random", seed = 443},
  {type = tensor<100x256xbf16>, init = "random", seed = 444},
  {type = tensor<100x2xf32>, init = dense<4.0> : tensor<100x2xf32>},
  {type = tensor<100xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]> : tensor<100xi32>},
  {type = tensor<100x128xf32>, init = "random", seed = 446},
  {type = tensor<100x528xbf16>, init = dense<7.0> : tensor<100x528xbf16>, expect = @query_grad_128.reference, tolerance = 4.0e-03},
  {init = dense<[100, 0, 100, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 1, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 8, box = array<i64: 64, 64>, swizzle = 128}]

mlora.kernel @key_value_grad_64(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>, %r: tensor<?x64xf32>, %dyu: tensor<?x528xbf16>)
    -> tensor<?x528xbf16> grid ["2 by 1", "kv_rows by 64"] {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  %dk = mlora.rope %dkr, %r heads 2 inverse : (tensor<?x128xbf16>, tensor<?x64xf32>) -> tensor<?x128xbf16>
  %p0 = mlora.place %dk in %dyu at [0, 256] : (tensor<?x128xbf16>, tensor<?x528xbf16>) -> tensor<?x528xbf16>
  %p = mlora.place %dv in %p0 at [0, 384] : (tensor<?x128xbf16>, tensor<?x528xbf16>) -> tensor<?x528xbf16>
  mlora.yield %p : tensor<?x528xbf16>
}
func.func @key_value_grad_64.reference(%do: tensor<200x256xbf16>, %q: tensor<200x256xbf16>, %k: tensor<200x128xbf16>, %v: tensor<200x128xbf16>, %o: tensor<200x256xbf16>, %lse: tensor<200x4xf32>, %start: tensor<200xi32>, %r: tensor<200x64xf32>, %dyu: tensor<200x528xbf16>, %r0: tensor<200x528xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<200x528xbf16> {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<200x256xbf16>, tensor<200x256xbf16>, tensor<200x128xbf16>, tensor<200x128xbf16>, tensor<200x256xbf16>, tensor<200x4xf32>, tensor<200xi32>) -> (tensor<200x128xbf16>, tensor<200x128xbf16>)
  %dk = mlora.rope %dkr, %r heads 2 inverse : (tensor<200x128xbf16>, tensor<200x64xf32>) -> tensor<200x128xbf16>
  %p0 = mlora.place %dk in %r0 at [0, 256] : (tensor<200x128xbf16>, tensor<200x528xbf16>) -> tensor<200x528xbf16>
  %p = mlora.place %dv in %p0 at [0, 384] : (tensor<200x128xbf16>, tensor<200x528xbf16>) -> tensor<200x528xbf16>
  return %p : tensor<200x528xbf16>
}
mlora.emulate @kernels::@key_value_grad_64 grid [4] block [384] dynamic_shared 118784 arguments [
  {type = tensor<200x256xbf16>, init = "random", seed = 520},
  {type = tensor<200x256xbf16>, init = "random", seed = 521},
  {type = tensor<200x128xbf16>, init = "random", seed = 522},
  {type = tensor<200x128xbf16>, init = "random", seed = 523},
  {type = tensor<200x256xbf16>, init = "random", seed = 524},
  {type = tensor<200x4xf32>, init = dense<4.0> : tensor<200x4xf32>},
  {type = tensor<200xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130, 130]> : tensor<200xi32>},
  {type = tensor<200x64xf32>, init = "random", seed = 526},
  {type = tensor<200x528xbf16>, init = dense<7.0> : tensor<200x528xbf16>},
  {type = tensor<200x528xbf16>, init = dense<7.0> : tensor<200x528xbf16>, expect = @key_value_grad_64.reference, tolerance = 4.0e-03},
  {init = dense<[200, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 2, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 128, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 9, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 9, box = array<i64: 64, 64>, swizzle = 128}]
