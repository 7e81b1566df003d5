// Adapted groups become linear layers and sums, so that each can be cut into columns.

// RUN: mlora-opt %s --mlora-split-adapted | FileCheck %s

// CHECK-LABEL: func.func @group(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x16xf32>, %[[WG:[a-z0-9]+]]: tensor<24x16xf32>, %[[WU:[a-z0-9]+]]: tensor<32x16xf32>,
// CHECK-SAME: %[[BG:[a-z0-9]+]]: tensor<24x8xf32>, %[[BU:[a-z0-9]+]]: tensor<32x4xf32>, %[[A:[a-z0-9]+]]: tensor<12x16xf32>
// CHECK-NEXT: %[[M:.*]] = mlora.linear %[[X]], %[[A]] :
// CHECK-NEXT: %[[MG:.*]] = mlora.window %[[M]] at [0, 0] : (tensor<?x12xf32>) -> tensor<?x8xf32>
// CHECK-NEXT: %[[G0:.*]] = mlora.linear %[[X]], %[[WG]] :
// CHECK-NEXT: %[[G1:.*]] = mlora.linear %[[MG]], %[[BG]] :
// CHECK-NEXT: %[[G:.*]] = mlora.add %[[G0]], %[[G1]] :
// CHECK-NEXT: %[[MU:.*]] = mlora.window %[[M]] at [0, 8] : (tensor<?x12xf32>) -> tensor<?x4xf32>
// CHECK-NEXT: %[[U0:.*]] = mlora.linear %[[X]], %[[WU]] :
// CHECK-NEXT: %[[U1:.*]] = mlora.linear %[[MU]], %[[BU]] :
// CHECK-NEXT: %[[U:.*]] = mlora.add %[[U0]], %[[U1]] :
// CHECK-NEXT: return %[[G]], %[[U]]
func.func @group(%x: tensor<?x16xf32>, %wg: tensor<24x16xf32>, %wu: tensor<32x16xf32>, %bg: tensor<24x8xf32>, %bu: tensor<32x4xf32>,
                 %a: tensor<12x16xf32>) -> (tensor<?x24xf32>, tensor<?x32xf32>) {
  %g, %u, %m = mlora.adapted_linear %x weights(%wg, %wu) ups(%bg, %bu) down %a
    : (tensor<?x16xf32>, tensor<24x16xf32>, tensor<32x16xf32>, tensor<24x8xf32>, tensor<32x4xf32>, tensor<12x16xf32>)
    -> (tensor<?x24xf32>, tensor<?x32xf32>, tensor<?x12xf32>)
  return %g, %u : tensor<?x24xf32>, tensor<?x32xf32>
}
