// RUN: mlora-opt %s --mlora-sums-to-gpu=chip=sm_90a --mlora-to-gpu --mlora-emulate='seeds=3' -o /dev/null | FileCheck %s
// RUN: mlora-opt %s --mlora-sums-to-gpu=chip=sm_90a | FileCheck %s --check-prefix=SCHEDULE

// Sums over tokens with wgmma, against the f64 reference: tokens that no step divides, results whose rows or columns are the wide dimension, views of
// operands, columns that no tile and no box divides, parts of a narrow dimension, sums added to those of a micro-step before.

// CHECK: @kernels::@factor: 2 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@views: 3 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@parts: 6 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@added: 1 block of 384 threads, 3 seeds: passed
// CHECK: @kernels::@always_added: 2 blocks of 384 threads, 3 seeds: passed
// CHECK: @kernels::@square: 1 block of 384 threads, 3 seeds: passed
// CHECK: @kernels::@many_blocks: 264 blocks of 384 threads, 3 seeds: passed

// SCHEDULE: gpu.func @factor({{.*}}mlora.grid = ["2 by 1"]{{.*}}mlora.schedule = "sums.wgmma 128x64x64x4"
mlora.kernel @factor(%u: tensor<?x24xbf16> {mlora.extent = "rows"}, %x: tensor<?x200xbf16> {mlora.extent = "rows"})
    -> (tensor<24x200xf32>) grid ["1 by 1"] {
  %da = mlora.token_outer %u, %x : (tensor<?x24xbf16>, tensor<?x200xbf16>) -> tensor<24x200xf32>
  mlora.yield %da : tensor<24x200xf32>
}
func.func @factor.da(%u: tensor<77x24xbf16>, %x: tensor<77x200xbf16>, %before_da: tensor<24x200xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<24x200xf32> {
  %da = mlora.token_outer %u, %x : (tensor<77x24xbf16>, tensor<77x200xbf16>) -> tensor<24x200xf32>
  return %da : tensor<24x200xf32>
}
mlora.emulate @kernels::@factor grid [2] block [384] dynamic_shared 99328 arguments [
  {type = tensor<77x24xbf16>, init = "random", seed = 1},
  {type = tensor<77x200xbf16>, init = "random", seed = 2},
  {type = tensor<24x200xf32>, init = dense<7.0> : tensor<24x200xf32>, expect = @factor.da, tolerance = 2.0e-5},
  {init = dense<[77, 0, 77, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128}]

// SCHEDULE: gpu.func @views({{.*}}mlora.grid = ["3 by 1"]{{.*}}mlora.schedule = "sums.wgmma 128x64x64x4"
mlora.kernel @views(%uw: tensor<?x64xbf16> {mlora.extent = "rows"}, %xm: tensor<?x232xbf16> {mlora.extent = "rows"})
    -> (tensor<24x200xf32>, tensor<40x16xf32>) grid ["1 by 1"] {
  %u = mlora.window %uw at [0, 8] : (tensor<?x64xbf16>) -> tensor<?x24xbf16>
  %x = mlora.window %xm at [0, 0] : (tensor<?x232xbf16>) -> tensor<?x200xbf16>
  %m = mlora.window %xm at [0, 200] : (tensor<?x232xbf16>) -> tensor<?x32xbf16>
  %dy = mlora.window %uw at [0, 0] : (tensor<?x64xbf16>) -> tensor<?x40xbf16>
  %da = mlora.token_outer %u, %x : (tensor<?x24xbf16>, tensor<?x200xbf16>) -> tensor<24x200xf32>
  %g = mlora.token_outer %dy, %m from 16 : (tensor<?x40xbf16>, tensor<?x32xbf16>) -> tensor<40x16xf32>
  mlora.yield %da, %g : tensor<24x200xf32>, tensor<40x16xf32>
}
func.func @views.da(%uw: tensor<130x64xbf16>, %xm: tensor<130x232xbf16>, %before_da: tensor<24x200xf32>, %before_g: tensor<40x16xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<24x200xf32> {
  %u = mlora.window %uw at [0, 8] : (tensor<130x64xbf16>) -> tensor<130x24xbf16>
  %x = mlora.window %xm at [0, 0] : (tensor<130x232xbf16>) -> tensor<130x200xbf16>
  %m = mlora.window %xm at [0, 200] : (tensor<130x232xbf16>) -> tensor<130x32xbf16>
  %dy = mlora.window %uw at [0, 0] : (tensor<130x64xbf16>) -> tensor<130x40xbf16>
  %da = mlora.token_outer %u, %x : (tensor<130x24xbf16>, tensor<130x200xbf16>) -> tensor<24x200xf32>
  %g = mlora.token_outer %dy, %m from 16 : (tensor<130x40xbf16>, tensor<130x32xbf16>) -> tensor<40x16xf32>
  return %da : tensor<24x200xf32>
}
func.func @views.g(%uw: tensor<130x64xbf16>, %xm: tensor<130x232xbf16>, %before_da: tensor<24x200xf32>, %before_g: tensor<40x16xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<40x16xf32> {
  %u = mlora.window %uw at [0, 8] : (tensor<130x64xbf16>) -> tensor<130x24xbf16>
  %x = mlora.window %xm at [0, 0] : (tensor<130x232xbf16>) -> tensor<130x200xbf16>
  %m = mlora.window %xm at [0, 200] : (tensor<130x232xbf16>) -> tensor<130x32xbf16>
  %dy = mlora.window %uw at [0, 0] : (tensor<130x64xbf16>) -> tensor<130x40xbf16>
  %da = mlora.token_outer %u, %x : (tensor<130x24xbf16>, tensor<130x200xbf16>) -> tensor<24x200xf32>
  %g = mlora.token_outer %dy, %m from 16 : (tensor<130x40xbf16>, tensor<130x32xbf16>) -> tensor<40x16xf32>
  return %g : tensor<40x16xf32>
}
mlora.emulate @kernels::@views grid [3] block [384] dynamic_shared 99328 arguments [
  {type = tensor<130x64xbf16>, init = "random", seed = 1},
  {type = tensor<130x232xbf16>, init = "random", seed = 2},
  {type = tensor<24x200xf32>, init = dense<7.0> : tensor<24x200xf32>, expect = @views.da, tolerance = 2.0e-5},
  {type = tensor<40x16xf32>, init = dense<7.0> : tensor<40x16xf32>, expect = @views.g, tolerance = 2.0e-5},
  {init = dense<[130, 0, 130, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128}]

// SCHEDULE: gpu.func @parts({{.*}}mlora.grid = ["6 by 1"]{{.*}}mlora.schedule = "sums.wgmma 128x192x64x4"
mlora.kernel @parts(%all: tensor<?x304xbf16> {mlora.extent = "rows"}, %x: tensor<?x264xbf16> {mlora.extent = "rows"})
    -> (tensor<300x264xf32>) grid ["1 by 1"] {
  %dy = mlora.window %all at [0, 4] : (tensor<?x304xbf16>) -> tensor<?x300xbf16>
  %dw = mlora.token_outer %dy, %x : (tensor<?x300xbf16>, tensor<?x264xbf16>) -> tensor<300x264xf32>
  mlora.yield %dw : tensor<300x264xf32>
}
func.func @parts.dw(%all: tensor<40x304xbf16>, %x: tensor<40x264xbf16>, %before_dw: tensor<300x264xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<300x264xf32> {
  %dy = mlora.window %all at [0, 4] : (tensor<40x304xbf16>) -> tensor<40x300xbf16>
  %dw = mlora.token_outer %dy, %x : (tensor<40x300xbf16>, tensor<40x264xbf16>) -> tensor<300x264xf32>
  return %dw : tensor<300x264xf32>
}
mlora.emulate @kernels::@parts grid [6] block [384] dynamic_shared 164864 arguments [
  {type = tensor<40x304xbf16>, init = "random", seed = 1},
  {type = tensor<40x264xbf16>, init = "random", seed = 2},
  {type = tensor<300x264xf32>, init = dense<7.0> : tensor<300x264xf32>, expect = @parts.dw, tolerance = 2.0e-5},
  {init = dense<[40, 0, 40, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128}]

// SCHEDULE: gpu.func @added({{.*}}mlora.grid = ["1 by 1"]{{.*}}mlora.schedule = "sums.wgmma 128x64x64x4"
mlora.kernel @added(%dy: tensor<?x72xbf16> {mlora.extent = "rows"}, %m: tensor<?x24xbf16> {mlora.extent = "rows"})
    -> (tensor<72x21xf32>) grid ["1 by 1"] {
  %g = mlora.token_outer %dy, %m : (tensor<?x72xbf16>, tensor<?x24xbf16>) -> tensor<72x21xf32>
  mlora.yield %g : tensor<72x21xf32>
}
func.func @added.g(%dy: tensor<300x72xbf16>, %m: tensor<300x24xbf16>, %before_g: tensor<72x21xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<72x21xf32> {
  %g = mlora.token_outer %dy, %m : (tensor<300x72xbf16>, tensor<300x24xbf16>) -> tensor<72x21xf32>
  %both = mlora.add %g, %before_g : tensor<72x21xf32>
  return %both : tensor<72x21xf32>
}
mlora.emulate @kernels::@added grid [1] block [384] dynamic_shared 99328 arguments [
  {type = tensor<300x72xbf16>, init = "random", seed = 1},
  {type = tensor<300x24xbf16>, init = "random", seed = 2},
  {type = tensor<72x21xf32>, init = "random", seed = 9, expect = @added.g, tolerance = 2.0e-5},
  {init = dense<[300, 0, 300, 1]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128}]

// SCHEDULE: gpu.func @always_added({{.*}}mlora.grid = ["2 by 1"]{{.*}}mlora.schedule = "sums.wgmma 128x64x64x4"
mlora.kernel @always_added(%u: tensor<?x8xbf16> {mlora.extent = "rows"}, %x: tensor<?x136xbf16> {mlora.extent = "rows"})
    -> (tensor<8x136xf32>) grid ["1 by 1"] attributes {mlora.accumulate} {
  %da = mlora.token_outer %u, %x : (tensor<?x8xbf16>, tensor<?x136xbf16>) -> tensor<8x136xf32>
  mlora.yield %da : tensor<8x136xf32>
}
func.func @always_added.da(%u: tensor<64x8xbf16>, %x: tensor<64x136xbf16>, %before_da: tensor<8x136xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<8x136xf32> {
  %da = mlora.token_outer %u, %x : (tensor<64x8xbf16>, tensor<64x136xbf16>) -> tensor<8x136xf32>
  %both = mlora.add %da, %before_da : tensor<8x136xf32>
  return %both : tensor<8x136xf32>
}
mlora.emulate @kernels::@always_added grid [2] block [384] dynamic_shared 99328 arguments [
  {type = tensor<64x8xbf16>, init = "random", seed = 1},
  {type = tensor<64x136xbf16>, init = "random", seed = 2},
  {type = tensor<8x136xf32>, init = "random", seed = 9, expect = @always_added.da, tolerance = 2.0e-5},
  {init = dense<[64, 0, 64, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128}]

// SCHEDULE: gpu.func @square({{.*}}mlora.grid = ["1 by 1"]{{.*}}mlora.schedule = "sums.wgmma 128x128x64x4"
mlora.kernel @square(%x: tensor<?x128xbf16> {mlora.extent = "rows"})
    -> (tensor<128x128xf32>) grid ["1 by 1"] {
  %dw = mlora.token_outer %x, %x : (tensor<?x128xbf16>, tensor<?x128xbf16>) -> tensor<128x128xf32>
  mlora.yield %dw : tensor<128x128xf32>
}
func.func @square.dw(%x: tensor<1x128xbf16>, %before_dw: tensor<128x128xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<128x128xf32> {
  %dw = mlora.token_outer %x, %x : (tensor<1x128xbf16>, tensor<1x128xbf16>) -> tensor<128x128xf32>
  return %dw : tensor<128x128xf32>
}
mlora.emulate @kernels::@square grid [1] block [384] dynamic_shared 132096 arguments [
  {type = tensor<1x128xbf16>, init = "random", seed = 1},
  {type = tensor<128x128xf32>, init = dense<7.0> : tensor<128x128xf32>, expect = @square.dw, tolerance = 2.0e-5},
  {init = dense<[1, 0, 1, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}]

// SCHEDULE: gpu.func @many_blocks({{.*}}mlora.grid = ["264 by 1"]{{.*}}mlora.schedule = "sums.wgmma 256x64x64x4"
mlora.kernel @many_blocks(%dy: tensor<?x67456xbf16> {mlora.extent = "rows"}, %m: tensor<?x8xbf16> {mlora.extent = "rows"})
    -> (tensor<67456x8xf32>) grid ["1 by 1"] {
  %g = mlora.token_outer %dy, %m : (tensor<?x67456xbf16>, tensor<?x8xbf16>) -> tensor<67456x8xf32>
  mlora.yield %g : tensor<67456x8xf32>
}
func.func @many_blocks.g(%dy: tensor<20x67456xbf16>, %m: tensor<20x8xbf16>, %before_g: tensor<67456x8xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<67456x8xf32> {
  %g = mlora.token_outer %dy, %m : (tensor<20x67456xbf16>, tensor<20x8xbf16>) -> tensor<67456x8xf32>
  return %g : tensor<67456x8xf32>
}
mlora.emulate @kernels::@many_blocks grid [264] block [384] dynamic_shared 164864 arguments [
  {type = tensor<20x67456xbf16>, init = "random", seed = 1},
  {type = tensor<20x8xbf16>, init = "random", seed = 2},
  {type = tensor<67456x8xf32>, init = dense<7.0> : tensor<67456x8xf32>, expect = @many_blocks.g, tolerance = 2.0e-5},
  {init = dense<[20, 0, 20, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128},
  {tensor_map = 1, box = array<i64: 64, 64>, swizzle = 128}]
