// Ops of gradients: what is the same said shorter.
// What is computed twice is computed once, what nobody reads is erased; what folds is said at each op. The rest stays as it is.

// RUN: mlora-opt %s --canonicalize --cse | FileCheck %s

// mlora.linear.input_grad: nothing folds.
// CHECK-LABEL: func.func @linear.input_grad(
// CHECK-NEXT: mlora.linear.input_grad %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @linear.input_grad(%dy: tensor<?x32xf32>, %w: tensor<32x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %dx = mlora.linear.input_grad %dy, %w : (tensor<?x32xf32>, tensor<32x64xf32>) -> tensor<?x64xf32>
  %dx_again = mlora.linear.input_grad %dy, %w : (tensor<?x32xf32>, tensor<32x64xf32>) -> tensor<?x64xf32>
  %dx_unread = mlora.linear.input_grad %dy, %w : (tensor<?x32xf32>, tensor<32x64xf32>) -> tensor<?x64xf32>
  return %dx, %dx_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// mlora.adapted_linear.input_grad: a dx that nobody reads is left out.
// CHECK-LABEL: func.func @adapted_linear.input_grad(
// CHECK-NEXT: mlora.adapted_linear.input_grad(
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @adapted_linear.input_grad(%dg: tensor<?x172xf32>, %du: tensor<?x172xf32>, %wg: tensor<172x64xf32>,
                                     %wu: tensor<172x64xf32>, %bg: tensor<172x12xf32>, %bu: tensor<172x12xf32>,
                                     %a: tensor<24x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %dx, %u = mlora.adapted_linear.input_grad (%dg, %du) weights(%wg, %wu) ups(%bg, %bu) down %a
    : (tensor<?x172xf32>, tensor<?x172xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>,
       tensor<172x12xf32>, tensor<24x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x24xf32>)
  %dx_again, %u_again = mlora.adapted_linear.input_grad (%dg, %du) weights(%wg, %wu) ups(%bg, %bu) down %a
    : (tensor<?x172xf32>, tensor<?x172xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>,
       tensor<172x12xf32>, tensor<24x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x24xf32>)
  %dx_unread, %u_unread = mlora.adapted_linear.input_grad (%dg, %du) weights(%wg, %wu) ups(%bg, %bu) down %a
    : (tensor<?x172xf32>, tensor<?x172xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>,
       tensor<172x12xf32>, tensor<24x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x24xf32>)
  return %dx, %dx_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// Only u is left of it, and weights are not read.
// CHECK-LABEL: func.func @without_input_cotangent(
// CHECK-NEXT: %[[U:.+]] = mlora.adapted_linear.input_grad({{.*}} -> tensor<?x4xf32>
// CHECK-NEXT: return %[[U]]
func.func @without_input_cotangent(%dy: tensor<?x32xf32>, %w: tensor<32x64xf32>, %b: tensor<32x4xf32>,
                                   %a: tensor<4x64xf32>) -> tensor<?x4xf32> {
  %dx, %u = mlora.adapted_linear.input_grad (%dy) weights(%w) ups(%b) down %a
    : (tensor<?x32xf32>, tensor<32x64xf32>, tensor<32x4xf32>, tensor<4x64xf32>) -> (tensor<?x64xf32>, tensor<?x4xf32>)
  return %u : tensor<?x4xf32>
}

// mlora.token_outer: nothing folds.
// CHECK-LABEL: func.func @token_outer(
// CHECK-NEXT: mlora.token_outer %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @token_outer(%dy: tensor<?x172xf32>, %m: tensor<?x24xf32>) -> (tensor<172x12xf32>, tensor<172x12xf32>) {
  %g = mlora.token_outer %dy, %m from 12 : (tensor<?x172xf32>, tensor<?x24xf32>) -> tensor<172x12xf32>
  %g_again = mlora.token_outer %dy, %m from 12 : (tensor<?x172xf32>, tensor<?x24xf32>) -> tensor<172x12xf32>
  %g_unread = mlora.token_outer %dy, %m from 12 : (tensor<?x172xf32>, tensor<?x24xf32>) -> tensor<172x12xf32>
  return %g, %g_again : tensor<172x12xf32>, tensor<172x12xf32>
}

