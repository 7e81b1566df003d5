// RUN: mlora-opt %s --mlora-to-gpu --mlora-emulate='seeds=3' -o /dev/null | FileCheck %s

// Attention over the keys of a cache on tensor cores against the f64 reference (tolerances: attention-forward.mlir). Rows that have their keys
// to themselves and rows that share them, one row and many; intervals that begin and end inside tiles, adjoin, or are empty; keys behind the
// last one seen.

// CHECK: @kernels::@one_row_64: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@prompt_64: 24 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@texts_32: 18 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@answers_64: 14 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@borders_128: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@few_keys_256: 1 block of 128 threads, 3 seeds: passed
// CHECK: @kernels::@prompt_48: 28 blocks of 128 threads, 3 seeds: passed
// CHECK: @kernels::@group_16: 4 blocks of 128 threads, 3 seeds: passed

mlora.kernel @one_row_64(%q: tensor<?x256xbf16> {mlora.extent = "rows"}, %k: tensor<?x64xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x64xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at heads 4 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x4xf32>
}
func.func @one_row_64.o(%q: tensor<1x256xbf16>, %k: tensor<300x64xbf16>, %v: tensor<300x64xbf16>, %start: tensor<1xi32>, %at: tensor<1xi32>, %r0: tensor<1x256xbf16>, %r1: tensor<1x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<1x256xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at heads 4 kv_heads 1
    : (tensor<1x256xbf16>, tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<1xi32>, tensor<1xi32>) -> (tensor<1x256xbf16>, tensor<1x4xf32>)
  return %x0 : tensor<1x256xbf16>
}
func.func @one_row_64.lse(%q: tensor<1x256xbf16>, %k: tensor<300x64xbf16>, %v: tensor<300x64xbf16>, %start: tensor<1xi32>, %at: tensor<1xi32>, %r0: tensor<1x256xbf16>, %r1: tensor<1x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<1x4xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at heads 4 kv_heads 1
    : (tensor<1x256xbf16>, tensor<300x64xbf16>, tensor<300x64xbf16>, tensor<1xi32>, tensor<1xi32>) -> (tensor<1x256xbf16>, tensor<1x4xf32>)
  return %x1 : tensor<1x4xf32>
}
mlora.emulate @kernels::@one_row_64 grid [1] block [128] dynamic_shared 40960 arguments [
  {type = tensor<1x256xbf16>, init = "random", seed = 1},
  {type = tensor<300x64xbf16>, init = "random", seed = 2},
  {type = tensor<300x64xbf16>, init = "random", seed = 3},
  {type = tensor<1xi32>, init = dense<[3]> : tensor<1xi32>},
  {type = tensor<1xi32>, init = dense<[257]> : tensor<1xi32>},
  {type = tensor<1x256xbf16>, init = dense<7.0> : tensor<1x256xbf16>, expect = @one_row_64.o, tolerance = 4.0e-03},
  {type = tensor<1x4xf32>, init = dense<7.0> : tensor<1x4xf32>, expect = @one_row_64.lse, tolerance = 1.0e-03},
  {init = dense<[1, 0, 300, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @prompt_64(%q: tensor<?x256xbf16> {mlora.extent = "rows"}, %k: tensor<?x128xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x128xbf16> {mlora.extent = "kv_rows"}, %at: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v at %at heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x4xf32>
}
func.func @prompt_64.o(%q: tensor<90x256xbf16>, %k: tensor<160x128xbf16>, %v: tensor<160x128xbf16>, %at: tensor<90xi32>, %r0: tensor<90x256xbf16>, %r1: tensor<90x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<90x256xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v at %at heads 4 kv_heads 2
    : (tensor<90x256xbf16>, tensor<160x128xbf16>, tensor<160x128xbf16>, tensor<90xi32>) -> (tensor<90x256xbf16>, tensor<90x4xf32>)
  return %x0 : tensor<90x256xbf16>
}
func.func @prompt_64.lse(%q: tensor<90x256xbf16>, %k: tensor<160x128xbf16>, %v: tensor<160x128xbf16>, %at: tensor<90xi32>, %r0: tensor<90x256xbf16>, %r1: tensor<90x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<90x4xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v at %at heads 4 kv_heads 2
    : (tensor<90x256xbf16>, tensor<160x128xbf16>, tensor<160x128xbf16>, tensor<90xi32>) -> (tensor<90x256xbf16>, tensor<90x4xf32>)
  return %x1 : tensor<90x4xf32>
}
mlora.emulate @kernels::@prompt_64 grid [24] block [128] dynamic_shared 40960 arguments [
  {type = tensor<90x256xbf16>, init = "random", seed = 11},
  {type = tensor<160x128xbf16>, init = "random", seed = 12},
  {type = tensor<160x128xbf16>, init = "random", seed = 13},
  {type = tensor<90xi32>, init = dense<[70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159]> : tensor<90xi32>},
  {type = tensor<90x256xbf16>, init = dense<7.0> : tensor<90x256xbf16>, expect = @prompt_64.o, tolerance = 4.0e-03},
  {type = tensor<90x4xf32>, init = dense<7.0> : tensor<90x4xf32>, expect = @prompt_64.lse, tolerance = 1.0e-03},
  {init = dense<[90, 0, 160, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @texts_32(%q: tensor<?x128xbf16> {mlora.extent = "rows"}, %k: tensor<?x32xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x32xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x128xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 4 kv_heads 1
    : (tensor<?x128xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x128xbf16>, tensor<?x4xf32>
}
func.func @texts_32.o(%q: tensor<70x128xbf16>, %k: tensor<200x32xbf16>, %v: tensor<200x32xbf16>, %start: tensor<70xi32>, %at: tensor<70xi32>, %from: tensor<70xi32>, %to: tensor<70xi32>, %r0: tensor<70x128xbf16>, %r1: tensor<70x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x128xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 4 kv_heads 1
    : (tensor<70x128xbf16>, tensor<200x32xbf16>, tensor<200x32xbf16>, tensor<70xi32>, tensor<70xi32>, tensor<70xi32>, tensor<70xi32>) -> (tensor<70x128xbf16>, tensor<70x4xf32>)
  return %x0 : tensor<70x128xbf16>
}
func.func @texts_32.lse(%q: tensor<70x128xbf16>, %k: tensor<200x32xbf16>, %v: tensor<200x32xbf16>, %start: tensor<70xi32>, %at: tensor<70xi32>, %from: tensor<70xi32>, %to: tensor<70xi32>, %r0: tensor<70x128xbf16>, %r1: tensor<70x4xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x4xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 4 kv_heads 1
    : (tensor<70x128xbf16>, tensor<200x32xbf16>, tensor<200x32xbf16>, tensor<70xi32>, tensor<70xi32>, tensor<70xi32>, tensor<70xi32>) -> (tensor<70x128xbf16>, tensor<70x4xf32>)
  return %x1 : tensor<70x4xf32>
}
mlora.emulate @kernels::@texts_32 grid [18] block [128] dynamic_shared 20480 arguments [
  {type = tensor<70x128xbf16>, init = "random", seed = 21},
  {type = tensor<200x32xbf16>, init = "random", seed = 22},
  {type = tensor<200x32xbf16>, init = "random", seed = 23},
  {type = tensor<70xi32>, init = dense<[64, 93, 122, 151, 70, 99, 128, 157, 76, 105, 134, 163, 82, 111, 140, 169, 88, 117, 146, 65, 94, 123, 152, 71, 100, 129, 158, 77, 106, 135, 164, 83, 112, 141, 170, 89, 118, 147, 66, 95, 124, 153, 72, 101, 130, 159, 78, 107, 136, 165, 84, 113, 142, 171, 90, 119, 148, 67, 96, 125, 154, 73, 102, 131, 160, 79, 108, 137, 166, 85]> : tensor<70xi32>},
  {type = tensor<70xi32>, init = dense<[64, 94, 124, 154, 74, 104, 134, 164, 84, 114, 144, 174, 94, 124, 154, 184, 104, 134, 164, 65, 95, 125, 155, 75, 105, 135, 165, 85, 115, 145, 175, 95, 125, 155, 185, 105, 135, 165, 66, 96, 126, 156, 76, 106, 136, 166, 86, 116, 146, 176, 96, 126, 156, 186, 106, 136, 166, 67, 97, 127, 157, 77, 107, 137, 167, 87, 117, 147, 177, 97]> : tensor<70xi32>},
  {type = tensor<70xi32>, init = dense<[0, 17, 34, 11, 28, 5, 22, 39, 16, 33, 10, 27, 4, 21, 38, 15, 32, 9, 26, 3, 20, 37, 14, 31, 8, 25, 2, 19, 36, 13, 30, 7, 24, 1, 18, 35, 12, 29, 6, 23, 0, 17, 34, 11, 28, 5, 22, 39, 16, 33, 10, 27, 4, 21, 38, 15, 32, 9, 26, 3, 20, 37, 14, 31, 8, 25, 2, 19, 36, 13]> : tensor<70xi32>},
  {type = tensor<70xi32>, init = dense<[0, 40, 56, 32, 48, 24, 40, 56, 32, 48, 24, 40, 16, 32, 48, 24, 40, 16, 32, 8, 24, 40, 16, 32, 8, 48, 24, 40, 56, 32, 48, 24, 40, 16, 32, 48, 24, 40, 16, 32, 8, 24, 40, 16, 32, 8, 24, 40, 16, 56, 32, 48, 24, 40, 56, 32, 48, 24, 40, 16, 32, 48, 24, 40, 16, 32, 8, 24, 40, 16]> : tensor<70xi32>},
  {type = tensor<70x128xbf16>, init = dense<7.0> : tensor<70x128xbf16>, expect = @texts_32.o, tolerance = 4.0e-03},
  {type = tensor<70x4xf32>, init = dense<7.0> : tensor<70x4xf32>, expect = @texts_32.lse, tolerance = 1.0e-03},
  {init = dense<[70, 0, 200, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @answers_64(%q: tensor<?x192xbf16> {mlora.extent = "rows"}, %k: tensor<?x64xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x64xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x192xbf16>, tensor<?x3xf32>) grid ["3 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 3 kv_heads 1
    : (tensor<?x192xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x192xbf16>, tensor<?x3xf32>)
  mlora.yield %o, %lse : tensor<?x192xbf16>, tensor<?x3xf32>
}
func.func @answers_64.o(%q: tensor<70x192xbf16>, %k: tensor<205x64xbf16>, %v: tensor<205x64xbf16>, %start: tensor<70xi32>, %at: tensor<70xi32>, %from: tensor<70xi32>, %to: tensor<70xi32>, %r0: tensor<70x192xbf16>, %r1: tensor<70x3xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x192xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 3 kv_heads 1
    : (tensor<70x192xbf16>, tensor<205x64xbf16>, tensor<205x64xbf16>, tensor<70xi32>, tensor<70xi32>, tensor<70xi32>, tensor<70xi32>) -> (tensor<70x192xbf16>, tensor<70x3xf32>)
  return %x0 : tensor<70x192xbf16>
}
func.func @answers_64.lse(%q: tensor<70x192xbf16>, %k: tensor<205x64xbf16>, %v: tensor<205x64xbf16>, %start: tensor<70xi32>, %at: tensor<70xi32>, %from: tensor<70xi32>, %to: tensor<70xi32>, %r0: tensor<70x192xbf16>, %r1: tensor<70x3xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<70x3xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 3 kv_heads 1
    : (tensor<70x192xbf16>, tensor<205x64xbf16>, tensor<205x64xbf16>, tensor<70xi32>, tensor<70xi32>, tensor<70xi32>, tensor<70xi32>) -> (tensor<70x192xbf16>, tensor<70x3xf32>)
  return %x1 : tensor<70x3xf32>
}
mlora.emulate @kernels::@answers_64 grid [14] block [128] dynamic_shared 40960 arguments [
  {type = tensor<70x192xbf16>, init = "random", seed = 31},
  {type = tensor<205x64xbf16>, init = "random", seed = 32},
  {type = tensor<205x64xbf16>, init = "random", seed = 33},
  {type = tensor<70xi32>, init = dense<[132, 132, 132, 132, 132, 137, 137, 137, 137, 137, 142, 142, 142, 142, 142, 147, 147, 147, 147, 147, 152, 152, 152, 152, 152, 157, 157, 157, 157, 157, 162, 162, 162, 162, 162, 167, 167, 167, 167, 167, 172, 172, 172, 172, 172, 177, 177, 177, 177, 177, 182, 182, 182, 182, 182, 187, 187, 187, 187, 187, 192, 192, 192, 192, 192, 197, 197, 197, 197, 197]> : tensor<70xi32>},
  {type = tensor<70xi32>, init = dense<[132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 174, 175, 176, 177, 178, 179, 180, 181, 182, 183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200, 201]> : tensor<70xi32>},
  {type = tensor<70xi32>, init = dense<[0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]> : tensor<70xi32>},
  {type = tensor<70xi32>, init = dense<[130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129, 128, 127, 130, 129]> : tensor<70xi32>},
  {type = tensor<70x192xbf16>, init = dense<7.0> : tensor<70x192xbf16>, expect = @answers_64.o, tolerance = 4.0e-03},
  {type = tensor<70x3xf32>, init = dense<7.0> : tensor<70x3xf32>, expect = @answers_64.lse, tolerance = 1.0e-03},
  {init = dense<[70, 0, 205, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @borders_128(%q: tensor<?x256xbf16> {mlora.extent = "rows"}, %k: tensor<?x128xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x128xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x256xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x2xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x2xf32>
}
func.func @borders_128.o(%q: tensor<5x256xbf16>, %k: tensor<150x128xbf16>, %v: tensor<150x128xbf16>, %start: tensor<5xi32>, %at: tensor<5xi32>, %from: tensor<5xi32>, %to: tensor<5xi32>, %r0: tensor<5x256xbf16>, %r1: tensor<5x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<5x256xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 2 kv_heads 1
    : (tensor<5x256xbf16>, tensor<150x128xbf16>, tensor<150x128xbf16>, tensor<5xi32>, tensor<5xi32>, tensor<5xi32>, tensor<5xi32>) -> (tensor<5x256xbf16>, tensor<5x2xf32>)
  return %x0 : tensor<5x256xbf16>
}
func.func @borders_128.lse(%q: tensor<5x256xbf16>, %k: tensor<150x128xbf16>, %v: tensor<150x128xbf16>, %start: tensor<5xi32>, %at: tensor<5xi32>, %from: tensor<5xi32>, %to: tensor<5xi32>, %r0: tensor<5x256xbf16>, %r1: tensor<5x2xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<5x2xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 2 kv_heads 1
    : (tensor<5x256xbf16>, tensor<150x128xbf16>, tensor<150x128xbf16>, tensor<5xi32>, tensor<5xi32>, tensor<5xi32>, tensor<5xi32>) -> (tensor<5x256xbf16>, tensor<5x2xf32>)
  return %x1 : tensor<5x2xf32>
}
mlora.emulate @kernels::@borders_128 grid [1] block [128] dynamic_shared 81920 arguments [
  {type = tensor<5x256xbf16>, init = "random", seed = 41},
  {type = tensor<150x128xbf16>, init = "random", seed = 42},
  {type = tensor<150x128xbf16>, init = "random", seed = 43},
  {type = tensor<5xi32>, init = dense<[64, 64, 0, 63, 128]> : tensor<5xi32>},
  {type = tensor<5xi32>, init = dense<[64, 130, 0, 65, 140]> : tensor<5xi32>},
  {type = tensor<5xi32>, init = dense<[0, 10, 0, 5, 0]> : tensor<5xi32>},
  {type = tensor<5xi32>, init = dense<[64, 64, 0, 5, 128]> : tensor<5xi32>},
  {type = tensor<5x256xbf16>, init = dense<7.0> : tensor<5x256xbf16>, expect = @borders_128.o, tolerance = 4.0e-03},
  {type = tensor<5x2xf32>, init = dense<7.0> : tensor<5x2xf32>, expect = @borders_128.lse, tolerance = 1.0e-03},
  {init = dense<[5, 0, 150, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @few_keys_256(%q: tensor<?x256xbf16> {mlora.extent = "rows"}, %k: tensor<?x256xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x256xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x256xbf16>, tensor<?x1xf32>) grid ["1 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at heads 1 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x1xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x1xf32>
}
func.func @few_keys_256.o(%q: tensor<3x256xbf16>, %k: tensor<60x256xbf16>, %v: tensor<60x256xbf16>, %start: tensor<3xi32>, %at: tensor<3xi32>, %r0: tensor<3x256xbf16>, %r1: tensor<3x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<3x256xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at heads 1 kv_heads 1
    : (tensor<3x256xbf16>, tensor<60x256xbf16>, tensor<60x256xbf16>, tensor<3xi32>, tensor<3xi32>) -> (tensor<3x256xbf16>, tensor<3x1xf32>)
  return %x0 : tensor<3x256xbf16>
}
func.func @few_keys_256.lse(%q: tensor<3x256xbf16>, %k: tensor<60x256xbf16>, %v: tensor<60x256xbf16>, %start: tensor<3xi32>, %at: tensor<3xi32>, %r0: tensor<3x256xbf16>, %r1: tensor<3x1xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<3x1xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at heads 1 kv_heads 1
    : (tensor<3x256xbf16>, tensor<60x256xbf16>, tensor<60x256xbf16>, tensor<3xi32>, tensor<3xi32>) -> (tensor<3x256xbf16>, tensor<3x1xf32>)
  return %x1 : tensor<3x1xf32>
}
mlora.emulate @kernels::@few_keys_256 grid [1] block [128] dynamic_shared 98304 arguments [
  {type = tensor<3x256xbf16>, init = "random", seed = 51},
  {type = tensor<60x256xbf16>, init = "random", seed = 52},
  {type = tensor<60x256xbf16>, init = "random", seed = 53},
  {type = tensor<3xi32>, init = dense<[0, 20, 33]> : tensor<3xi32>},
  {type = tensor<3xi32>, init = dense<[19, 40, 59]> : tensor<3xi32>},
  {type = tensor<3x256xbf16>, init = dense<7.0> : tensor<3x256xbf16>, expect = @few_keys_256.o, tolerance = 4.0e-03},
  {type = tensor<3x1xf32>, init = dense<7.0> : tensor<3x1xf32>, expect = @few_keys_256.lse, tolerance = 1.0e-03},
  {init = dense<[3, 0, 60, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @prompt_48(%q: tensor<?x288xbf16> {mlora.extent = "rows"}, %k: tensor<?x96xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x96xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x288xbf16>, tensor<?x6xf32>) grid ["6 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 6 kv_heads 2
    : (tensor<?x288xbf16>, tensor<?x96xbf16>, tensor<?x96xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x288xbf16>, tensor<?x6xf32>)
  mlora.yield %o, %lse : tensor<?x288xbf16>, tensor<?x6xf32>
}
func.func @prompt_48.o(%q: tensor<67x288xbf16>, %k: tensor<100x96xbf16>, %v: tensor<100x96xbf16>, %start: tensor<67xi32>, %at: tensor<67xi32>, %from: tensor<67xi32>, %to: tensor<67xi32>, %r0: tensor<67x288xbf16>, %r1: tensor<67x6xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<67x288xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 6 kv_heads 2
    : (tensor<67x288xbf16>, tensor<100x96xbf16>, tensor<100x96xbf16>, tensor<67xi32>, tensor<67xi32>, tensor<67xi32>, tensor<67xi32>) -> (tensor<67x288xbf16>, tensor<67x6xf32>)
  return %x0 : tensor<67x288xbf16>
}
func.func @prompt_48.lse(%q: tensor<67x288xbf16>, %k: tensor<100x96xbf16>, %v: tensor<100x96xbf16>, %start: tensor<67xi32>, %at: tensor<67xi32>, %from: tensor<67xi32>, %to: tensor<67xi32>, %r0: tensor<67x288xbf16>, %r1: tensor<67x6xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<67x6xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 6 kv_heads 2
    : (tensor<67x288xbf16>, tensor<100x96xbf16>, tensor<100x96xbf16>, tensor<67xi32>, tensor<67xi32>, tensor<67xi32>, tensor<67xi32>) -> (tensor<67x288xbf16>, tensor<67x6xf32>)
  return %x1 : tensor<67x6xf32>
}
mlora.emulate @kernels::@prompt_48 grid [28] block [128] dynamic_shared 35840 arguments [
  {type = tensor<67x288xbf16>, init = "random", seed = 61},
  {type = tensor<100x96xbf16>, init = "random", seed = 62},
  {type = tensor<100x96xbf16>, init = "random", seed = 63},
  {type = tensor<67xi32>, init = dense<[20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20]> : tensor<67xi32>},
  {type = tensor<67xi32>, init = dense<[20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86]> : tensor<67xi32>},
  {type = tensor<67xi32>, init = dense<[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]> : tensor<67xi32>},
  {type = tensor<67xi32>, init = dense<[13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13]> : tensor<67xi32>},
  {type = tensor<67x288xbf16>, init = dense<7.0> : tensor<67x288xbf16>, expect = @prompt_48.o, tolerance = 4.0e-03},
  {type = tensor<67x6xf32>, init = dense<7.0> : tensor<67x6xf32>, expect = @prompt_48.lse, tolerance = 1.0e-03},
  {init = dense<[67, 0, 100, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]

mlora.kernel @group_16(%q: tensor<?x256xbf16> {mlora.extent = "rows"}, %k: tensor<?x16xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x16xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x256xbf16>, tensor<?x16xf32>) grid ["16 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at heads 16 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x16xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x16xf32>
}
func.func @group_16.o(%q: tensor<4x256xbf16>, %k: tensor<90x16xbf16>, %v: tensor<90x16xbf16>, %start: tensor<4xi32>, %at: tensor<4xi32>, %r0: tensor<4x256xbf16>, %r1: tensor<4x16xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<4x256xbf16> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at heads 16 kv_heads 1
    : (tensor<4x256xbf16>, tensor<90x16xbf16>, tensor<90x16xbf16>, tensor<4xi32>, tensor<4xi32>) -> (tensor<4x256xbf16>, tensor<4x16xf32>)
  return %x0 : tensor<4x256xbf16>
}
func.func @group_16.lse(%q: tensor<4x256xbf16>, %k: tensor<90x16xbf16>, %v: tensor<90x16xbf16>, %start: tensor<4xi32>, %at: tensor<4xi32>, %r0: tensor<4x256xbf16>, %r1: tensor<4x16xf32>, %scalars: tensor<4xi64>, %scratch: tensor<1xi8>) -> tensor<4x16xf32> {
  %x0, %x1 = mlora.attention %q, %k, %v document %start at %at heads 16 kv_heads 1
    : (tensor<4x256xbf16>, tensor<90x16xbf16>, tensor<90x16xbf16>, tensor<4xi32>, tensor<4xi32>) -> (tensor<4x256xbf16>, tensor<4x16xf32>)
  return %x1 : tensor<4x16xf32>
}
mlora.emulate @kernels::@group_16 grid [4] block [128] dynamic_shared 10240 arguments [
  {type = tensor<4x256xbf16>, init = "random", seed = 71},
  {type = tensor<90x16xbf16>, init = "random", seed = 72},
  {type = tensor<90x16xbf16>, init = "random", seed = 73},
  {type = tensor<4xi32>, init = dense<[0, 7, 8, 80]> : tensor<4xi32>},
  {type = tensor<4xi32>, init = dense<[6, 7, 70, 89]> : tensor<4xi32>},
  {type = tensor<4x256xbf16>, init = dense<7.0> : tensor<4x256xbf16>, expect = @group_16.o, tolerance = 4.0e-03},
  {type = tensor<4x16xf32>, init = dense<7.0> : tensor<4x16xf32>, expect = @group_16.lse, tolerance = 1.0e-03},
  {init = dense<[4, 0, 90, 0]> : tensor<4xi64>},
  {type = tensor<1xi8>}]
