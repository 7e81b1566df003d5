// RUN: mlora-opt %s --mlora-lower-kernels --canonicalize --cse | FileCheck %s
// RUN: mlora-opt %s --mlora-lower-kernels=stripe-columns=16 --canonicalize --cse | FileCheck %s --check-prefix=STRIPES
// RUN: not mlora-opt %s --mlora-lower-kernels=stripe-columns=0 2>&1 | FileCheck %s --check-prefix=NARROW

// NARROW: stripe-columns is 0; expected at least 1

// A tile of 304 columns in two is 160 columns then, not 192.
// STRIPES-LABEL: func.func @outer(
// STRIPES: arith.muli %{{.*}}, %c160

// Blocks 0 and 1 are the first sum's tiles of 192 rows, block 2 is the second sum, cut nowhere.
// CHECK-LABEL: func.func @outer(
// CHECK: arith.cmpi ult, %{{.*}}, %c2
// CHECK-NEXT: scf.if
// CHECK: arith.muli %{{.*}}, %c192
// CHECK: %[[BETA:.*]] = arith.sitofp
// CHECK: mlora.gemm transposed %{{.*}}, %{{.*}} into %{{.*}} alpha %{{.*}} beta %[[BETA]]
// CHECK: arith.cmpi ult, %{{.*}}, %c1
// CHECK-NEXT: scf.if
// CHECK: mlora.gemm transposed
mlora.kernel @outer(%dy: tensor<?x304xf32>, %m: tensor<?x24xf32>) -> (tensor<304x12xf32>, tensor<24x24xf32>) grid ["3 by 1"]
    attributes {mlora.tiles = array<i64: 2, 1>} {
  %g = mlora.token_outer %dy, %m from 12 : (tensor<?x304xf32>, tensor<?x24xf32>) -> tensor<304x12xf32>
  %a = mlora.token_outer %m, %m : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<24x24xf32>
  mlora.yield %g, %a : tensor<304x12xf32>, tensor<24x24xf32>
}

// Logits of the block serve the loss and then its gradient: two products, not three.
// CHECK-LABEL: func.func @cross_entropy(
// CHECK-SAME: mlora.scratch_bytes = 131840 : i64
// CHECK-COUNT-2: mlora.gemm
// CHECK-NOT: mlora.gemm
mlora.kernel @cross_entropy(%x: tensor<?x64xf32>, %w: tensor<512x64xf32>, %t: tensor<?xi32>, %d: tensor<?xf32>)
    -> (tensor<?xf32>, tensor<?x64xf32>) grid ["counted_rows by 64"] {
  %nll, %lse = mlora.cross_entropy %x, %w, %t : (tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %dx = mlora.cross_entropy.input_grad %d, %x, %w, %t, %lse
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x64xf32>
  mlora.yield %nll, %dx : tensor<?xf32>, tensor<?x64xf32>
}

// The gradient of a table that the head shares is always added to: nothing is cleared.
// CHECK-LABEL: func.func @shared_table(
// CHECK-NOT: linalg.yield %cst
// CHECK: scf.for
// CHECK: arith.cmpi ult
mlora.kernel @shared_table(%dy: tensor<?x64xf32>, %ids: tensor<?xi32>) -> tensor<512x64xf32> grid ["512 by 128"]
    attributes {mlora.accumulate} {
  %dw = mlora.embedding.weight_grad %dy, %ids : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<512x64xf32>
  mlora.yield %dw : tensor<512x64xf32>
}

// Sums of one block are sequential and in f64.
// CHECK-LABEL: func.func @sum(
// CHECK: scf.for {{.*}} -> (f64)
// CHECK: arith.truncf
mlora.kernel @sum(%x: tensor<?xf32>) -> tensor<f32> grid ["1 by 1"] {
  %s = mlora.sum %x : (tensor<?xf32>) -> tensor<f32>
  mlora.yield %s : tensor<f32>
}

// A norm's sums go on side by side in 128 chains, which threads of a GPU share: every 128th row of each operand. Then one after the other; what
// has no rows comes last.
// CHECK-LABEL: func.func @norm(
// CHECK-SAME: mlora.scratch_bytes = 1024 : i64
// CHECK:      %[[SUMS:.*]] = memref.view %scratch{{.*}} to memref<128xf64>
// CHECK:      scf.forall (%[[CHAIN:.*]]) in (128) {
// CHECK:        scf.for %{{.*}} = %[[CHAIN]] to %c300 step %c128
// CHECK:          arith.extf
// CHECK:        scf.for %{{.*}} = %[[CHAIN]] to %c24 step %c128
// CHECK-NEXT:     scf.for %{{.*}} = %c0 to %c5 step %c1
// CHECK:        memref.store %{{.*}}, %[[SUMS]][%[[CHAIN]]] : memref<128xf64>
// CHECK:      }
// CHECK:      scf.for %[[I:.*]] = %c0 to %c128 step %c1
// CHECK:        memref.load %[[SUMS]][%[[I]]] : memref<128xf64>
// CHECK:      memref.load %{{.*}}[] : memref<f32>
// CHECK:      math.sqrt %{{.*}} : f64
// Where there is enough, 16 loads of a chain do not wait for each other.
// CHECK-LABEL: func.func @long_norm(
// CHECK:      scf.forall (%[[CHAIN:.*]]) in (128) {
// CHECK:        scf.for %{{.*}} = %[[CHAIN]] to %c4096 step %c2048
// CHECK-COUNT-16: memref.load
// CHECK-COUNT-16: arith.addf %{{.*}} : f64
// CHECK:        scf.for %{{.*}} to %c5000 step %c128
mlora.kernel @norm(%a: tensor<300xf32>, %b: tensor<24x5xf32>, %c: tensor<f32>) -> tensor<f32> grid ["1 by 1"] {
  %y = mlora.norm %a, %b, %c : (tensor<300xf32>, tensor<24x5xf32>, tensor<f32>) -> tensor<f32>
  mlora.yield %y : tensor<f32>
}
mlora.kernel @long_norm(%a: tensor<5000xf32>) -> tensor<f32> grid ["1 by 1"] {
  %y = mlora.norm %a : (tensor<5000xf32>) -> tensor<f32>
  mlora.yield %y : tensor<f32>
}