// mlora.rms_norm.input_grad: nothing folds.
// CHECK-LABEL: func.func @rms_norm.input_grad(
// CHECK-NEXT: mlora.rms_norm.input_grad %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @rms_norm.input_grad(%dy: tensor<?x64xf32>, %x: tensor<?x64xf32>, %w: tensor<64xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %dx = mlora.rms_norm.input_grad %dy, %x, %w eps 1.000000e-05
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %dx_again = mlora.rms_norm.input_grad %dy, %x, %w eps 1.000000e-05
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %dx_unread = mlora.rms_norm.input_grad %dy, %x, %w eps 1.000000e-05
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return %dx, %dx_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// mlora.rms_norm.scale: nothing folds.
// CHECK-LABEL: func.func @rms_norm.scale(
// CHECK-NEXT: mlora.rms_norm.scale %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @rms_norm.scale(%x: tensor<?x64xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %rho = mlora.rms_norm.scale %x eps 1.000000e-05 : (tensor<?x64xf32>) -> tensor<?xf32>
  %rho_again = mlora.rms_norm.scale %x eps 1.000000e-05 : (tensor<?x64xf32>) -> tensor<?xf32>
  %rho_unread = mlora.rms_norm.scale %x eps 1.000000e-05 : (tensor<?x64xf32>) -> tensor<?xf32>
  return %rho, %rho_again : tensor<?xf32>, tensor<?xf32>
}

// mlora.rms_norm.weight_grad: nothing folds.
// CHECK-LABEL: func.func @rms_norm.weight_grad(
// CHECK-NEXT: mlora.rms_norm.weight_grad %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @rms_norm.weight_grad(%dy: tensor<?x64xf32>, %x: tensor<?x64xf32>, %rho: tensor<?xf32>)
    -> (tensor<64xf32>, tensor<64xf32>) {
  %dw = mlora.rms_norm.weight_grad %dy, %x scale %rho
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?xf32>) -> tensor<64xf32>
  %dw_again = mlora.rms_norm.weight_grad %dy, %x scale %rho
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?xf32>) -> tensor<64xf32>
  %dw_unread = mlora.rms_norm.weight_grad %dy, %x scale %rho
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?xf32>) -> tensor<64xf32>
  return %dw, %dw_again : tensor<64xf32>, tensor<64xf32>
}

// mlora.attention.query_grad: nothing folds.
// CHECK-LABEL: func.func @attention.query_grad(
// CHECK-NEXT: mlora.attention.query_grad %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @attention.query_grad(%do: tensor<?x64xf32>, %q: tensor<?x64xf32>, %k: tensor<?x32xf32>,
                                %v: tensor<?x32xf32>, %o: tensor<?x64xf32>, %lse: tensor<?x8xf32>,
                                %start: tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>,
       tensor<?x8xf32>, tensor<?xi32>)
    -> tensor<?x64xf32>
  %dq_again = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>,
       tensor<?x8xf32>, tensor<?xi32>)
    -> tensor<?x64xf32>
  %dq_unread = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>,
       tensor<?x8xf32>, tensor<?xi32>)
    -> tensor<?x64xf32>
  return %dq, %dq_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// mlora.attention.key_value_grad: nothing folds.
// CHECK-LABEL: func.func @attention.key_value_grad(
// CHECK-NEXT: mlora.attention.key_value_grad %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @attention.key_value_grad(%do: tensor<?x64xf32>, %q: tensor<?x64xf32>, %k: tensor<?x32xf32>,
                                    %v: tensor<?x32xf32>, %o: tensor<?x64xf32>, %lse: tensor<?x8xf32>,
                                    %start: tensor<?xi32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>,
       tensor<?x8xf32>, tensor<?xi32>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>)
  %dk_again, %dv_again = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>,
       tensor<?x8xf32>, tensor<?xi32>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>)
  %dk_unread, %dv_unread = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>,
       tensor<?x8xf32>, tensor<?xi32>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>)
  return %dk, %dk_again : tensor<?x32xf32>, tensor<?x32xf32>
}

// mlora.swiglu.grad: nothing folds.
// CHECK-LABEL: func.func @swiglu.grad(
// CHECK-NEXT: mlora.swiglu.grad %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @swiglu.grad(%dy: tensor<?x172xf32>, %g: tensor<?x172xf32>, %u: tensor<?x172xf32>)
    -> (tensor<?x172xf32>, tensor<?x172xf32>) {
  %dg, %du = mlora.swiglu.grad %dy, %g, %u
    : (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x172xf32>) -> (tensor<?x172xf32>, tensor<?x172xf32>)
  %dg_again, %du_again = mlora.swiglu.grad %dy, %g, %u
    : (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x172xf32>) -> (tensor<?x172xf32>, tensor<?x172xf32>)
  %dg_unread, %du_unread = mlora.swiglu.grad %dy, %g, %u
    : (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x172xf32>) -> (tensor<?x172xf32>, tensor<?x172xf32>)
  return %dg, %dg_again : tensor<?x172xf32>, tensor<?x172xf32>
}

