// RUN: mlora-opt %s --mlora-to-gpu --mlora-emulate='seeds=3' -o /dev/null | FileCheck %s

// Kernels of rows beside the reference: several vectors a thread or lane, rows that stay in registers, a last block that is not full.

mlora.kernel @add_norm_f32(%a: tensor<?x512xf32>, %b: tensor<?x512xf32>, %n: tensor<512xf32>) -> (tensor<?x512xf32>, tensor<?x512xf32>) grid ["rows by 4"] {
  %s = mlora.add %a, %b : tensor<?x512xf32>
  %y = mlora.rms_norm %s, %n eps 1.0e-05 : (tensor<?x512xf32>, tensor<512xf32>) -> tensor<?x512xf32>
  mlora.yield %s, %y : tensor<?x512xf32>, tensor<?x512xf32>
}
func.func @add_norm_f32_s(%a: tensor<6x512xf32>, %b: tensor<6x512xf32>, %n: tensor<512xf32>, %o_s: tensor<6x512xf32>, %o_y: tensor<6x512xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<6x512xf32> {
  %s = mlora.add %a, %b : tensor<6x512xf32>
  %y = mlora.rms_norm %s, %n eps 1.0e-05 : (tensor<6x512xf32>, tensor<512xf32>) -> tensor<6x512xf32>
  return %s : tensor<6x512xf32>
}
func.func @add_norm_f32_y(%a: tensor<6x512xf32>, %b: tensor<6x512xf32>, %n: tensor<512xf32>, %o_s: tensor<6x512xf32>, %o_y: tensor<6x512xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<6x512xf32> {
  %s = mlora.add %a, %b : tensor<6x512xf32>
  %y = mlora.rms_norm %s, %n eps 1.0e-05 : (tensor<6x512xf32>, tensor<512xf32>) -> tensor<6x512xf32>
  return %y : tensor<6x512xf32>
}
// CHECK: @kernels::@add_norm_f32: 2 blocks of 128 threads, 3 seeds: passed
mlora.emulate @kernels::@add_norm_f32 grid [2] block [128] arguments [
  {type = tensor<6x512xf32>, init = "random", seed = 1},
  {type = tensor<6x512xf32>, init = "random", seed = 2},
  {type = tensor<512xf32>, init = "random", seed = 3},
  {type = tensor<6x512xf32>, expect = @add_norm_f32_s},
  {type = tensor<6x512xf32>, expect = @add_norm_f32_y},
  {init = dense<[6, 4, 6, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @norm_grad_f32(%d: tensor<?x512xf32>, %x: tensor<?x512xf32>, %n: tensor<512xf32>) -> (tensor<?x512xf32>) grid ["rows by 4"] {
  %y = mlora.rms_norm.input_grad %d, %x, %n eps 1.0e-05 : (tensor<?x512xf32>, tensor<?x512xf32>, tensor<512xf32>) -> tensor<?x512xf32>
  mlora.yield %y : tensor<?x512xf32>
}
func.func @norm_grad_f32_y(%d: tensor<6x512xf32>, %x: tensor<6x512xf32>, %n: tensor<512xf32>, %o_y: tensor<6x512xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<6x512xf32> {
  %y = mlora.rms_norm.input_grad %d, %x, %n eps 1.0e-05 : (tensor<6x512xf32>, tensor<6x512xf32>, tensor<512xf32>) -> tensor<6x512xf32>
  return %y : tensor<6x512xf32>
}
// CHECK: @kernels::@norm_grad_f32: 2 blocks of 128 threads, 3 seeds: passed
mlora.emulate @kernels::@norm_grad_f32 grid [2] block [128] arguments [
  {type = tensor<6x512xf32>, init = "random", seed = 1},
  {type = tensor<6x512xf32>, init = "random", seed = 2},
  {type = tensor<512xf32>, init = "random", seed = 3},
  {type = tensor<6x512xf32>, expect = @norm_grad_f32_y},
  {init = dense<[6, 4, 6, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @add_norm_bf16(%a: tensor<?x2048xbf16>, %b: tensor<?x2048xbf16>, %n: tensor<2048xbf16>) -> (tensor<?x2048xbf16>, tensor<?x2048xbf16>) grid ["rows by 4"] {
  %s = mlora.add %a, %b : tensor<?x2048xbf16>
  %y = mlora.rms_norm %s, %n eps 1.0e-05 : (tensor<?x2048xbf16>, tensor<2048xbf16>) -> tensor<?x2048xbf16>
  mlora.yield %s, %y : tensor<?x2048xbf16>, tensor<?x2048xbf16>
}
func.func @add_norm_bf16_s(%a: tensor<6x2048xbf16>, %b: tensor<6x2048xbf16>, %n: tensor<2048xbf16>, %o_s: tensor<6x2048xbf16>, %o_y: tensor<6x2048xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<6x2048xbf16> {
  %s = mlora.add %a, %b : tensor<6x2048xbf16>
  %y = mlora.rms_norm %s, %n eps 1.0e-05 : (tensor<6x2048xbf16>, tensor<2048xbf16>) -> tensor<6x2048xbf16>
  return %s : tensor<6x2048xbf16>
}
func.func @add_norm_bf16_y(%a: tensor<6x2048xbf16>, %b: tensor<6x2048xbf16>, %n: tensor<2048xbf16>, %o_s: tensor<6x2048xbf16>, %o_y: tensor<6x2048xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<6x2048xbf16> {
  %s = mlora.add %a, %b : tensor<6x2048xbf16>
  %y = mlora.rms_norm %s, %n eps 1.0e-05 : (tensor<6x2048xbf16>, tensor<2048xbf16>) -> tensor<6x2048xbf16>
  return %y : tensor<6x2048xbf16>
}
// CHECK: @kernels::@add_norm_bf16: 2 blocks of 128 threads, 3 seeds: passed
mlora.emulate @kernels::@add_norm_bf16 grid [2] block [128] arguments [
  {type = tensor<6x2048xbf16>, init = "random", seed = 1},
  {type = tensor<6x2048xbf16>, init = "random", seed = 2},
  {type = tensor<2048xbf16>, init = "random", seed = 3},
  {type = tensor<6x2048xbf16>, expect = @add_norm_bf16_s, tolerance = 8.0e-03},
  {type = tensor<6x2048xbf16>, expect = @add_norm_bf16_y, tolerance = 8.0e-03},
  {init = dense<[6, 4, 6, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @norm_grad_bf16(%d: tensor<?x2048xbf16>, %x: tensor<?x2048xbf16>, %n: tensor<2048xbf16>) -> (tensor<?x2048xbf16>) grid ["rows by 4"] {
  %y = mlora.rms_norm.input_grad %d, %x, %n eps 1.0e-05 : (tensor<?x2048xbf16>, tensor<?x2048xbf16>, tensor<2048xbf16>) -> tensor<?x2048xbf16>
  mlora.yield %y : tensor<?x2048xbf16>
}
func.func @norm_grad_bf16_y(%d: tensor<6x2048xbf16>, %x: tensor<6x2048xbf16>, %n: tensor<2048xbf16>, %o_y: tensor<6x2048xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<6x2048xbf16> {
  %y = mlora.rms_norm.input_grad %d, %x, %n eps 1.0e-05 : (tensor<6x2048xbf16>, tensor<6x2048xbf16>, tensor<2048xbf16>) -> tensor<6x2048xbf16>
  return %y : tensor<6x2048xbf16>
}
// CHECK: @kernels::@norm_grad_bf16: 2 blocks of 128 threads, 3 seeds: passed
mlora.emulate @kernels::@norm_grad_bf16 grid [2] block [128] dynamic_shared 128 arguments [
  {type = tensor<6x2048xbf16>, init = "random", seed = 1},
  {type = tensor<6x2048xbf16>, init = "random", seed = 2},
  {type = tensor<2048xbf16>, init = "random", seed = 3},
  {type = tensor<6x2048xbf16>, expect = @norm_grad_bf16_y, tolerance = 8.0e-03},
  {init = dense<[6, 4, 6, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @gate(%g: tensor<?x2632xbf16>, %u: tensor<?x2632xbf16>) -> (tensor<?x2632xbf16>) grid ["rows by 4"] {
  %y = mlora.swiglu %g, %u : (tensor<?x2632xbf16>, tensor<?x2632xbf16>) -> tensor<?x2632xbf16>
  mlora.yield %y : tensor<?x2632xbf16>
}
func.func @gate_y(%g: tensor<6x2632xbf16>, %u: tensor<6x2632xbf16>, %o_y: tensor<6x2632xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<6x2632xbf16> {
  %y = mlora.swiglu %g, %u : (tensor<6x2632xbf16>, tensor<6x2632xbf16>) -> tensor<6x2632xbf16>
  return %y : tensor<6x2632xbf16>
}
// CHECK: @kernels::@gate: 2 blocks of 128 threads, 3 seeds: passed
mlora.emulate @kernels::@gate grid [2] block [128] arguments [
  {type = tensor<6x2632xbf16>, init = "random", seed = 1},
  {type = tensor<6x2632xbf16>, init = "random", seed = 2},
  {type = tensor<6x2632xbf16>, expect = @gate_y, tolerance = 8.0e-03},
  {init = dense<[6, 4, 6, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @scatter(%x: tensor<?x520xbf16> {mlora.extent = "counted_rows"}, %rows: tensor<?xi32> {mlora.extent = "counted_rows"}, %like: tensor<?x520xbf16>) -> (tensor<?x520xbf16>) grid ["rows by 4"] {
  %y = mlora.scatter_rows %x, %rows like %like : (tensor<?x520xbf16>, tensor<?xi32>, tensor<?x520xbf16>) -> tensor<?x520xbf16>
  mlora.yield %y : tensor<?x520xbf16>
}
func.func @scatter_y(%x: tensor<4x520xbf16>, %rows: tensor<4xi32>, %like: tensor<6x520xbf16>, %o_y: tensor<6x520xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<6x520xbf16> {
  %y = mlora.scatter_rows %x, %rows like %like : (tensor<4x520xbf16>, tensor<4xi32>, tensor<6x520xbf16>) -> tensor<6x520xbf16>
  return %y : tensor<6x520xbf16>
}
// CHECK: @kernels::@scatter: 2 blocks of 128 threads, 3 seeds: passed
mlora.emulate @kernels::@scatter grid [2] block [128] dynamic_shared 64 arguments [
  {type = tensor<4x520xbf16>, init = "random", seed = 1},
  {init = dense<[5, 0, 3, 4]> : tensor<4xi32>},
  {type = tensor<6x520xbf16>, init = "random", seed = 3},
  {type = tensor<6x520xbf16>, expect = @scatter_y},
  {init = dense<[6, 4, 6, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]
