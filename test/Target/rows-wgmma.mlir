// RUN: mlora-opt %s --mlora-rows-to-gpu=chip=sm_90a --mlora-to-gpu --mlora-emulate='seeds=3' -o /dev/null | FileCheck %s
// RUN: mlora-opt %s --mlora-rows-to-gpu=chip=sm_90a | FileCheck %s --check-prefix=SCHEDULE

// Rows and skinny products beside them with wgmma, against the f64 reference: rows that no block divides, sums along rows, steps that the warpgroups do not
// share evenly, ranks of a part of 64 and of several, views of operands and results.

// CHECK: @kernels::@norm: 3 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@add_norm: 1 block of 384 threads, 3 seeds: passed
// CHECK: @kernels::@norm_grad: 2 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@swiglu: 2 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@swiglu_grad: 2 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@copied: 2 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@of_three: 3 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@odd_stages: 2 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@of_some: 2 blocks of 384 threads, 3 seeds: passed

// A norm and m of the layers that read it, side by side; Ã is rows of the augmented weight; the last block has 13 rows.
// SCHEDULE: gpu.func @norm({{.*}}mlora.grid = ["rows by 32"]{{.*}}mlora.schedule = "rows 32, wgmma 32x96x64x8"
mlora.kernel @norm(%h: tensor<?x192xbf16> {mlora.extent = "rows"}, %w: tensor<192xbf16>, %aw: tensor<160x240xbf16>)
    -> (tensor<?x288xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %x = mlora.rms_norm %h, %w eps 1.000000e-05 : (tensor<?x192xbf16>, tensor<192xbf16>) -> tensor<?x192xbf16>
  %a = mlora.window %aw at [64, 0] : (tensor<160x240xbf16>) -> tensor<96x192xbf16>
  %m = mlora.linear %x, %a : (tensor<?x192xbf16>, tensor<96x192xbf16>) -> tensor<?x96xbf16>
  %xm = mlora.join %x, %m : (tensor<?x192xbf16>, tensor<?x96xbf16>) -> tensor<?x288xbf16>
  mlora.yield %xm : tensor<?x288xbf16>
}
func.func @norm.xm(%h: tensor<77x192xbf16>, %w: tensor<192xbf16>, %aw: tensor<160x240xbf16>, %before_xm: tensor<77x288xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<77x288xbf16> {
  %x = mlora.rms_norm %h, %w eps 1.000000e-05 : (tensor<77x192xbf16>, tensor<192xbf16>) -> tensor<77x192xbf16>
  %a = mlora.window %aw at [64, 0] : (tensor<160x240xbf16>) -> tensor<96x192xbf16>
  %m = mlora.linear %x, %a : (tensor<77x192xbf16>, tensor<96x192xbf16>) -> tensor<77x96xbf16>
  %xm = mlora.join %x, %m : (tensor<77x192xbf16>, tensor<77x96xbf16>) -> tensor<77x288xbf16>
  return %xm : tensor<77x288xbf16>
}
mlora.emulate @kernels::@norm grid [3] block [384] dynamic_shared 133120 arguments [
  {type = tensor<77x192xbf16>, init = "random", seed = 1},
  {type = tensor<192xbf16>, init = "random", seed = 2},
  {type = tensor<160x240xbf16>, init = "random", seed = 3},
  {type = tensor<77x288xbf16>, init = "uninitialised", expect = @norm.xm, tolerance = 3.0e-02},
  {init = dense<[77, 0, 77, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 96, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 32, 64>, swizzle = 128}]

// A residual is added first: two results of a row, one of them read by the sums. 288 ranks in two boxes.
// SCHEDULE: gpu.func @add_norm({{.*}}mlora.grid = ["rows by 32"]{{.*}}mlora.schedule = "rows 32, wgmma 32x288x64x5"
mlora.kernel @add_norm(%h: tensor<?x64xbf16> {mlora.extent = "rows"}, %y: tensor<?x64xbf16> {mlora.extent = "rows"}, %w: tensor<64xbf16>, %a: tensor<288x64xbf16>)
    -> (tensor<?x64xbf16> {mlora.extent = "rows"}, tensor<?x352xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %h1 = mlora.add %h, %y : tensor<?x64xbf16>
  %x = mlora.rms_norm %h1, %w eps 1.000000e-05 : (tensor<?x64xbf16>, tensor<64xbf16>) -> tensor<?x64xbf16>
  %m = mlora.linear %x, %a : (tensor<?x64xbf16>, tensor<288x64xbf16>) -> tensor<?x288xbf16>
  %xm = mlora.join %x, %m : (tensor<?x64xbf16>, tensor<?x288xbf16>) -> tensor<?x352xbf16>
  mlora.yield %h1, %xm : tensor<?x64xbf16>, tensor<?x352xbf16>
}
func.func @add_norm.h1(%h: tensor<32x64xbf16>, %y: tensor<32x64xbf16>, %w: tensor<64xbf16>, %a: tensor<288x64xbf16>, %before_h1: tensor<32x64xbf16>, %before_xm: tensor<32x352xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<32x64xbf16> {
  %h1 = mlora.add %h, %y : tensor<32x64xbf16>
  %x = mlora.rms_norm %h1, %w eps 1.000000e-05 : (tensor<32x64xbf16>, tensor<64xbf16>) -> tensor<32x64xbf16>
  %m = mlora.linear %x, %a : (tensor<32x64xbf16>, tensor<288x64xbf16>) -> tensor<32x288xbf16>
  %xm = mlora.join %x, %m : (tensor<32x64xbf16>, tensor<32x288xbf16>) -> tensor<32x352xbf16>
  return %h1 : tensor<32x64xbf16>
}
func.func @add_norm.xm(%h: tensor<32x64xbf16>, %y: tensor<32x64xbf16>, %w: tensor<64xbf16>, %a: tensor<288x64xbf16>, %before_h1: tensor<32x64xbf16>, %before_xm: tensor<32x352xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<32x352xbf16> {
  %h1 = mlora.add %h, %y : tensor<32x64xbf16>
  %x = mlora.rms_norm %h1, %w eps 1.000000e-05 : (tensor<32x64xbf16>, tensor<64xbf16>) -> tensor<32x64xbf16>
  %m = mlora.linear %x, %a : (tensor<32x64xbf16>, tensor<288x64xbf16>) -> tensor<32x288xbf16>
  %xm = mlora.join %x, %m : (tensor<32x64xbf16>, tensor<32x288xbf16>) -> tensor<32x352xbf16>
  return %xm : tensor<32x352xbf16>
}
mlora.emulate @kernels::@add_norm grid [1] block [384] dynamic_shared 227328 arguments [
  {type = tensor<32x64xbf16>, init = "random", seed = 1},
  {type = tensor<32x64xbf16>, init = "random", seed = 2},
  {type = tensor<64xbf16>, init = "random", seed = 3},
  {type = tensor<288x64xbf16>, init = "random", seed = 4},
  {type = tensor<32x64xbf16>, init = "uninitialised", expect = @add_norm.h1, tolerance = 3.0e-02},
  {type = tensor<32x352xbf16>, init = "uninitialised", expect = @add_norm.xm, tolerance = 3.0e-02},
  {init = dense<[32, 0, 32, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 144, 64>, swizzle = 128},
  {tensor_map = 4, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 5, box = array<i64: 32, 64>, swizzle = 128}]

// The gradient of a norm and a cotangent beside it, and u = dy B̃ of what comes out, 16 ranks.
// SCHEDULE: gpu.func @norm_grad({{.*}}mlora.grid = ["rows by 32"]{{.*}}mlora.schedule = "rows 32, wgmma 32x16x64x8"
mlora.kernel @norm_grad(%dx: tensor<?x128xbf16> {mlora.extent = "rows"}, %h: tensor<?x128xbf16> {mlora.extent = "rows"}, %w: tensor<128xbf16>, %dh2: tensor<?x128xbf16> {mlora.extent = "rows"}, %wb: tensor<128x144xbf16>)
    -> (tensor<?x144xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %d = mlora.rms_norm.input_grad %dx, %h, %w eps 1.000000e-05 : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<128xbf16>) -> tensor<?x128xbf16>
  %dh = mlora.add %dh2, %d : tensor<?x128xbf16>
  %up = mlora.window %wb at [0, 128] : (tensor<128x144xbf16>) -> tensor<128x16xbf16>
  %u = mlora.linear.input_grad %dh, %up : (tensor<?x128xbf16>, tensor<128x16xbf16>) -> tensor<?x16xbf16>
  %dhu = mlora.join %dh, %u : (tensor<?x128xbf16>, tensor<?x16xbf16>) -> tensor<?x144xbf16>
  mlora.yield %dhu : tensor<?x144xbf16>
}
func.func @norm_grad.dhu(%dx: tensor<45x128xbf16>, %h: tensor<45x128xbf16>, %w: tensor<128xbf16>, %dh2: tensor<45x128xbf16>, %wb: tensor<128x144xbf16>, %before_dhu: tensor<45x144xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<45x144xbf16> {
  %d = mlora.rms_norm.input_grad %dx, %h, %w eps 1.000000e-05 : (tensor<45x128xbf16>, tensor<45x128xbf16>, tensor<128xbf16>) -> tensor<45x128xbf16>
  %dh = mlora.add %dh2, %d : tensor<45x128xbf16>
  %up = mlora.window %wb at [0, 128] : (tensor<128x144xbf16>) -> tensor<128x16xbf16>
  %u = mlora.linear.input_grad %dh, %up : (tensor<45x128xbf16>, tensor<128x16xbf16>) -> tensor<45x16xbf16>
  %dhu = mlora.join %dh, %u : (tensor<45x128xbf16>, tensor<45x16xbf16>) -> tensor<45x144xbf16>
  return %dhu : tensor<45x144xbf16>
}
mlora.emulate @kernels::@norm_grad grid [2] block [384] dynamic_shared 165888 arguments [
  {type = tensor<45x128xbf16>, init = "random", seed = 1},
  {type = tensor<45x128xbf16>, init = "random", seed = 2},
  {type = tensor<128xbf16>, init = "random", seed = 3},
  {type = tensor<45x128xbf16>, init = "random", seed = 4},
  {type = tensor<128x144xbf16>, init = "random", seed = 5},
  {type = tensor<45x144xbf16>, init = "uninitialised", expect = @norm_grad.dhu, tolerance = 3.0e-02},
  {init = dense<[45, 0, 45, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 4, box = array<i64: 64, 16>, swizzle = 32},
  {tensor_map = 5, box = array<i64: 32, 64>, swizzle = 128}]

// Gate and up are columns of one buffer.
// SCHEDULE: gpu.func @swiglu({{.*}}mlora.grid = ["rows by 32"]{{.*}}mlora.schedule = "rows 32, wgmma 32x160x64x8"
mlora.kernel @swiglu(%gu: tensor<?x640xbf16> {mlora.extent = "rows"}, %a: tensor<160x320xbf16>)
    -> (tensor<?x480xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %g = mlora.window %gu at [0, 0] : (tensor<?x640xbf16>) -> tensor<?x320xbf16>
  %up = mlora.window %gu at [0, 320] : (tensor<?x640xbf16>) -> tensor<?x320xbf16>
  %y = mlora.swiglu %g, %up : (tensor<?x320xbf16>, tensor<?x320xbf16>) -> tensor<?x320xbf16>
  %m = mlora.linear %y, %a : (tensor<?x320xbf16>, tensor<160x320xbf16>) -> tensor<?x160xbf16>
  %ym = mlora.join %y, %m : (tensor<?x320xbf16>, tensor<?x160xbf16>) -> tensor<?x480xbf16>
  mlora.yield %ym : tensor<?x480xbf16>
}
func.func @swiglu.ym(%gu: tensor<64x640xbf16>, %a: tensor<160x320xbf16>, %before_ym: tensor<64x480xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<64x480xbf16> {
  %g = mlora.window %gu at [0, 0] : (tensor<64x640xbf16>) -> tensor<64x320xbf16>
  %up = mlora.window %gu at [0, 320] : (tensor<64x640xbf16>) -> tensor<64x320xbf16>
  %y = mlora.swiglu %g, %up : (tensor<64x320xbf16>, tensor<64x320xbf16>) -> tensor<64x320xbf16>
  %m = mlora.linear %y, %a : (tensor<64x320xbf16>, tensor<160x320xbf16>) -> tensor<64x160xbf16>
  %ym = mlora.join %y, %m : (tensor<64x320xbf16>, tensor<64x160xbf16>) -> tensor<64x480xbf16>
  return %ym : tensor<64x480xbf16>
}
mlora.emulate @kernels::@swiglu grid [2] block [384] dynamic_shared 230400 arguments [
  {type = tensor<64x640xbf16>, init = "random", seed = 1},
  {type = tensor<160x320xbf16>, init = "random", seed = 2},
  {type = tensor<64x480xbf16>, init = "uninitialised", expect = @swiglu.ym, tolerance = 3.0e-02},
  {init = dense<[64, 0, 64, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 160, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 32, 64>, swizzle = 128}]

// Two results, each with a product of its own; B̃ of two layers are columns of one weight.
// SCHEDULE: gpu.func @swiglu_grad({{.*}}mlora.grid = ["rows by 32"]{{.*}}mlora.schedule = "rows 32, wgmma 32x96x64x6"
mlora.kernel @swiglu_grad(%gu: tensor<?x256xbf16> {mlora.extent = "rows"}, %dy: tensor<?x128xbf16> {mlora.extent = "rows"}, %wb: tensor<256x304xbf16>)
    -> (tensor<?x448xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %g = mlora.window %gu at [0, 0] : (tensor<?x256xbf16>) -> tensor<?x128xbf16>
  %up = mlora.window %gu at [0, 128] : (tensor<?x256xbf16>) -> tensor<?x128xbf16>
  %dg, %du = mlora.swiglu.grad %dy, %g, %up : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  %bg = mlora.window %wb at [0, 112] : (tensor<256x304xbf16>) -> tensor<128x96xbf16>
  %ug = mlora.linear.input_grad %dg, %bg : (tensor<?x128xbf16>, tensor<128x96xbf16>) -> tensor<?x96xbf16>
  %bu = mlora.window %wb at [128, 208] : (tensor<256x304xbf16>) -> tensor<128x96xbf16>
  %uu = mlora.linear.input_grad %du, %bu : (tensor<?x128xbf16>, tensor<128x96xbf16>) -> tensor<?x96xbf16>
  %u = mlora.join %ug, %uu : (tensor<?x96xbf16>, tensor<?x96xbf16>) -> tensor<?x192xbf16>
  %all = mlora.join %dg, %du, %u : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x192xbf16>) -> tensor<?x448xbf16>
  mlora.yield %all : tensor<?x448xbf16>
}
func.func @swiglu_grad.all(%gu: tensor<33x256xbf16>, %dy: tensor<33x128xbf16>, %wb: tensor<256x304xbf16>, %before_all: tensor<33x448xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<33x448xbf16> {
  %g = mlora.window %gu at [0, 0] : (tensor<33x256xbf16>) -> tensor<33x128xbf16>
  %up = mlora.window %gu at [0, 128] : (tensor<33x256xbf16>) -> tensor<33x128xbf16>
  %dg, %du = mlora.swiglu.grad %dy, %g, %up : (tensor<33x128xbf16>, tensor<33x128xbf16>, tensor<33x128xbf16>) -> (tensor<33x128xbf16>, tensor<33x128xbf16>)
  %bg = mlora.window %wb at [0, 112] : (tensor<256x304xbf16>) -> tensor<128x96xbf16>
  %ug = mlora.linear.input_grad %dg, %bg : (tensor<33x128xbf16>, tensor<128x96xbf16>) -> tensor<33x96xbf16>
  %bu = mlora.window %wb at [128, 208] : (tensor<256x304xbf16>) -> tensor<128x96xbf16>
  %uu = mlora.linear.input_grad %du, %bu : (tensor<33x128xbf16>, tensor<128x96xbf16>) -> tensor<33x96xbf16>
  %u = mlora.join %ug, %uu : (tensor<33x96xbf16>, tensor<33x96xbf16>) -> tensor<33x192xbf16>
  %all = mlora.join %dg, %du, %u : (tensor<33x128xbf16>, tensor<33x128xbf16>, tensor<33x192xbf16>) -> tensor<33x448xbf16>
  return %all : tensor<33x448xbf16>
}
mlora.emulate @kernels::@swiglu_grad grid [2] block [384] dynamic_shared 222208 arguments [
  {type = tensor<33x256xbf16>, init = "random", seed = 1},
  {type = tensor<33x128xbf16>, init = "random", seed = 2},
  {type = tensor<256x304xbf16>, init = "random", seed = 3},
  {type = tensor<33x448xbf16>, init = "uninitialised", expect = @swiglu_grad.all, tolerance = 3.0e-02},
  {init = dense<[33, 0, 33, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 1, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 64, 32>, swizzle = 64},
  {tensor_map = 3, box = array<i64: 32, 64>, swizzle = 128}]

// What is multiplied is copied as it is; m leaves twice.
// SCHEDULE: gpu.func @copied({{.*}}mlora.grid = ["rows by 32"]{{.*}}mlora.schedule = "rows 32, wgmma 32x48x64x8"
mlora.kernel @copied(%o: tensor<?x128xbf16> {mlora.extent = "rows"}, %a: tensor<48x128xbf16>)
    -> (tensor<?x48xbf16> {mlora.extent = "rows"}, tensor<?x176xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %m = mlora.linear %o, %a : (tensor<?x128xbf16>, tensor<48x128xbf16>) -> tensor<?x48xbf16>
  %om = mlora.join %o, %m : (tensor<?x128xbf16>, tensor<?x48xbf16>) -> tensor<?x176xbf16>
  mlora.yield %m, %om : tensor<?x48xbf16>, tensor<?x176xbf16>
}
func.func @copied.m(%o: tensor<40x128xbf16>, %a: tensor<48x128xbf16>, %before_m: tensor<40x48xbf16>, %before_om: tensor<40x176xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<40x48xbf16> {
  %m = mlora.linear %o, %a : (tensor<40x128xbf16>, tensor<48x128xbf16>) -> tensor<40x48xbf16>
  %om = mlora.join %o, %m : (tensor<40x128xbf16>, tensor<40x48xbf16>) -> tensor<40x176xbf16>
  return %m : tensor<40x48xbf16>
}
func.func @copied.om(%o: tensor<40x128xbf16>, %a: tensor<48x128xbf16>, %before_m: tensor<40x48xbf16>, %before_om: tensor<40x176xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<40x176xbf16> {
  %m = mlora.linear %o, %a : (tensor<40x128xbf16>, tensor<48x128xbf16>) -> tensor<40x48xbf16>
  %om = mlora.join %o, %m : (tensor<40x128xbf16>, tensor<40x48xbf16>) -> tensor<40x176xbf16>
  return %om : tensor<40x176xbf16>
}
mlora.emulate @kernels::@copied grid [2] block [384] dynamic_shared 99328 arguments [
  {type = tensor<40x128xbf16>, init = "random", seed = 1},
  {type = tensor<48x128xbf16>, init = "random", seed = 2},
  {type = tensor<40x48xbf16>, init = "uninitialised", expect = @copied.m, tolerance = 6.0e-03},
  {type = tensor<40x176xbf16>, init = "uninitialised", expect = @copied.om, tolerance = 6.0e-03},
  {init = dense<[40, 0, 40, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 48, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 32, 64>, swizzle = 128}]

// Three products of values of two widths, one behind another: 3 + 1 + 1 steps.
// SCHEDULE: gpu.func @of_three({{.*}}mlora.grid = ["rows by 32"]{{.*}}mlora.schedule = "rows 32, wgmma 32x96x64x8"
mlora.kernel @of_three(%dq: tensor<?x192xbf16> {mlora.extent = "rows"}, %dk: tensor<?x64xbf16> {mlora.extent = "rows"}, %dv: tensor<?x64xbf16> {mlora.extent = "rows"}, %wb: tensor<320x288xbf16>)
    -> (tensor<?x288xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %bq = mlora.window %wb at [0, 0] : (tensor<320x288xbf16>) -> tensor<192x96xbf16>
  %uq = mlora.linear.input_grad %dq, %bq : (tensor<?x192xbf16>, tensor<192x96xbf16>) -> tensor<?x96xbf16>
  %bk = mlora.window %wb at [192, 96] : (tensor<320x288xbf16>) -> tensor<64x96xbf16>
  %uk = mlora.linear.input_grad %dk, %bk : (tensor<?x64xbf16>, tensor<64x96xbf16>) -> tensor<?x96xbf16>
  %bv = mlora.window %wb at [256, 192] : (tensor<320x288xbf16>) -> tensor<64x96xbf16>
  %uv = mlora.linear.input_grad %dv, %bv : (tensor<?x64xbf16>, tensor<64x96xbf16>) -> tensor<?x96xbf16>
  %u = mlora.join %uq, %uk, %uv : (tensor<?x96xbf16>, tensor<?x96xbf16>, tensor<?x96xbf16>) -> tensor<?x288xbf16>
  mlora.yield %u : tensor<?x288xbf16>
}
func.func @of_three.u(%dq: tensor<70x192xbf16>, %dk: tensor<70x64xbf16>, %dv: tensor<70x64xbf16>, %wb: tensor<320x288xbf16>, %before_u: tensor<70x288xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x288xbf16> {
  %bq = mlora.window %wb at [0, 0] : (tensor<320x288xbf16>) -> tensor<192x96xbf16>
  %uq = mlora.linear.input_grad %dq, %bq : (tensor<70x192xbf16>, tensor<192x96xbf16>) -> tensor<70x96xbf16>
  %bk = mlora.window %wb at [192, 96] : (tensor<320x288xbf16>) -> tensor<64x96xbf16>
  %uk = mlora.linear.input_grad %dk, %bk : (tensor<70x64xbf16>, tensor<64x96xbf16>) -> tensor<70x96xbf16>
  %bv = mlora.window %wb at [256, 192] : (tensor<320x288xbf16>) -> tensor<64x96xbf16>
  %uv = mlora.linear.input_grad %dv, %bv : (tensor<70x64xbf16>, tensor<64x96xbf16>) -> tensor<70x96xbf16>
  %u = mlora.join %uq, %uk, %uv : (tensor<70x96xbf16>, tensor<70x96xbf16>, tensor<70x96xbf16>) -> tensor<70x288xbf16>
  return %u : tensor<70x288xbf16>
}
mlora.emulate @kernels::@of_three grid [3] block [384] dynamic_shared 132096 arguments [
  {type = tensor<70x192xbf16>, init = "random", seed = 1},
  {type = tensor<70x64xbf16>, init = "random", seed = 2},
  {type = tensor<70x64xbf16>, init = "random", seed = 3},
  {type = tensor<320x288xbf16>, init = "random", seed = 4},
  {type = tensor<70x288xbf16>, init = "uninitialised", expect = @of_three.u, tolerance = 6.0e-03},
  {init = dense<[70, 0, 70, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 64, 32>, swizzle = 64},
  {tensor_map = 1, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 32, 64>, swizzle = 128}]

// Stages that go to the warpgroups in turn, five of them, several times around; sums first.
// SCHEDULE: gpu.func @odd_stages({{.*}}mlora.grid = ["rows by 32"]{{.*}}mlora.schedule = "rows 32, wgmma 32x288x64x5"
mlora.kernel @odd_stages(%h: tensor<?x1024xbf16> {mlora.extent = "rows"}, %w: tensor<1024xbf16>, %a: tensor<288x1024xbf16>)
    -> (tensor<?x1312xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %x = mlora.rms_norm %h, %w eps 1.000000e-05 : (tensor<?x1024xbf16>, tensor<1024xbf16>) -> tensor<?x1024xbf16>
  %m = mlora.linear %x, %a : (tensor<?x1024xbf16>, tensor<288x1024xbf16>) -> tensor<?x288xbf16>
  %xm = mlora.join %x, %m : (tensor<?x1024xbf16>, tensor<?x288xbf16>) -> tensor<?x1312xbf16>
  mlora.yield %xm : tensor<?x1312xbf16>
}
func.func @odd_stages.xm(%h: tensor<40x1024xbf16>, %w: tensor<1024xbf16>, %a: tensor<288x1024xbf16>, %before_xm: tensor<40x1312xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<40x1312xbf16> {
  %x = mlora.rms_norm %h, %w eps 1.000000e-05 : (tensor<40x1024xbf16>, tensor<1024xbf16>) -> tensor<40x1024xbf16>
  %m = mlora.linear %x, %a : (tensor<40x1024xbf16>, tensor<288x1024xbf16>) -> tensor<40x288xbf16>
  %xm = mlora.join %x, %m : (tensor<40x1024xbf16>, tensor<40x288xbf16>) -> tensor<40x1312xbf16>
  return %xm : tensor<40x1312xbf16>
}
mlora.emulate @kernels::@odd_stages grid [2] block [384] dynamic_shared 206848 arguments [
  {type = tensor<40x1024xbf16>, init = "random", seed = 1},
  {type = tensor<1024xbf16>, init = "random", seed = 2},
  {type = tensor<288x1024xbf16>, init = "random", seed = 3},
  {type = tensor<40x1312xbf16>, init = "uninitialised", expect = @odd_stages.xm, tolerance = 8.0e-02},
  {init = dense<[40, 0, 40, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 144, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 32, 64>, swizzle = 128}]

// Of q, k and v only q and v are adapted: x leaves beside m and alone.
// SCHEDULE: gpu.func @of_some({{.*}}mlora.grid = ["rows by 32"]{{.*}}mlora.schedule = "rows 32, wgmma 32x32x64x8"
mlora.kernel @of_some(%h: tensor<?x128xbf16> {mlora.extent = "rows"}, %w: tensor<128xbf16>, %a: tensor<32x128xbf16>)
    -> (tensor<?x160xbf16> {mlora.extent = "rows"}, tensor<?x128xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %x = mlora.rms_norm %h, %w eps 1.000000e-05 : (tensor<?x128xbf16>, tensor<128xbf16>) -> tensor<?x128xbf16>
  %m = mlora.linear %x, %a : (tensor<?x128xbf16>, tensor<32x128xbf16>) -> tensor<?x32xbf16>
  %xm = mlora.join %x, %m : (tensor<?x128xbf16>, tensor<?x32xbf16>) -> tensor<?x160xbf16>
  %x0 = mlora.window %xm at [0, 0] : (tensor<?x160xbf16>) -> tensor<?x128xbf16>
  mlora.yield %xm, %x0 : tensor<?x160xbf16>, tensor<?x128xbf16>
}
func.func @of_some.xm(%h: tensor<50x128xbf16>, %w: tensor<128xbf16>, %a: tensor<32x128xbf16>, %before_xm: tensor<50x160xbf16>, %before_x0: tensor<50x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<50x160xbf16> {
  %x = mlora.rms_norm %h, %w eps 1.000000e-05 : (tensor<50x128xbf16>, tensor<128xbf16>) -> tensor<50x128xbf16>
  %m = mlora.linear %x, %a : (tensor<50x128xbf16>, tensor<32x128xbf16>) -> tensor<50x32xbf16>
  %xm = mlora.join %x, %m : (tensor<50x128xbf16>, tensor<50x32xbf16>) -> tensor<50x160xbf16>
  %x0 = mlora.window %xm at [0, 0] : (tensor<50x160xbf16>) -> tensor<50x128xbf16>
  return %xm : tensor<50x160xbf16>
}
func.func @of_some.x0(%h: tensor<50x128xbf16>, %w: tensor<128xbf16>, %a: tensor<32x128xbf16>, %before_xm: tensor<50x160xbf16>, %before_x0: tensor<50x128xbf16>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<50x128xbf16> {
  %x = mlora.rms_norm %h, %w eps 1.000000e-05 : (tensor<50x128xbf16>, tensor<128xbf16>) -> tensor<50x128xbf16>
  %m = mlora.linear %x, %a : (tensor<50x128xbf16>, tensor<32x128xbf16>) -> tensor<50x32xbf16>
  %xm = mlora.join %x, %m : (tensor<50x128xbf16>, tensor<50x32xbf16>) -> tensor<50x160xbf16>
  %x0 = mlora.window %xm at [0, 0] : (tensor<50x160xbf16>) -> tensor<50x128xbf16>
  return %x0 : tensor<50x128xbf16>
}
mlora.emulate @kernels::@of_some grid [2] block [384] dynamic_shared 100352 arguments [
  {type = tensor<50x128xbf16>, init = "random", seed = 1},
  {type = tensor<128xbf16>, init = "random", seed = 2},
  {type = tensor<32x128xbf16>, init = "random", seed = 3},
  {type = tensor<50x160xbf16>, init = "uninitialised", expect = @of_some.xm, tolerance = 3.0e-02},
  {type = tensor<50x128xbf16>, init = "uninitialised", expect = @of_some.x0, tolerance = 3.0e-02},
  {init = dense<[50, 0, 50, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 2, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 3, box = array<i64: 32, 64>, swizzle = 128},
  {tensor_map = 4, box = array<i64: 32, 64>, swizzle = 128}]
