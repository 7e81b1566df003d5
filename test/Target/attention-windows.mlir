// RUN: mlora-opt %s --mlora-to-gpu --mlora-emulate='seeds=2' -o /dev/null | FileCheck %s

// q, k and v as columns of one buffer, as their product leaves them: tiles are copied from there. Against the f64 reference.

// CHECK: @kernels::@forward_32: 4 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@forward_64: 8 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@forward_128: 2 blocks of 256 threads, 2 seeds: passed
// CHECK: @kernels::@query_grad_64: 8 blocks of 128 threads, 2 seeds: passed
// CHECK: @kernels::@key_value_grad_64: 4 blocks of 256 threads, 2 seeds: passed

mlora.kernel @forward_32(%qkv: tensor<?x128xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x64xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %q = mlora.window %qkv at [0, 0] : (tensor<?x128xbf16>) -> tensor<?x64xbf16>
  %k = mlora.window %qkv at [0, 64] : (tensor<?x128xbf16>) -> tensor<?x32xbf16>
  %v = mlora.window %qkv at [0, 96] : (tensor<?x128xbf16>) -> tensor<?x32xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<?x64xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?xi32>) -> (tensor<?x64xbf16>, tensor<?x2xf32>)
  mlora.yield %x0, %x1 : tensor<?x64xbf16>, tensor<?x2xf32>
}
func.func @forward_32.x0(%qkv: tensor<150x128xbf16>, %start: tensor<150xi32>, %r0: tensor<150x64xbf16>, %r1: tensor<150x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<150x64xbf16> {
  %q = mlora.window %qkv at [0, 0] : (tensor<150x128xbf16>) -> tensor<150x64xbf16>
  %k = mlora.window %qkv at [0, 64] : (tensor<150x128xbf16>) -> tensor<150x32xbf16>
  %v = mlora.window %qkv at [0, 96] : (tensor<150x128xbf16>) -> tensor<150x32xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<150x64xbf16>, tensor<150x32xbf16>, tensor<150x32xbf16>, tensor<150xi32>) -> (tensor<150x64xbf16>, tensor<150x2xf32>)
  return %x0 : tensor<150x64xbf16>
}
func.func @forward_32.x1(%qkv: tensor<150x128xbf16>, %start: tensor<150xi32>, %r0: tensor<150x64xbf16>, %r1: tensor<150x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<150x2xf32> {
  %q = mlora.window %qkv at [0, 0] : (tensor<150x128xbf16>) -> tensor<150x64xbf16>
  %k = mlora.window %qkv at [0, 64] : (tensor<150x128xbf16>) -> tensor<150x32xbf16>
  %v = mlora.window %qkv at [0, 96] : (tensor<150x128xbf16>) -> tensor<150x32xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<150x64xbf16>, tensor<150x32xbf16>, tensor<150x32xbf16>, tensor<150xi32>) -> (tensor<150x64xbf16>, tensor<150x2xf32>)
  return %x1 : tensor<150x2xf32>
}
mlora.emulate @kernels::@forward_32 grid [4] block [128] dynamic_shared 24576 arguments [
  {type = tensor<150x128xbf16>, init = "random", seed = 601},
  {type = tensor<150xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]> : tensor<150xi32>},
  {type = tensor<150x64xbf16>, init = dense<7.0> : tensor<150x64xbf16>, expect = @forward_32.x0, tolerance = 4.0e-03},
  {type = tensor<150x2xf32>, init = dense<7.0> : tensor<150x2xf32>, expect = @forward_32.x1, tolerance = 4.0e-03},
  {init = dense<[150, 0, 150, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @forward_64(%qkv: tensor<?x512xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %q = mlora.window %qkv at [0, 0] : (tensor<?x512xbf16>) -> tensor<?x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %x0, %x1 : tensor<?x256xbf16>, tensor<?x4xf32>
}
func.func @forward_64.x0(%qkv: tensor<150x512xbf16>, %start: tensor<150xi32>, %r0: tensor<150x256xbf16>, %r1: tensor<150x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<150x256xbf16> {
  %q = mlora.window %qkv at [0, 0] : (tensor<150x512xbf16>) -> tensor<150x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<150x512xbf16>) -> tensor<150x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<150x512xbf16>) -> tensor<150x128xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<150x256xbf16>, tensor<150x128xbf16>, tensor<150x128xbf16>, tensor<150xi32>) -> (tensor<150x256xbf16>, tensor<150x4xf32>)
  return %x0 : tensor<150x256xbf16>
}
func.func @forward_64.x1(%qkv: tensor<150x512xbf16>, %start: tensor<150xi32>, %r0: tensor<150x256xbf16>, %r1: tensor<150x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<150x4xf32> {
  %q = mlora.window %qkv at [0, 0] : (tensor<150x512xbf16>) -> tensor<150x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<150x512xbf16>) -> tensor<150x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<150x512xbf16>) -> tensor<150x128xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<150x256xbf16>, tensor<150x128xbf16>, tensor<150x128xbf16>, tensor<150xi32>) -> (tensor<150x256xbf16>, tensor<150x4xf32>)
  return %x1 : tensor<150x4xf32>
}
mlora.emulate @kernels::@forward_64 grid [8] block [128] dynamic_shared 49152 arguments [
  {type = tensor<150x512xbf16>, init = "random", seed = 611},
  {type = tensor<150xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]> : tensor<150xi32>},
  {type = tensor<150x256xbf16>, init = dense<7.0> : tensor<150x256xbf16>, expect = @forward_64.x0, tolerance = 4.0e-03},
  {type = tensor<150x4xf32>, init = dense<7.0> : tensor<150x4xf32>, expect = @forward_64.x1, tolerance = 4.0e-03},
  {init = dense<[150, 0, 150, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @forward_128(%qkv: tensor<?x512xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %q = mlora.window %qkv at [0, 0] : (tensor<?x512xbf16>) -> tensor<?x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x2xf32>)
  mlora.yield %x0, %x1 : tensor<?x256xbf16>, tensor<?x2xf32>
}
func.func @forward_128.x0(%qkv: tensor<100x512xbf16>, %start: tensor<100xi32>, %r0: tensor<100x256xbf16>, %r1: tensor<100x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<100x256xbf16> {
  %q = mlora.window %qkv at [0, 0] : (tensor<100x512xbf16>) -> tensor<100x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<100x512xbf16>) -> tensor<100x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<100x512xbf16>) -> tensor<100x128xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<100x256xbf16>, tensor<100x128xbf16>, tensor<100x128xbf16>, tensor<100xi32>) -> (tensor<100x256xbf16>, tensor<100x2xf32>)
  return %x0 : tensor<100x256xbf16>
}
func.func @forward_128.x1(%qkv: tensor<100x512xbf16>, %start: tensor<100xi32>, %r0: tensor<100x256xbf16>, %r1: tensor<100x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<100x2xf32> {
  %q = mlora.window %qkv at [0, 0] : (tensor<100x512xbf16>) -> tensor<100x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<100x512xbf16>) -> tensor<100x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<100x512xbf16>) -> tensor<100x128xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<100x256xbf16>, tensor<100x128xbf16>, tensor<100x128xbf16>, tensor<100xi32>) -> (tensor<100x256xbf16>, tensor<100x2xf32>)
  return %x1 : tensor<100x2xf32>
}
mlora.emulate @kernels::@forward_128 grid [2] block [256] dynamic_shared 98304 arguments [
  {type = tensor<100x512xbf16>, init = "random", seed = 621},
  {type = tensor<100xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]> : tensor<100xi32>},
  {type = tensor<100x256xbf16>, init = dense<7.0> : tensor<100x256xbf16>, expect = @forward_128.x0, tolerance = 4.0e-03},
  {type = tensor<100x2xf32>, init = dense<7.0> : tensor<100x2xf32>, expect = @forward_128.x1, tolerance = 4.0e-03},
  {init = dense<[100, 0, 100, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @query_grad_64(%do: tensor<?x256xbf16>, %qkv: tensor<?x512xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x256xbf16> grid ["4 by 1", "rows by 64"] {
  %q = mlora.window %qkv at [0, 0] : (tensor<?x512xbf16>) -> tensor<?x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  mlora.yield %x0 : tensor<?x256xbf16>
}
func.func @query_grad_64.x0(%do: tensor<150x256xbf16>, %qkv: tensor<150x512xbf16>, %o: tensor<150x256xbf16>, %lse: tensor<150x4xf32>, %start: tensor<150xi32>, %r0: tensor<150x256xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<150x256xbf16> {
  %q = mlora.window %qkv at [0, 0] : (tensor<150x512xbf16>) -> tensor<150x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<150x512xbf16>) -> tensor<150x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<150x512xbf16>) -> tensor<150x128xbf16>
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<150x256xbf16>, tensor<150x256xbf16>, tensor<150x128xbf16>, tensor<150x128xbf16>, tensor<150x256xbf16>, tensor<150x4xf32>, tensor<150xi32>) -> tensor<150x256xbf16>
  return %x0 : tensor<150x256xbf16>
}
mlora.emulate @kernels::@query_grad_64 grid [8] block [128] dynamic_shared 65536 arguments [
  {type = tensor<150x256xbf16>, init = "random", seed = 630},
  {type = tensor<150x512xbf16>, init = "random", seed = 631},
  {type = tensor<150x256xbf16>, init = "random", seed = 632},
  {type = tensor<150x4xf32>, init = dense<4.0> : tensor<150x4xf32>},
  {type = tensor<150xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]> : tensor<150xi32>},
  {type = tensor<150x256xbf16>, init = dense<7.0> : tensor<150x256xbf16>, expect = @query_grad_64.x0, tolerance = 4.0e-03},
  {init = dense<[150, 0, 150, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @key_value_grad_64(%do: tensor<?x256xbf16>, %qkv: tensor<?x512xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x128xbf16>, tensor<?x128xbf16>) grid ["2 by 1", "rows by 64"] {
  %q = mlora.window %qkv at [0, 0] : (tensor<?x512xbf16>) -> tensor<?x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  mlora.yield %x0, %x1 : tensor<?x128xbf16>, tensor<?x128xbf16>
}
func.func @key_value_grad_64.x0(%do: tensor<150x256xbf16>, %qkv: tensor<150x512xbf16>, %o: tensor<150x256xbf16>, %lse: tensor<150x4xf32>, %start: tensor<150xi32>, %r0: tensor<150x128xbf16>, %r1: tensor<150x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<150x128xbf16> {
  %q = mlora.window %qkv at [0, 0] : (tensor<150x512xbf16>) -> tensor<150x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<150x512xbf16>) -> tensor<150x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<150x512xbf16>) -> tensor<150x128xbf16>
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<150x256xbf16>, tensor<150x256xbf16>, tensor<150x128xbf16>, tensor<150x128xbf16>, tensor<150x256xbf16>, tensor<150x4xf32>, tensor<150xi32>) -> (tensor<150x128xbf16>, tensor<150x128xbf16>)
  return %x0 : tensor<150x128xbf16>
}
func.func @key_value_grad_64.x1(%do: tensor<150x256xbf16>, %qkv: tensor<150x512xbf16>, %o: tensor<150x256xbf16>, %lse: tensor<150x4xf32>, %start: tensor<150xi32>, %r0: tensor<150x128xbf16>, %r1: tensor<150x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<150x128xbf16> {
  %q = mlora.window %qkv at [0, 0] : (tensor<150x512xbf16>) -> tensor<150x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<150x512xbf16>) -> tensor<150x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<150x512xbf16>) -> tensor<150x128xbf16>
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<150x256xbf16>, tensor<150x256xbf16>, tensor<150x128xbf16>, tensor<150x128xbf16>, tensor<150x256xbf16>, tensor<150x4xf32>, tensor<150xi32>) -> (tensor<150x128xbf16>, tensor<150x128xbf16>)
  return %x1 : tensor<150x128xbf16>
}
mlora.emulate @kernels::@key_value_grad_64 grid [4] block [256] dynamic_shared 65536 arguments [
  {type = tensor<150x256xbf16>, init = "random", seed = 640},
  {type = tensor<150x512xbf16>, init = "random", seed = 641},
  {type = tensor<150x256xbf16>, init = "random", seed = 642},
  {type = tensor<150x4xf32>, init = dense<4.0> : tensor<150x4xf32>},
  {type = tensor<150xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]> : tensor<150xi32>},
  {type = tensor<150x128xbf16>, init = dense<7.0> : tensor<150x128xbf16>, expect = @key_value_grad_64.x0, tolerance = 4.0e-03},
  {type = tensor<150x128xbf16>, init = dense<7.0> : tensor<150x128xbf16>, expect = @key_value_grad_64.x1, tolerance = 4.0e-03},
  {init = dense<[150, 0, 150, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]
