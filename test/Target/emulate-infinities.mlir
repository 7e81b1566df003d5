// Infinities and NaN are expected like other values, and are not what is near them.

// RUN: mlora-opt %s --mlora-emulate=seeds=5 -o /dev/null | FileCheck %s
// CHECK: @m::@stored: 1 block of 4 threads, 5 seeds: passed
// CHECK: @m::@stored: 1 block of 4 threads, 5 seeds: passed

// DEFINE: %{emulate} = not mlora-opt --mlora-emulate=seeds=2 -o /dev/null 2>&1
// RUN: sed 's/0x7F800000 : f32 .. INFINIT[Y]/3.0e38 : f32/' %s | %{emulate} | FileCheck %s --check-prefix=FINITE
// FINITE: wrong values: @m::@stored, argument 0, element [0] is 3e+38, expected inf; 1 of 4 elements
// RUN: sed 's/0x7F800000 : f32 .. INFINIT[Y]/0xFF800000 : f32/' %s | %{emulate} | FileCheck %s --check-prefix=MINUS
// MINUS: wrong values: @m::@stored, argument 0, element [0] is -inf, expected inf; 1 of 4 elements
// RUN: sed 's/0x7FC00000 : f32 .. NA[N]/0x7F800000 : f32/' %s | %{emulate} | FileCheck %s --check-prefix=NOT-NAN
// NOT-NAN: wrong values: @m::@stored, argument 0, element [2] is inf, expected nan; 1 of 4 elements
// RUN: sed 's/2.0 : f32 .. FINIT[E]/0x7FC00000 : f32/' %s | %{emulate} | FileCheck %s --check-prefix=NAN
// NAN: wrong values: @m::@stored, argument 0, element [3] is nan, expected 2; 1 of 4 elements

gpu.module @m {
gpu.func @stored(%y: memref<4xf32>) kernel {
%t = gpu.thread_id x
%c0 = arith.constant 0 : index
%c1 = arith.constant 1 : index
%c2 = arith.constant 2 : index
%infinity = arith.constant 0x7F800000 : f32 // INFINITY
%minus = arith.constant 0xFF800000 : f32
%nan = arith.constant 0x7FC00000 : f32 // NAN
%two = arith.constant 2.0 : f32 // FINITE
%is0 = arith.cmpi eq, %t, %c0 : index
%is1 = arith.cmpi eq, %t, %c1 : index
%is2 = arith.cmpi eq, %t, %c2 : index
%v2 = arith.select %is2, %nan, %two : f32
%v1 = arith.select %is1, %minus, %v2 : f32
%v0 = arith.select %is0, %infinity, %v1 : f32
memref.store %v0, %y[%t] : memref<4xf32>
gpu.return
}
}
mlora.emulate @m::@stored grid [1] block [4] arguments [
{type = tensor<4xf32>, tolerance = 0.1, expect = dense<[0x7F800000, 0xFF800000, 0x7FC00000, 2.0]> : tensor<4xf32>}]
mlora.emulate @m::@stored grid [1] block [4] arguments [{type = tensor<4xf32>, expect = "same"}]