// mlora.embedding.weight_grad: nothing folds.
// CHECK-LABEL: func.func @embedding.weight_grad(
// CHECK-NEXT: mlora.embedding.weight_grad %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @embedding.weight_grad(%dy: tensor<?x64xf32>, %ids: tensor<?xi32>)
    -> (tensor<512x64xf32>, tensor<512x64xf32>) {
  %dt = mlora.embedding.weight_grad %dy, %ids : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<512x64xf32>
  %dt_again = mlora.embedding.weight_grad %dy, %ids : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<512x64xf32>
  %dt_unread = mlora.embedding.weight_grad %dy, %ids : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<512x64xf32>
  return %dt, %dt_again : tensor<512x64xf32>, tensor<512x64xf32>
}

// mlora.scatter_rows: `like` is taken from where its rows come from.
// CHECK-LABEL: func.func @scatter_rows(
// CHECK-NEXT: mlora.scatter_rows %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @scatter_rows(%dx: tensor<?x64xf32>, %counted: tensor<?xi32>, %h: tensor<?x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %dh = mlora.scatter_rows %dx, %counted like %h
    : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %dh_again = mlora.scatter_rows %dx, %counted like %h
    : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %dh_unread = mlora.scatter_rows %dx, %counted like %h
    : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %dh, %dh_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// The normalised rows are not computed for their number.
