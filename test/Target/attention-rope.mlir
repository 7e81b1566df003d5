// RUN: mlora-opt %s --mlora-to-gpu --mlora-emulate='seeds=2' -o /dev/null | FileCheck %s

// Gradients of attention that turn their results back and place them, against the f64 reference: sums are turned in f32 and rounded once, into columns
// of a wider buffer, whose other columns (7) stay. Rows, inputs and tolerances as in attention-query-grad.mlir and attention-key-value-grad.mlir.

// CHECK: @kernels::@query_grad_16: 2 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@query_grad_32: 4 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@query_grad_64: 8 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@query_grad_80: 4 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@query_grad_128: 4 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@key_value_grad_16: 1 block of 256 threads, 2 seeds: passed
// CHECK: @kernels::@key_value_grad_32: 2 blocks of 256 threads, 2 seeds: passed
// CHECK: @kernels::@key_value_grad_64: 4 blocks of 256 threads, 2 seeds: passed
// CHECK: @kernels::@key_value_grad_80: 1 block of 256 threads, 2 seeds: passed
// CHECK: @kernels::@key_value_grad_128: 1 block of 256 threads, 2 seeds: passed

mlora.kernel @query_grad_16(%do: tensor<?x32xbf16>, %q: tensor<?x32xbf16>, %k: tensor<?x16xbf16>, %v: tensor<?x16xbf16>, %o: tensor<?x32xbf16>, %lse: tensor<?x2xf32>, %r: tensor<?x16xf32>)
    -> tensor<?x80xbf16> grid ["2 by 1", "rows by 64"] {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>, tensor<?x32xbf16>, tensor<?x2xf32>) -> tensor<?x32xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<?x32xbf16>, tensor<?x16xf32>) -> tensor<?x32xbf16>
  %p = mlora.place %dq at [0, 0] : (tensor<?x32xbf16>) -> tensor<?x80xbf16>
  mlora.yield %p : tensor<?x80xbf16>
}
func.func @query_grad_16.reference(%do: tensor<70x32xbf16>, %q: tensor<70x32xbf16>, %k: tensor<70x16xbf16>, %v: tensor<70x16xbf16>, %o: tensor<70x32xbf16>, %lse: tensor<70x2xf32>, %r: tensor<70x16xf32>, %r0: tensor<70x80xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x80xbf16> {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<70x32xbf16>, tensor<70x32xbf16>, tensor<70x16xbf16>, tensor<70x16xbf16>, tensor<70x32xbf16>, tensor<70x2xf32>) -> tensor<70x32xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<70x32xbf16>, tensor<70x16xf32>) -> tensor<70x32xbf16>
  %p = mlora.place %dq in %r0 at [0, 0] : (tensor<70x32xbf16>, tensor<70x80xbf16>) -> tensor<70x80xbf16>
  return %p : tensor<70x80xbf16>
}
mlora.emulate @kernels::@query_grad_16 grid [2] block [128] dynamic_shared 20480 arguments [
  {type = tensor<70x32xbf16>, init = "random", seed = 400},
  {type = tensor<70x32xbf16>, init = "random", seed = 401},
  {type = tensor<70x16xbf16>, init = "random", seed = 402},
  {type = tensor<70x16xbf16>, init = "random", seed = 403},
  {type = tensor<70x32xbf16>, init = "random", seed = 404},
  {type = tensor<70x2xf32>, init = dense<4.0> : tensor<70x2xf32>},
  {type = tensor<70x16xf32>, init = "random", seed = 406},
  {type = tensor<70x80xbf16>, init = dense<7.0> : tensor<70x80xbf16>, expect = @query_grad_16.reference, tolerance = 4.0e-03},
  {init = dense<[70, 0, 70, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @query_grad_32(%do: tensor<?x64xbf16>, %q: tensor<?x64xbf16>, %k: tensor<?x32xbf16>, %v: tensor<?x32xbf16>, %o: tensor<?x64xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>, %r: tensor<?x32xf32>)
    -> tensor<?x144xbf16> grid ["2 by 1", "rows by 64"] {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x64xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<?x64xbf16>, tensor<?x32xf32>) -> tensor<?x64xbf16>
  %p = mlora.place %dq at [0, 0] : (tensor<?x64xbf16>) -> tensor<?x144xbf16>
  mlora.yield %p : tensor<?x144xbf16>
}
func.func @query_grad_32.reference(%do: tensor<150x64xbf16>, %q: tensor<150x64xbf16>, %k: tensor<150x32xbf16>, %v: tensor<150x32xbf16>, %o: tensor<150x64xbf16>, %lse: tensor<150x2xf32>, %start: tensor<150xi32>, %r: tensor<150x32xf32>, %r0: tensor<150x144xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<150x144xbf16> {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<150x64xbf16>, tensor<150x64xbf16>, tensor<150x32xbf16>, tensor<150x32xbf16>, tensor<150x64xbf16>, tensor<150x2xf32>, tensor<150xi32>) -> tensor<150x64xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<150x64xbf16>, tensor<150x32xf32>) -> tensor<150x64xbf16>
  %p = mlora.place %dq in %r0 at [0, 0] : (tensor<150x64xbf16>, tensor<150x144xbf16>) -> tensor<150x144xbf16>
  return %p : tensor<150x144xbf16>
}
mlora.emulate @kernels::@query_grad_32 grid [4] block [128] dynamic_shared 32768 arguments [
  {type = tensor<150x64xbf16>, init = "random", seed = 410},
  {type = tensor<150x64xbf16>, init = "random", seed = 411},
  {type = tensor<150x32xbf16>, init = "random", seed = 412},
  {type = tensor<150x32xbf16>, init = "random", seed = 413},
  {type = tensor<150x64xbf16>, init = "random", seed = 414},
  {type = tensor<150x2xf32>, init = dense<4.0> : tensor<150x2xf32>},
  {type = tensor<150xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]> : tensor<150xi32>},
  {type = tensor<150x32xf32>, init = "random", seed = 416},
  {type = tensor<150x144xbf16>, init = dense<7.0> : tensor<150x144xbf16>, expect = @query_grad_32.reference, tolerance = 4.0e-03},
  {init = dense<[150, 0, 150, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

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
mlora.emulate @kernels::@query_grad_64 grid [8] block [128] dynamic_shared 65536 arguments [
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
  {type = tensor<1xi8>}]

mlora.kernel @query_grad_80(%do: tensor<?x160xbf16>, %q: tensor<?x160xbf16>, %k: tensor<?x80xbf16>, %v: tensor<?x80xbf16>, %o: tensor<?x160xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>, %r: tensor<?x80xf32>)
    -> tensor<?x336xbf16> grid ["2 by 1", "rows by 64"] {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x160xbf16>, tensor<?x160xbf16>, tensor<?x80xbf16>, tensor<?x80xbf16>, tensor<?x160xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x160xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<?x160xbf16>, tensor<?x80xf32>) -> tensor<?x160xbf16>
  %p = mlora.place %dq at [0, 0] : (tensor<?x160xbf16>) -> tensor<?x336xbf16>
  mlora.yield %p : tensor<?x336xbf16>
}
func.func @query_grad_80.reference(%do: tensor<70x160xbf16>, %q: tensor<70x160xbf16>, %k: tensor<70x80xbf16>, %v: tensor<70x80xbf16>, %o: tensor<70x160xbf16>, %lse: tensor<70x2xf32>, %start: tensor<70xi32>, %r: tensor<70x80xf32>, %r0: tensor<70x336xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x336xbf16> {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<70x160xbf16>, tensor<70x160xbf16>, tensor<70x80xbf16>, tensor<70x80xbf16>, tensor<70x160xbf16>, tensor<70x2xf32>, tensor<70xi32>) -> tensor<70x160xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<70x160xbf16>, tensor<70x80xf32>) -> tensor<70x160xbf16>
  %p = mlora.place %dq in %r0 at [0, 0] : (tensor<70x160xbf16>, tensor<70x336xbf16>) -> tensor<70x336xbf16>
  return %p : tensor<70x336xbf16>
}
mlora.emulate @kernels::@query_grad_80 grid [4] block [128] dynamic_shared 98304 arguments [
  {type = tensor<70x160xbf16>, init = "random", seed = 430},
  {type = tensor<70x160xbf16>, init = "random", seed = 431},
  {type = tensor<70x80xbf16>, init = "random", seed = 432},
  {type = tensor<70x80xbf16>, init = "random", seed = 433},
  {type = tensor<70x160xbf16>, init = "random", seed = 434},
  {type = tensor<70x2xf32>, init = dense<4.0> : tensor<70x2xf32>},
  {type = tensor<70xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37]> : tensor<70xi32>},
  {type = tensor<70x80xf32>, init = "random", seed = 436},
  {type = tensor<70x336xbf16>, init = dense<7.0> : tensor<70x336xbf16>, expect = @query_grad_80.reference, tolerance = 4.0e-03},
  {init = dense<[70, 0, 70, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

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
mlora.emulate @kernels::@query_grad_128 grid [4] block [128] dynamic_shared 98304 arguments [
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
  {type = tensor<1xi8>}]

mlora.kernel @key_value_grad_16(%do: tensor<?x32xbf16>, %q: tensor<?x32xbf16>, %k: tensor<?x16xbf16>, %v: tensor<?x16xbf16>, %o: tensor<?x32xbf16>, %lse: tensor<?x2xf32>, %r: tensor<?x16xf32>, %dyu: tensor<?x80xbf16>)
    -> tensor<?x80xbf16> grid ["1 by 1", "kv_rows by 64"] {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>, tensor<?x32xbf16>, tensor<?x2xf32>) -> (tensor<?x16xbf16>, tensor<?x16xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<?x16xbf16>, tensor<?x16xf32>) -> tensor<?x16xbf16>
  %p0 = mlora.place %dk in %dyu at [0, 32] : (tensor<?x16xbf16>, tensor<?x80xbf16>) -> tensor<?x80xbf16>
  %p = mlora.place %dv in %p0 at [0, 48] : (tensor<?x16xbf16>, tensor<?x80xbf16>) -> tensor<?x80xbf16>
  mlora.yield %p : tensor<?x80xbf16>
}
func.func @key_value_grad_16.reference(%do: tensor<70x32xbf16>, %q: tensor<70x32xbf16>, %k: tensor<70x16xbf16>, %v: tensor<70x16xbf16>, %o: tensor<70x32xbf16>, %lse: tensor<70x2xf32>, %r: tensor<70x16xf32>, %dyu: tensor<70x80xbf16>, %r0: tensor<70x80xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x80xbf16> {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<70x32xbf16>, tensor<70x32xbf16>, tensor<70x16xbf16>, tensor<70x16xbf16>, tensor<70x32xbf16>, tensor<70x2xf32>) -> (tensor<70x16xbf16>, tensor<70x16xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<70x16xbf16>, tensor<70x16xf32>) -> tensor<70x16xbf16>
  %p0 = mlora.place %dk in %r0 at [0, 32] : (tensor<70x16xbf16>, tensor<70x80xbf16>) -> tensor<70x80xbf16>
  %p = mlora.place %dv in %p0 at [0, 48] : (tensor<70x16xbf16>, tensor<70x80xbf16>) -> tensor<70x80xbf16>
  return %p : tensor<70x80xbf16>
}
mlora.emulate @kernels::@key_value_grad_16 grid [1] block [256] dynamic_shared 16384 arguments [
  {type = tensor<70x32xbf16>, init = "random", seed = 500},
  {type = tensor<70x32xbf16>, init = "random", seed = 501},
  {type = tensor<70x16xbf16>, init = "random", seed = 502},
  {type = tensor<70x16xbf16>, init = "random", seed = 503},
  {type = tensor<70x32xbf16>, init = "random", seed = 504},
  {type = tensor<70x2xf32>, init = dense<4.0> : tensor<70x2xf32>},
  {type = tensor<70x16xf32>, init = "random", seed = 506},
  {type = tensor<70x80xbf16>, init = dense<7.0> : tensor<70x80xbf16>},
  {type = tensor<70x80xbf16>, init = dense<7.0> : tensor<70x80xbf16>, expect = @key_value_grad_16.reference, tolerance = 4.0e-03},
  {init = dense<[70, 0, 70, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @key_value_grad_32(%do: tensor<?x64xbf16>, %q: tensor<?x64xbf16>, %k: tensor<?x32xbf16>, %v: tensor<?x32xbf16>, %o: tensor<?x64xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>, %r: tensor<?x32xf32>, %dyu: tensor<?x144xbf16>)
    -> tensor<?x144xbf16> grid ["1 by 1", "kv_rows by 64"] {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> (tensor<?x32xbf16>, tensor<?x32xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<?x32xbf16>, tensor<?x32xf32>) -> tensor<?x32xbf16>
  %p0 = mlora.place %dk in %dyu at [0, 64] : (tensor<?x32xbf16>, tensor<?x144xbf16>) -> tensor<?x144xbf16>
  %p = mlora.place %dv in %p0 at [0, 96] : (tensor<?x32xbf16>, tensor<?x144xbf16>) -> tensor<?x144xbf16>
  mlora.yield %p : tensor<?x144xbf16>
}
func.func @key_value_grad_32.reference(%do: tensor<150x64xbf16>, %q: tensor<150x64xbf16>, %k: tensor<150x32xbf16>, %v: tensor<150x32xbf16>, %o: tensor<150x64xbf16>, %lse: tensor<150x2xf32>, %start: tensor<150xi32>, %r: tensor<150x32xf32>, %dyu: tensor<150x144xbf16>, %r0: tensor<150x144xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<150x144xbf16> {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<150x64xbf16>, tensor<150x64xbf16>, tensor<150x32xbf16>, tensor<150x32xbf16>, tensor<150x64xbf16>, tensor<150x2xf32>, tensor<150xi32>) -> (tensor<150x32xbf16>, tensor<150x32xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<150x32xbf16>, tensor<150x32xf32>) -> tensor<150x32xbf16>
  %p0 = mlora.place %dk in %r0 at [0, 64] : (tensor<150x32xbf16>, tensor<150x144xbf16>) -> tensor<150x144xbf16>
  %p = mlora.place %dv in %p0 at [0, 96] : (tensor<150x32xbf16>, tensor<150x144xbf16>) -> tensor<150x144xbf16>
  return %p : tensor<150x144xbf16>
}
mlora.emulate @kernels::@key_value_grad_32 grid [2] block [256] dynamic_shared 32768 arguments [
  {type = tensor<150x64xbf16>, init = "random", seed = 510},
  {type = tensor<150x64xbf16>, init = "random", seed = 511},
  {type = tensor<150x32xbf16>, init = "random", seed = 512},
  {type = tensor<150x32xbf16>, init = "random", seed = 513},
  {type = tensor<150x64xbf16>, init = "random", seed = 514},
  {type = tensor<150x2xf32>, init = dense<4.0> : tensor<150x2xf32>},
  {type = tensor<150xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]> : tensor<150xi32>},
  {type = tensor<150x32xf32>, init = "random", seed = 516},
  {type = tensor<150x144xbf16>, init = dense<7.0> : tensor<150x144xbf16>},
  {type = tensor<150x144xbf16>, init = dense<7.0> : tensor<150x144xbf16>, expect = @key_value_grad_32.reference, tolerance = 4.0e-03},
  {init = dense<[150, 0, 150, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

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
mlora.emulate @kernels::@key_value_grad_64 grid [4] block [256] dynamic_shared 65536 arguments [
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
  {type = tensor<1xi8>}]

mlora.kernel @key_value_grad_80(%do: tensor<?x160xbf16>, %q: tensor<?x160xbf16>, %k: tensor<?x80xbf16>, %v: tensor<?x80xbf16>, %o: tensor<?x160xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>, %r: tensor<?x80xf32>, %dyu: tensor<?x336xbf16>)
    -> tensor<?x336xbf16> grid ["1 by 1", "kv_rows by 64"] {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x160xbf16>, tensor<?x160xbf16>, tensor<?x80xbf16>, tensor<?x80xbf16>, tensor<?x160xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> (tensor<?x80xbf16>, tensor<?x80xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<?x80xbf16>, tensor<?x80xf32>) -> tensor<?x80xbf16>
  %p0 = mlora.place %dk in %dyu at [0, 160] : (tensor<?x80xbf16>, tensor<?x336xbf16>) -> tensor<?x336xbf16>
  %p = mlora.place %dv in %p0 at [0, 240] : (tensor<?x80xbf16>, tensor<?x336xbf16>) -> tensor<?x336xbf16>
  mlora.yield %p : tensor<?x336xbf16>
}
func.func @key_value_grad_80.reference(%do: tensor<70x160xbf16>, %q: tensor<70x160xbf16>, %k: tensor<70x80xbf16>, %v: tensor<70x80xbf16>, %o: tensor<70x160xbf16>, %lse: tensor<70x2xf32>, %start: tensor<70xi32>, %r: tensor<70x80xf32>, %dyu: tensor<70x336xbf16>, %r0: tensor<70x336xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x336xbf16> {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<70x160xbf16>, tensor<70x160xbf16>, tensor<70x80xbf16>, tensor<70x80xbf16>, tensor<70x160xbf16>, tensor<70x2xf32>, tensor<70xi32>) -> (tensor<70x80xbf16>, tensor<70x80xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<70x80xbf16>, tensor<70x80xf32>) -> tensor<70x80xbf16>
  %p0 = mlora.place %dk in %r0 at [0, 160] : (tensor<70x80xbf16>, tensor<70x336xbf16>) -> tensor<70x336xbf16>
  %p = mlora.place %dv in %p0 at [0, 240] : (tensor<70x80xbf16>, tensor<70x336xbf16>) -> tensor<70x336xbf16>
  return %p : tensor<70x336xbf16>
}
mlora.emulate @kernels::@key_value_grad_80 grid [1] block [256] dynamic_shared 114688 arguments [
  {type = tensor<70x160xbf16>, init = "random", seed = 530},
  {type = tensor<70x160xbf16>, init = "random", seed = 531},
  {type = tensor<70x80xbf16>, init = "random", seed = 532},
  {type = tensor<70x80xbf16>, init = "random", seed = 533},
  {type = tensor<70x160xbf16>, init = "random", seed = 534},
  {type = tensor<70x2xf32>, init = dense<4.0> : tensor<70x2xf32>},
  {type = tensor<70xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37]> : tensor<70xi32>},
  {type = tensor<70x80xf32>, init = "random", seed = 536},
  {type = tensor<70x336xbf16>, init = dense<7.0> : tensor<70x336xbf16>},
  {type = tensor<70x336xbf16>, init = dense<7.0> : tensor<70x336xbf16>, expect = @key_value_grad_80.reference, tolerance = 4.0e-03},
  {init = dense<[70, 0, 70, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @key_value_grad_128(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>, %r: tensor<?x128xf32>, %dyu: tensor<?x528xbf16>)
    -> tensor<?x528xbf16> grid ["1 by 1", "kv_rows by 64"] {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<?x128xbf16>, tensor<?x128xf32>) -> tensor<?x128xbf16>
  %p0 = mlora.place %dk in %dyu at [0, 256] : (tensor<?x128xbf16>, tensor<?x528xbf16>) -> tensor<?x528xbf16>
  %p = mlora.place %dv in %p0 at [0, 384] : (tensor<?x128xbf16>, tensor<?x528xbf16>) -> tensor<?x528xbf16>
  mlora.yield %p : tensor<?x528xbf16>
}
func.func @key_value_grad_128.reference(%do: tensor<100x256xbf16>, %q: tensor<100x256xbf16>, %k: tensor<100x128xbf16>, %v: tensor<100x128xbf16>, %o: tensor<100x256xbf16>, %lse: tensor<100x2xf32>, %start: tensor<100xi32>, %r: tensor<100x128xf32>, %dyu: tensor<100x528xbf16>, %r0: tensor<100x528xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<100x528xbf16> {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<100x256xbf16>, tensor<100x256xbf16>, tensor<100x128xbf16>, tensor<100x128xbf16>, tensor<100x256xbf16>, tensor<100x2xf32>, tensor<100xi32>) -> (tensor<100x128xbf16>, tensor<100x128xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<100x128xbf16>, tensor<100x128xf32>) -> tensor<100x128xbf16>
  %p0 = mlora.place %dk in %r0 at [0, 256] : (tensor<100x128xbf16>, tensor<100x528xbf16>) -> tensor<100x528xbf16>
  %p = mlora.place %dv in %p0 at [0, 384] : (tensor<100x128xbf16>, tensor<100x528xbf16>) -> tensor<100x528xbf16>
  return %p : tensor<100x528xbf16>
}
mlora.emulate @kernels::@key_value_grad_128 grid [1] block [256] dynamic_shared 165888 arguments [
  {type = tensor<100x256xbf16>, init = "random", seed = 540},
  {type = tensor<100x256xbf16>, init = "random", seed = 541},
  {type = tensor<100x128xbf16>, init = "random", seed = 542},
  {type = tensor<100x128xbf16>, init = "random", seed = 543},
  {type = tensor<100x256xbf16>, init = "random", seed = 544},
  {type = tensor<100x2xf32>, init = dense<4.0> : tensor<100x2xf32>},
  {type = tensor<100xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]> : tensor<100xi32>},
  {type = tensor<100x128xf32>, init = "random", seed = 546},
  {type = tensor<100x528xbf16>, init = dense<7.0> : tensor<100x528xbf16>},
  {type = tensor<100x528xbf16>, init = dense<7.0> : tensor<100x528xbf16>, expect = @key_value_grad_128.reference, tolerance = 4.0e-03},
  {init = dense<[100, 0, 100, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]
