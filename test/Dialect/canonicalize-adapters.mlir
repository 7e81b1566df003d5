// Ops of adapters: what is the same said shorter.
// What is computed twice is computed once, what nobody reads is erased; what folds is said at each op. The rest stays as it is.

// RUN: mlora-opt %s --canonicalize --cse | FileCheck %s

// mlora.branch: nothing folds; that branches beside a layer are one is `mlora-fuse-branches`.
// CHECK-LABEL: func.func @branch(
// CHECK-NEXT: mlora.branch %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @branch(%y: tensor<?x32xf32>, %x: tensor<?x64xf32>, %a: tensor<4x64xf32>, %b: tensor<32x4xf32>,
                  %s: tensor<32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %y1 = mlora.branch %y, %x, %a, %b, %s alpha 4.0
    : (tensor<?x32xf32>, tensor<?x64xf32>, tensor<4x64xf32>, tensor<32x4xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %y1_again = mlora.branch %y, %x, %a, %b, %s alpha 4.0
    : (tensor<?x32xf32>, tensor<?x64xf32>, tensor<4x64xf32>, tensor<32x4xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %y1_unread = mlora.branch %y, %x, %a, %b, %s alpha 4.0
    : (tensor<?x32xf32>, tensor<?x64xf32>, tensor<4x64xf32>, tensor<32x4xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return %y1, %y1_again : tensor<?x32xf32>, tensor<?x32xf32>
}

// mlora.stack_up: nothing folds.
// CHECK-LABEL: func.func @stack_up(
// CHECK-NEXT: mlora.stack_up %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @stack_up(%b: tensor<32x12xf32>, %s: tensor<32x3xf32>) -> (tensor<32x12xf32>, tensor<32x12xf32>) {
  %up = mlora.stack_up %b, %s alpha 4.0 : (tensor<32x12xf32>, tensor<32x3xf32>) -> tensor<32x12xf32>
  %up_again = mlora.stack_up %b, %s alpha 4.0 : (tensor<32x12xf32>, tensor<32x3xf32>) -> tensor<32x12xf32>
  %up_unread = mlora.stack_up %b, %s alpha 4.0 : (tensor<32x12xf32>, tensor<32x3xf32>) -> tensor<32x12xf32>
  return %up, %up_again : tensor<32x12xf32>, tensor<32x12xf32>
}

// Not with alpha = r either, where B̃ is B: by this op the optimizer knows of which branches a factor is made.
// CHECK-LABEL: func.func @stack_up_of_plain_lora(
// CHECK-NEXT: mlora.stack_up
func.func @stack_up_of_plain_lora(%b: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %up = mlora.stack_up %b alpha 4.0 : (tensor<32x4xf32>) -> tensor<32x4xf32>
  return %up : tensor<32x4xf32>
}

// mlora.adapted_linear: nothing folds.
// CHECK-LABEL: func.func @adapted_linear(
// CHECK-NEXT: mlora.adapted_linear %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @adapted_linear(%x: tensor<?x64xf32>, %wg: tensor<172x64xf32>, %wu: tensor<172x64xf32>,
                          %bg: tensor<172x12xf32>, %bu: tensor<172x12xf32>, %a: tensor<24x64xf32>)
    -> (tensor<?x172xf32>, tensor<?x172xf32>) {
  %g, %u, %m = mlora.adapted_linear %x weights(%wg, %wu) ups(%bg, %bu) down %a
    : (tensor<?x64xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>, tensor<172x12xf32>,
       tensor<24x64xf32>)
    -> (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x24xf32>)
  %g_again, %u_again, %m_again = mlora.adapted_linear %x weights(%wg, %wu) ups(%bg, %bu) down %a
    : (tensor<?x64xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>, tensor<172x12xf32>,
       tensor<24x64xf32>)
    -> (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x24xf32>)
  %g_unread, %u_unread, %m_unread = mlora.adapted_linear %x weights(%wg, %wu) ups(%bg, %bu) down %a
    : (tensor<?x64xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>, tensor<172x12xf32>,
       tensor<24x64xf32>)
    -> (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x24xf32>)
  return %g, %g_again : tensor<?x172xf32>, tensor<?x172xf32>
}

// mlora.merge: nothing folds.
// CHECK-LABEL: func.func @merge(
// CHECK-NEXT: mlora.merge %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @merge(%w: tensor<32x64xf32>, %up: tensor<32x12xf32>, %down: tensor<12x64xf32>)
    -> (tensor<32x64xf32>, tensor<32x64xf32>) {
  %w1 = mlora.merge %w, %up, %down : (tensor<32x64xf32>, tensor<32x12xf32>, tensor<12x64xf32>) -> tensor<32x64xf32>
  %w1_again = mlora.merge %w, %up, %down
    : (tensor<32x64xf32>, tensor<32x12xf32>, tensor<12x64xf32>) -> tensor<32x64xf32>
  %w1_unread = mlora.merge %w, %up, %down
    : (tensor<32x64xf32>, tensor<32x12xf32>, tensor<12x64xf32>) -> tensor<32x64xf32>
  return %w1, %w1_again : tensor<32x64xf32>, tensor<32x64xf32>
}