// CHECK-LABEL: func.func @scatter_like_derived(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x64xf32>, %[[ROWS:[^:]+]]: tensor<?xi32>, %[[H:[^:]+]]: tensor<?x64xf32>
// CHECK-NEXT: mlora.scatter_rows %[[X]], %[[ROWS]] like %[[H]]
// CHECK-NEXT: return
func.func @scatter_like_derived(%x: tensor<?x64xf32>, %rows: tensor<?xi32>, %h: tensor<?x64xf32>, %w: tensor<64xf32>)
    -> tensor<?x64xf32> {
  %n = mlora.rms_norm %h, %w eps 1.0e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %y = mlora.scatter_rows %x, %rows like %n : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// An embedding has as many rows as there are ids, but ids are no matrix.
// CHECK-LABEL: func.func @scatter_like_embedding(
// CHECK-NEXT: %[[H:.+]] = mlora.embedding
// CHECK-NEXT: mlora.scatter_rows {{.*}} like %[[H]]
func.func @scatter_like_embedding(%x: tensor<?x64xf32>, %rows: tensor<?xi32>, %ids: tensor<?xi32>,
                                  %table: tensor<512x64xf32>) -> tensor<?x64xf32> {
  %h = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
  %y = mlora.scatter_rows %x, %rows like %h : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// mlora.spread: `like` is taken from where its rows come from.
// CHECK-LABEL: func.func @spread(
// CHECK-NEXT: mlora.spread %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @spread(%dloss: tensor<f32>, %nll: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %dnll = mlora.spread %dloss like %nll : (tensor<f32>, tensor<?xf32>) -> tensor<?xf32>
  %dnll_again = mlora.spread %dloss like %nll : (tensor<f32>, tensor<?xf32>) -> tensor<?xf32>
  %dnll_unread = mlora.spread %dloss like %nll : (tensor<f32>, tensor<?xf32>) -> tensor<?xf32>
  return %dnll, %dnll_again : tensor<?xf32>, tensor<?xf32>
}

// As many losses as targets: they are not computed for it.
// CHECK-LABEL: func.func @spread_like_losses(
// CHECK-SAME: %[[TARGETS:[^:]+]]: tensor<?xi32>
// CHECK-NEXT: mlora.spread %{{.+}} like %[[TARGETS]] : (tensor<f32>, tensor<?xi32>)
// CHECK-NEXT: return
func.func @spread_like_losses(%targets: tensor<?xi32>, %dloss: tensor<f32>, %h: tensor<?x64xf32>, %rows: tensor<?xi32>,
                              %head: tensor<512x64xf32>) -> tensor<?xf32> {
  %x = mlora.gather_rows %h, %rows : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %nll, %lse = mlora.cross_entropy %x, %head, %targets
    : (tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %dnll = mlora.spread %dloss like %nll : (tensor<f32>, tensor<?xf32>) -> tensor<?xf32>
  return %dnll : tensor<?xf32>
}

// Gathered rows are as many as were asked for.
// CHECK-LABEL: func.func @spread_like_gathered(
// CHECK-SAME: %[[ROWS:[^:]+]]: tensor<?xi32>
// CHECK-NEXT: mlora.spread %{{.+}} like %[[ROWS]]
func.func @spread_like_gathered(%rows: tensor<?xi32>, %dloss: tensor<f32>, %h: tensor<?x64xf32>) -> tensor<?xf32> {
  %x = mlora.gather_rows %h, %rows : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %d = mlora.spread %dloss like %x : (tensor<f32>, tensor<?x64xf32>) -> tensor<?xf32>
  return %d : tensor<?xf32>
}

// What a launch gives has rows of which nothing is known.
// CHECK-LABEL: func.func @spread_like_launched(
// CHECK-NEXT: %[[H:.+]] = mlora.launch
// CHECK-NEXT: mlora.spread %{{.+}} like %[[H]]
func.func @spread_like_launched(%dloss: tensor<f32>, %x: tensor<?x64xf32>) -> tensor<?xf32> {
  %h = mlora.launch @kernel(%x) : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %d = mlora.spread %dloss like %h : (tensor<f32>, tensor<?x64xf32>) -> tensor<?xf32>
  return %d : tensor<?xf32>
}

// mlora.cross_entropy.input_grad: nothing folds.
// CHECK-LABEL: func.func @cross_entropy.input_grad(
// CHECK-NEXT: mlora.cross_entropy.input_grad %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @cross_entropy.input_grad(%dnll: tensor<?xf32>, %x: tensor<?x64xf32>, %head: tensor<512x64xf32>,
                                    %targets: tensor<?xi32>, %lse: tensor<?xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %dx = mlora.cross_entropy.input_grad %dnll, %x, %head, %targets, %lse
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x64xf32>
  %dx_again = mlora.cross_entropy.input_grad %dnll, %x, %head, %targets, %lse
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x64xf32>
  %dx_unread = mlora.cross_entropy.input_grad %dnll, %x, %head, %targets, %lse
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x64xf32>
  return %dx, %dx_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// mlora.cross_entropy.weight_grad: nothing folds.
// CHECK-LABEL: func.func @cross_entropy.weight_grad(
// CHECK-NEXT: mlora.cross_entropy.weight_grad %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @cross_entropy.weight_grad(%dnll: tensor<?xf32>, %x: tensor<?x64xf32>, %head: tensor<512x64xf32>,
                                     %targets: tensor<?xi32>, %lse: tensor<?xf32>)
    -> (tensor<512x64xf32>, tensor<512x64xf32>) {
  %dw = mlora.cross_entropy.weight_grad %dnll, %x, %head, %targets, %lse
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<512x64xf32>
  %dw_again = mlora.cross_entropy.weight_grad %dnll, %x, %head, %targets, %lse
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<512x64xf32>
  %dw_unread = mlora.cross_entropy.weight_grad %dnll, %x, %head, %targets, %lse
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<512x64xf32>
  return %dw, %dw_again : tensor<512x64xf32>, tensor<512x64xf32>
}

// mlora.stack_up.grad: G itself for plain LoRA with alpha = r.
// CHECK-LABEL: func.func @stack_up.grad(
// CHECK-NEXT: mlora.stack_up.grad %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @stack_up.grad(%g: tensor<32x12xf32>, %b: tensor<32x12xf32>, %s: tensor<32x3xf32>)
    -> (tensor<32x12xf32>, tensor<32x12xf32>) {
  %db, %ds = mlora.stack_up.grad %g, %b, %s alpha 4.0
    : (tensor<32x12xf32>, tensor<32x12xf32>, tensor<32x3xf32>) -> (tensor<32x12xf32>, tensor<32x3xf32>)
  %db_again, %ds_again = mlora.stack_up.grad %g, %b, %s alpha 4.0
    : (tensor<32x12xf32>, tensor<32x12xf32>, tensor<32x3xf32>) -> (tensor<32x12xf32>, tensor<32x3xf32>)
  %db_unread, %ds_unread = mlora.stack_up.grad %g, %b, %s alpha 4.0
    : (tensor<32x12xf32>, tensor<32x12xf32>, tensor<32x3xf32>) -> (tensor<32x12xf32>, tensor<32x3xf32>)
  return %db, %db_again : tensor<32x12xf32>, tensor<32x12xf32>
}

// CHECK-LABEL: func.func @stack_up_grad_of_plain_lora(
// CHECK-SAME: %[[G:[^:]+]]: tensor<32x4xf32>
// CHECK-NEXT: return %[[G]]
func.func @stack_up_grad_of_plain_lora(%g: tensor<32x4xf32>, %b: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %db = mlora.stack_up.grad %g, %b alpha 4.0 : (tensor<32x4xf32>, tensor<32x4xf32>) -> tensor<32x4xf32>
  return %db : tensor<32x4xf32>
}

// Other scales are factors.
// CHECK-LABEL: func.func @stack_up_grad_of_scaled_lora(
// CHECK-NEXT: mlora.stack_up.grad
func.func @stack_up_grad_of_scaled_lora(%g: tensor<32x4xf32>, %b: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %db = mlora.stack_up.grad %g, %b alpha 8.0 : (tensor<32x4xf32>, tensor<32x4xf32>) -> tensor<32x4xf32>
  return %db : tensor<32x4xf32>
}
