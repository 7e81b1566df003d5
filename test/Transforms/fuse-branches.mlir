// RUN: mlora-opt %s --mlora-fuse-branches | FileCheck %s

// Two branches of rank 3 become one adapted layer of rank 6; what read the last branch reads its output. A's rows lie one
// behind another, B's columns side by side, s is a column each.

// CHECK-LABEL: func.func @two_branches(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x16xf32>, %[[W:[^:]+]]: tensor<8x16xf32>
// CHECK-SAME: %[[DOWN:[^:]+]]: tensor<6x16xf32> {mlora.parts = [
// CHECK-SAME: {name = "q_proj.branch.0.A", offset = 0 : i64, shape = array<i64: 3, 16>, strides = array<i64: 16, 1>}
// CHECK-SAME: {name = "q_proj.branch.1.A", offset = 48 : i64, shape = array<i64: 3, 16>, strides = array<i64: 16, 1>}
// CHECK-SAME: mlora.trainable = "self_attn.q_proj.A"
// CHECK-SAME: %[[UP:[^:]+]]: tensor<8x6xf32> {mlora.factor = "self_attn.q_proj.up", mlora.trainable = "self_attn.q_proj.up"}
// CHECK-NEXT: %[[Y:.*]], %{{.*}} = mlora.adapted_linear %[[X]] weights(%[[W]]) ups(%[[UP]]) down %[[DOWN]]
// CHECK-SAME: -> (tensor<?x8xf32>, tensor<?x6xf32>)
// CHECK-NEXT: return %[[Y]]

// CHECK-LABEL: func.func @two_branches.prepare(
// CHECK-SAME: %[[B:[^:]+]]: tensor<8x6xf32>
// CHECK-SAME: {name = "q_proj.branch.1.B", offset = 3 : i64, shape = array<i64: 8, 3>, strides = array<i64: 6, 1>}
// CHECK-SAME: mlora.trainable = "self_attn.q_proj.B"
// CHECK-SAME: %[[S:[^:]+]]: tensor<8x2xf32>
// CHECK-SAME: {name = "q_proj.branch.1.s", offset = 1 : i64, shape = array<i64: 8>, strides = array<i64: 2>}
// CHECK-SAME: mlora.trainable = "self_attn.q_proj.s"
// CHECK-SAME: -> (tensor<8x6xf32> {mlora.factor = "self_attn.q_proj.up"})
// CHECK-NEXT: %[[R:.*]] = mlora.stack_up %[[B]], %[[S]] alpha 6.000000e+00
// CHECK-NEXT: return %[[R]]
func.func @two_branches(%x: tensor<?x16xf32>, %w: tensor<8x16xf32>,
                        %a0: tensor<3x16xf32> {mlora.trainable = "self_attn.q_proj.branch.0.A"},
                        %b0: tensor<8x3xf32> {mlora.trainable = "self_attn.q_proj.branch.0.B"},
                        %s0: tensor<8xf32> {mlora.trainable = "self_attn.q_proj.branch.0.s"},
                        %a1: tensor<3x16xf32> {mlora.trainable = "self_attn.q_proj.branch.1.A"},
                        %b1: tensor<8x3xf32> {mlora.trainable = "self_attn.q_proj.branch.1.B"},
                        %s1: tensor<8xf32> {mlora.trainable = "self_attn.q_proj.branch.1.s"}) -> tensor<?x8xf32> {
  %y = mlora.linear %x, %w : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %y0 = mlora.branch %y, %x, %a0, %b0, %s0 alpha 6.0
    : (tensor<?x8xf32>, tensor<?x16xf32>, tensor<3x16xf32>, tensor<8x3xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %y1 = mlora.branch %y0, %x, %a1, %b1, %s1 alpha 6.0
    : (tensor<?x8xf32>, tensor<?x16xf32>, tensor<3x16xf32>, tensor<8x3xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %y1 : tensor<?x8xf32>
}

// Plain LoRA on q and v, which share their input with an unadapted k: q and v are a group, k stays.

// CHECK-LABEL: func.func @group(
// CHECK-SAME: tensor<4x16xf32> {mlora.parts = [{name = "q_proj.branch.0.A"{{.*}}offset = 32{{.*}}mlora.trainable = "self_attn.q_proj+self_attn.v_proj.A"}
// CHECK-NEXT: %[[QV:.*]]:2, %{{.*}} = mlora.adapted_linear
// CHECK-NEXT: %[[K:.*]] = mlora.linear
// CHECK-NEXT: return %[[QV]]#0, %[[K]], %[[QV]]#1
// CHECK-LABEL: func.func @group.prepare(
// CHECK-COUNT-2: mlora.stack_up %{{[^,]*}} alpha 2.000000e+00
func.func @group(%x: tensor<?x16xf32>, %wq: tensor<8x16xf32>, %wk: tensor<8x16xf32>, %wv: tensor<8x16xf32>,
                 %aq: tensor<2x16xf32> {mlora.trainable = "self_attn.q_proj.branch.0.A"},
                 %bq: tensor<8x2xf32> {mlora.trainable = "self_attn.q_proj.branch.0.B"},
                 %av: tensor<2x16xf32> {mlora.trainable = "self_attn.v_proj.branch.0.A"},
                 %bv: tensor<8x2xf32> {mlora.trainable = "self_attn.v_proj.branch.0.B"})
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %q = mlora.linear %x, %wq : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %q0 = mlora.branch %q, %x, %aq, %bq alpha 2.0
    : (tensor<?x8xf32>, tensor<?x16xf32>, tensor<2x16xf32>, tensor<8x2xf32>) -> tensor<?x8xf32>
  %k = mlora.linear %x, %wk : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %v = mlora.linear %x, %wv : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %v0 = mlora.branch %v, %x, %av, %bv alpha 2.0
    : (tensor<?x8xf32>, tensor<?x16xf32>, tensor<2x16xf32>, tensor<8x2xf32>) -> tensor<?x8xf32>
  return %q0, %k, %v0 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// The layer's own output is read too: collapsing would change it, so it stays as it is.

// CHECK-LABEL: func.func @read_between(
// CHECK: mlora.linear
// CHECK: mlora.branch
// CHECK-NOT: @read_between.prepare
func.func @read_between(%x: tensor<?x16xf32>, %w: tensor<8x16xf32>,
                        %a: tensor<3x16xf32> {mlora.trainable = "q_proj.branch.0.A"},
                        %b: tensor<8x3xf32> {mlora.trainable = "q_proj.branch.0.B"}) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %y = mlora.linear %x, %w : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %y0 = mlora.branch %y, %x, %a, %b alpha 3.0
    : (tensor<?x8xf32>, tensor<?x16xf32>, tensor<3x16xf32>, tensor<8x3xf32>) -> tensor<?x8xf32>
  return %y, %y0 : tensor<?x8xf32>, tensor<?x8xf32>
}
