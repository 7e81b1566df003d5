// The loss of logits on a block of one row.

// RUN: mlora-opt %s --mlora-lower-kernels --canonicalize --cse | FileCheck %s
// RUN: mlora-opt %s --mlora-to-gpu | FileCheck %s --check-prefix=GPU

// Sharers of a row read each logit once, 16 bytes at a time in whole steps, what is left one by one; then they are combined.
// CHECK-LABEL: func.func @nll(
// CHECK:       scf.forall
// CHECK:         scf.for %{{.*}} = %c0 to %c4096 step %c2048
// CHECK-COUNT-4:   vector.load {{.*}} : memref<1x4996xf32, strided<[4996, 1], offset: ?>>, vector<4xf32>
// CHECK:           math.exp
// CHECK:         scf.for %{{.*}} = %{{.*}} to %c4996 step %c128
// CHECK:           memref.load
// CHECK:       linalg.generic
// The gradient reads them again and writes each element once, rounded.
// CHECK:       arith.truncf %{{.*}} : f32 to bf16
// CHECK:       arith.cmpi ult, %{{.*}}, %c4996
// CHECK-NOT:   mlora.gemm
// GPU: llvm.func @nll({{.*}}mlora.schedule = "rows 1, elements x4"
mlora.kernel @nll(%z: tensor<?x4996xf32> {mlora.extent = "counted_rows"}, %t: tensor<?xi32> {mlora.extent = "counted_rows"},
                  %d: tensor<?xf32> {mlora.extent = "counted_rows"})
    -> (tensor<?xf32> {mlora.extent = "counted_rows"}, tensor<?x4996xbf16> {mlora.extent = "counted_rows"})
    grid ["counted_rows by 1"] {
  %nll, %lse = mlora.nll %z, %t : (tensor<?x4996xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %dz = mlora.nll.input_grad %d, %z, %t, %lse
    : (tensor<?xf32>, tensor<?x4996xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x4996xbf16>
  mlora.yield %nll, %dz : tensor<?xf32>, tensor<?x4996xbf16>
}

// An odd number of words: one element at a time.
// CHECK-LABEL: func.func @odd(
// CHECK-NOT:   vector.load
mlora.kernel @odd(%z: tensor<?x4097xf32> {mlora.extent = "counted_rows"}, %t: tensor<?xi32> {mlora.extent = "counted_rows"})
    -> (tensor<?xf32> {mlora.extent = "counted_rows"}) grid ["counted_rows by 1"] {
  %nll, %lse = mlora.nll %z, %t : (tensor<?x4097xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  mlora.yield %nll : tensor<?xf32>
}

// What a library multiplies with, rounded once.
// CHECK-LABEL: func.func @round(
// CHECK:       linalg.generic
// CHECK:       arith.truncf
mlora.kernel @round(%w: tensor<128x64xf32>) -> tensor<128x64xbf16> grid ["128 by 64"] {
  %y = mlora.round %w : (tensor<128x64xf32>) -> tensor<128x64xbf16>
  mlora.yield %y : tensor<128x64xbf16>
}
