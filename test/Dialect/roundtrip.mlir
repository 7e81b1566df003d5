// RUN: mlora-opt %s | mlora-opt | FileCheck %s
// RUN: mlora-opt %s --mlir-print-op-generic | mlora-opt | FileCheck %s
// RUN: mlora-opt %s --verify-roundtrip -o /dev/null

// Every op in its own syntax; the examples are those of the reference pages.

// CHECK-LABEL: func.func @embedding(
// CHECK: mlora.embedding
func.func @embedding(%ids: tensor<?xi32>, %table: tensor<512x64xf32>) {
  %h = mlora.embedding %ids, %table
    : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func.func @linear(
// CHECK: mlora.linear
func.func @linear(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>) {
  %y = mlora.linear %x, %w
    : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  return
}

// CHECK-LABEL: func.func @rms_norm(
// CHECK: mlora.rms_norm
func.func @rms_norm(%x: tensor<?x64xf32>, %w: tensor<64xf32>) {
  %y = mlora.rms_norm %x, %w eps 1.000000e-05
    : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func.func @rope_table(
// CHECK: mlora.rope_table
func.func @rope_table(%position: tensor<?xi32>) {
  %table = mlora.rope_table %position theta 1.000000e+04
    : (tensor<?xi32>) -> tensor<?x8xf32>
  return
}

// CHECK-LABEL: func.func @rope(
// CHECK: mlora.rope
func.func @rope(%q: tensor<?x64xf32>, %table: tensor<?x8xf32>) {
  %r = mlora.rope %q, %table heads 8
    : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func.func @attention(
// CHECK: mlora.attention
func.func @attention(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %v: tensor<?x32xf32>, %start: tensor<?xi32>) {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  return
}

// CHECK-LABEL: func.func @cache_write(
// CHECK: mlora.cache_write
func.func @cache_write(%cache: tensor<?x32xf32>, %k: tensor<?x32xf32>, %rows: tensor<?xi32>) {
  %c = mlora.cache_write %cache, %k at %rows
    : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  return
}

// CHECK-LABEL: func.func @swiglu(
// CHECK: mlora.swiglu
func.func @swiglu(%gate: tensor<?x172xf32>, %up: tensor<?x172xf32>) {
  %s = mlora.swiglu %gate, %up
    : (tensor<?x172xf32>, tensor<?x172xf32>) -> tensor<?x172xf32>
  return
}

// CHECK-LABEL: func.func @add(
// CHECK: mlora.add
func.func @add(%h: tensor<?x64xf32>, %y: tensor<?x64xf32>) {
  %h1 = mlora.add %h, %y
    : tensor<?x64xf32>
  return
}

// CHECK-LABEL: func.func @gather_rows(
// CHECK: mlora.gather_rows
func.func @gather_rows(%h: tensor<?x64xf32>, %counted: tensor<?xi32>) {
  %c = mlora.gather_rows %h, %counted
    : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func.func @cross_entropy(
// CHECK: mlora.cross_entropy
func.func @cross_entropy(%x: tensor<?x64xf32>, %head: tensor<512x64xf32>, %targets: tensor<?xi32>) {
  %nll, %lse = mlora.cross_entropy %x, %head, %targets
    : (tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  return
}

// CHECK-LABEL: func.func @sum(
// CHECK: mlora.sum
func.func @sum(%nll: tensor<?xf32>) {
  %loss = mlora.sum %nll
    : (tensor<?xf32>) -> tensor<f32>
  return
}

// CHECK-LABEL: func.func @branch(
// CHECK: mlora.branch
func.func @branch(%y: tensor<?x32xf32>, %x: tensor<?x64xf32>, %a: tensor<4x64xf32>, %b: tensor<32x4xf32>, %s: tensor<32xf32>) {
  %y1 = mlora.branch %y, %x, %a, %b, %s alpha 4.0
    : (tensor<?x32xf32>, tensor<?x64xf32>, tensor<4x64xf32>, tensor<32x4xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return
}

// CHECK-LABEL: func.func @stack_up(
// CHECK: mlora.stack_up
func.func @stack_up(%b: tensor<32x12xf32>, %s: tensor<32x3xf32>) {
  %up = mlora.stack_up %b, %s alpha 4.0
    : (tensor<32x12xf32>, tensor<32x3xf32>) -> tensor<32x12xf32>
  return
}

// CHECK-LABEL: func.func @adapted_linear(
// CHECK: mlora.adapted_linear
func.func @adapted_linear(%x: tensor<?x64xf32>, %wg: tensor<172x64xf32>, %wu: tensor<172x64xf32>, %bg: tensor<172x12xf32>, %bu: tensor<172x12xf32>, %a: tensor<24x64xf32>) {
  %g, %u, %m = mlora.adapted_linear %x weights(%wg, %wu) ups(%bg, %bu) down %a
    : (tensor<?x64xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>, tensor<172x12xf32>, tensor<24x64xf32>) -> (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x24xf32>)
  return
}

// CHECK-LABEL: func.func @merge(
// CHECK: mlora.merge
func.func @merge(%w: tensor<32x64xf32>, %up: tensor<32x12xf32>, %down: tensor<12x64xf32>) {
  %w1 = mlora.merge %w, %up, %down
    : (tensor<32x64xf32>, tensor<32x12xf32>, tensor<12x64xf32>) -> tensor<32x64xf32>
  return
}

// CHECK-LABEL: func.func @linear.input_grad(
// CHECK: mlora.linear.input_grad
func.func @linear.input_grad(%dy: tensor<?x32xf32>, %w: tensor<32x64xf32>) {
  %dx = mlora.linear.input_grad %dy, %w
    : (tensor<?x32xf32>, tensor<32x64xf32>) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func.func @adapted_linear.input_grad(
// CHECK: mlora.adapted_linear.input_grad(
func.func @adapted_linear.input_grad(%dg: tensor<?x172xf32>, %du: tensor<?x172xf32>, %wg: tensor<172x64xf32>, %wu: tensor<172x64xf32>, %bg: tensor<172x12xf32>, %bu: tensor<172x12xf32>, %a: tensor<24x64xf32>) {
  %dx, %u = mlora.adapted_linear.input_grad (%dg, %du) weights(%wg, %wu) ups(%bg, %bu) down %a
    : (tensor<?x172xf32>, tensor<?x172xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>, tensor<172x12xf32>, tensor<24x64xf32>) -> (tensor<?x64xf32>, tensor<?x24xf32>)
  return
}

// CHECK-LABEL: func.func @token_outer(
// CHECK: mlora.token_outer
func.func @token_outer(%dy: tensor<?x172xf32>, %m: tensor<?x24xf32>) {
  %g = mlora.token_outer %dy, %m from 12
    : (tensor<?x172xf32>, tensor<?x24xf32>) -> tensor<172x12xf32>
  return
}

// CHECK-LABEL: func.func @rms_norm.input_grad(
// CHECK: mlora.rms_norm.input_grad
func.func @rms_norm.input_grad(%dy: tensor<?x64xf32>, %x: tensor<?x64xf32>, %w: tensor<64xf32>) {
  %dx = mlora.rms_norm.input_grad %dy, %x, %w eps 1.000000e-05
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func.func @rms_norm.scale(
// CHECK: mlora.rms_norm.scale
func.func @rms_norm.scale(%x: tensor<?x64xf32>) {
  %rho = mlora.rms_norm.scale %x eps 1.000000e-05 : (tensor<?x64xf32>) -> tensor<?xf32>
  return
}

// CHECK-LABEL: func.func @rms_norm.weight_grad(
// CHECK: mlora.rms_norm.weight_grad
func.func @rms_norm.weight_grad(%dy: tensor<?x64xf32>, %x: tensor<?x64xf32>, %rho: tensor<?xf32>) {
  %dw = mlora.rms_norm.weight_grad %dy, %x scale %rho
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?xf32>) -> tensor<64xf32>
  return
}

// CHECK-LABEL: func.func @attention.query_grad(
// CHECK: mlora.attention.query_grad
func.func @attention.query_grad(%do: tensor<?x64xf32>, %q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %v: tensor<?x32xf32>, %o: tensor<?x64xf32>, %lse: tensor<?x8xf32>, %start: tensor<?xi32>) {
  %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func.func @attention.key_value_grad(
// CHECK: mlora.attention.key_value_grad
func.func @attention.key_value_grad(%do: tensor<?x64xf32>, %q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %v: tensor<?x32xf32>, %o: tensor<?x64xf32>, %lse: tensor<?x8xf32>, %start: tensor<?xi32>) {
  %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x8xf32>, tensor<?xi32>) -> (tensor<?x32xf32>, tensor<?x32xf32>)
  return
}

// CHECK-LABEL: func.func @swiglu.grad(
// CHECK: mlora.swiglu.grad
func.func @swiglu.grad(%dy: tensor<?x172xf32>, %g: tensor<?x172xf32>, %u: tensor<?x172xf32>) {
  %dg, %du = mlora.swiglu.grad %dy, %g, %u
    : (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x172xf32>) -> (tensor<?x172xf32>, tensor<?x172xf32>)
  return
}

// CHECK-LABEL: func.func @embedding.weight_grad(
// CHECK: mlora.embedding.weight_grad
func.func @embedding.weight_grad(%dy: tensor<?x64xf32>, %ids: tensor<?xi32>) {
  %dt = mlora.embedding.weight_grad %dy, %ids
    : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<512x64xf32>
  return
}

// CHECK-LABEL: func.func @scatter_rows(
// CHECK: mlora.scatter_rows
func.func @scatter_rows(%dx: tensor<?x64xf32>, %counted: tensor<?xi32>, %h: tensor<?x64xf32>) {
  %dh = mlora.scatter_rows %dx, %counted like %h
    : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func.func @spread(
// CHECK: mlora.spread
func.func @spread(%dloss: tensor<f32>, %nll: tensor<?xf32>) {
  %dnll = mlora.spread %dloss like %nll
    : (tensor<f32>, tensor<?xf32>) -> tensor<?xf32>
  return
}

// CHECK-LABEL: func.func @cross_entropy.input_grad(
// CHECK: mlora.cross_entropy.input_grad
func.func @cross_entropy.input_grad(%dnll: tensor<?xf32>, %x: tensor<?x64xf32>, %head: tensor<512x64xf32>, %targets: tensor<?xi32>, %lse: tensor<?xf32>) {
  %dx = mlora.cross_entropy.input_grad %dnll, %x, %head, %targets, %lse
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func.func @cross_entropy.weight_grad(
// CHECK: mlora.cross_entropy.weight_grad
func.func @cross_entropy.weight_grad(%dnll: tensor<?xf32>, %x: tensor<?x64xf32>, %head: tensor<512x64xf32>, %targets: tensor<?xi32>, %lse: tensor<?xf32>) {
  %dw = mlora.cross_entropy.weight_grad %dnll, %x, %head, %targets, %lse
    : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<512x64xf32>
  return
}

// CHECK-LABEL: func.func @stack_up.grad(
// CHECK: mlora.stack_up.grad
func.func @stack_up.grad(%g: tensor<32x12xf32>, %b: tensor<32x12xf32>, %s: tensor<32x3xf32>) {
  %db, %ds = mlora.stack_up.grad %g, %b, %s alpha 4.0
    : (tensor<32x12xf32>, tensor<32x12xf32>, tensor<32x3xf32>) -> (tensor<32x12xf32>, tensor<32x3xf32>)
  return
}

// CHECK-LABEL: func.func @square_sum(
// CHECK: mlora.square_sum
func.func @square_sum(%db: tensor<32x12xf32>) {
  %p = mlora.square_sum %db
    : (tensor<32x12xf32>) -> tensor<32xf32>
  return
}

// CHECK-LABEL: func.func @norm(
// CHECK: mlora.norm
func.func @norm(%p0: tensor<32xf32>, %p1: tensor<24xf32>) {
  %n = mlora.norm %p0, %p1
    : (tensor<32xf32>, tensor<24xf32>) -> tensor<f32>
  return
}

// CHECK-LABEL: func.func @adamw(
// CHECK: mlora.adamw
func.func @adamw(%p: tensor<32x12xf32>, %g: tensor<32x12xf32>, %m: tensor<32x12xf32>, %v: tensor<32x12xf32>, %hyper: tensor<8xf32>) {
  %p1, %m1, %v1 = mlora.adamw %p, %g, %m, %v, %hyper
    : tensor<32x12xf32>, tensor<8xf32>
  return
}

// Options that the examples leave out.

// CHECK-LABEL: func.func @optional_parts(
// CHECK: mlora.rope_table %{{.*}} theta 5.000000e+05 llama3 {{\[}}8.000000e+00, 1.000000e+00, 4.000000e+00, 8.192000e+03]
// CHECK: mlora.rope {{.*}} heads 8 inverse :
// CHECK: mlora.attention {{.*}} document %{{.*}} at %{{.*}} prefix %{{.*}} to %{{.*}} heads 8 kv_heads 4
// CHECK: mlora.branch {{.*}} alpha 4.000000e+00 : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<4x64xf32>, tensor<64x4xf32>)
// CHECK: mlora.adapted_linear.input_grad({{.*}} tensor<?x4xf32>
func.func @optional_parts(%p: tensor<?xi32>, %x: tensor<?x64xf32>, %k: tensor<?x32xf32>, %rows: tensor<?xi32>,
                          %a: tensor<4x64xf32>, %b: tensor<64x4xf32>, %w: tensor<64x64xf32>) {
  %t = mlora.rope_table %p theta 5.0e5 llama3 [8.0, 1.0, 4.0, 8192.0] : (tensor<?xi32>) -> tensor<?x8xf32>
  %r = mlora.rope %x, %t heads 8 inverse : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  %o, %lse = mlora.attention %x, %k, %k document %p at %rows prefix %p to %p heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  %y = mlora.branch %x, %x, %a, %b alpha 4.0
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<4x64xf32>, tensor<64x4xf32>) -> tensor<?x64xf32>
  %u = mlora.adapted_linear.input_grad (%x) weights(%w) ups(%b) down %a
    : (tensor<?x64xf32>, tensor<64x64xf32>, tensor<64x4xf32>, tensor<4x64xf32>) -> tensor<?x4xf32>
  return
}

// CHECK-LABEL: func.func @gemm(
// CHECK: mlora.gemm %{{.*}}, transposed %{{.*}} into %{{.*}} alpha %{{.*}} beta %{{.*}} :
func.func @gemm(%x: memref<?x64xf32, strided<[64, 1], offset: ?>>, %w: memref<32x64xf32>, %y: memref<?x32xf32>, %one: f32) {
  mlora.gemm %x, transposed %w into %y alpha %one beta %one
    : memref<?x64xf32, strided<[64, 1], offset: ?>>, memref<32x64xf32>, memref<?x32xf32>
  return
}

// CHECK-LABEL: mlora.kernel @normalise(
// CHECK-SAME: grid ["rows by 128"]
mlora.kernel @normalise(%x: tensor<?x64xf32>, %w: tensor<64xf32>) -> tensor<?x64xf32> grid ["rows by 128"] {
  %y = mlora.rms_norm %x, %w eps 1.000000e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  mlora.yield %y : tensor<?x64xf32>
}

// CHECK-LABEL: mlora.program @train arena 4096 + 7936 * rows + 8 * kv_rows {
// CHECK: mlora.buffer "h" residual slots 31 offset 0 in "rows" extent "rows" : memref<?x64xf32>
// CHECK: mlora.buffer "norm" weight slots 30 {{.*}}tensor = "model.layers.{layer}.input_layernorm.weight"
// CHECK: mlora.section "micro_step" {
// CHECK: mlora.layers 29 to 0 step -1 {
// CHECK: mlora.launch @normalise(%h[layer], %norm[layer], %h[layer+1])
mlora.program @train arena 4096 + 7936 * rows + 8 * kv_rows {
  %h = mlora.buffer "h" residual slots 31 offset 0 in "rows" extent "rows" : memref<?x64xf32>
  %w = mlora.buffer "norm" weight slots 30 {tensor = "model.layers.{layer}.input_layernorm.weight"} : memref<64xf32>
  mlora.section "micro_step" {
    mlora.layers 29 to 0 step -1 {
      mlora.launch @normalise(%h[layer], %w[layer], %h[layer+1])
        : (memref<?x64xf32>, memref<64xf32>, memref<?x64xf32>) -> ()
    }
  }
}

// CHECK-LABEL: mlora.joined_kernel @joined.norm(
// CHECK-NEXT: %[[DP:.*]]: memref<2x17x3xf32, strided<[64, 3, 1]>>,
// CHECK-NEXT: %[[SUMS:.*]]: memref<2x17xf32>,
// CHECK-NEXT: %[[DW:.*]]: memref<8xf32>,
// CHECK-NEXT: %[[W:.*]]: memref<8xf32>) {
// CHECK: mlora.part @norm.0(%[[DP]], %[[SUMS]]) layers 2 : memref<2x17x3xf32, strided<[64, 3, 1]>>, memref<2x17xf32>
// CHECK: mlora.part @norm.1(%[[DW]], %[[W]]) : memref<8xf32>, memref<8xf32>
// CHECK: mlora.kernel @norm.0(
// CHECK-LABEL: mlora.program @joined {
// CHECK: mlora.launch @joined.norm(%{{.*}}[all], %{{.*}}[all], %{{.*}}[0], %{{.*}}[0])
mlora.joined_kernel @joined.norm(%dp: memref<2x17x3xf32, strided<[64, 3, 1]>>, %sums: memref<2x17xf32>,
                                 %dw: memref<8xf32>, %w: memref<8xf32>) {
  mlora.part @norm.0(%dp, %sums) layers 2 : memref<2x17x3xf32, strided<[64, 3, 1]>>, memref<2x17xf32>
  mlora.part @norm.1(%dw, %w) : memref<8xf32>, memref<8xf32>
  mlora.kernel @norm.0(%x: tensor<17x3xf32>) -> tensor<17xf32> grid ["17 by 16"] {
    %y = mlora.square_sum %x : (tensor<17x3xf32>) -> tensor<17xf32>
    mlora.yield %y : tensor<17xf32>
  }
  mlora.kernel @norm.1(%x: tensor<8xf32>) -> tensor<8xf32> grid ["8 by 16"] {
    %y = mlora.square_sum %x : (tensor<8xf32>) -> tensor<8xf32>
    mlora.yield %y : tensor<8xf32>
  }
}
mlora.program @joined {
  %dp = mlora.buffer "p.gradient" gradient slots 2 : memref<17x3xf32>
  %sums = mlora.buffer "p.partial" residual slots 2 : memref<17xf32>
  %dw = mlora.buffer "w.gradient" gradient : memref<8xf32>
  %w = mlora.buffer "w.partial" residual : memref<8xf32>
  mlora.section "norm" {
    mlora.launch @joined.norm(%dp[all], %sums[all], %dw[0], %w[0])
      : (memref<17x3xf32>, memref<17xf32>, memref<8xf32>, memref<8xf32>) -> ()
  }
}

// CHECK-LABEL: func.func @products(
// CHECK: mlora.window %{{.*}} at [128, 0] :
// CHECK: mlora.join %{{.*}}, %{{.*}} :
// CHECK: mlora.product %{{.*}}, %{{.*}} : (tensor<?x112xf32>
// CHECK: mlora.product %{{.*}}, %{{.*}} transposed :
// CHECK: mlora.place %{{.*}} in %{{.*}} at [128, 0] :
// CHECK: mlora.place %{{.*}} at [0, 64] : (tensor<?x48xf32>) -> tensor<?x112xf32>
// CHECK: mlora.stack_up %{{.*}}, %{{.*}} alpha 4.000000e+00 rank 5 :
func.func @products(%x: tensor<?x64xf32>, %m: tensor<?x48xf32>, %w: tensor<176x112xf32>, %dyu: tensor<?x176xf32>,
                    %b: tensor<32x16xf32>, %s: tensor<32x3xf32>) {
  %a = mlora.window %w at [128, 0] : (tensor<176x112xf32>) -> tensor<48x64xf32>
  %xm = mlora.join %x, %m : (tensor<?x64xf32>, tensor<?x48xf32>) -> tensor<?x112xf32>
  %y = mlora.product %xm, %w : (tensor<?x112xf32>, tensor<176x112xf32>) -> tensor<?x128xf32>
  %dx = mlora.product %dyu, %w transposed : (tensor<?x176xf32>, tensor<176x112xf32>) -> tensor<?x64xf32>
  %w1 = mlora.place %a in %w at [128, 0] : (tensor<48x64xf32>, tensor<176x112xf32>) -> tensor<176x112xf32>
  %new = mlora.place %m at [0, 64] : (tensor<?x48xf32>) -> tensor<?x112xf32>
  %up = mlora.stack_up %b, %s alpha 4.0 rank 5 : (tensor<32x16xf32>, tensor<32x3xf32>) -> tensor<32x16xf32>
  return
}

// CHECK-LABEL: func.func @round(
// CHECK: mlora.round %{{.*}} : (tensor<512x64xf32>) -> tensor<512x64xbf16>
// CHECK: mlora.product %{{.*}}, %{{.*}} : (tensor<?x64xbf16>, tensor<512x64xbf16>) -> tensor<?x512xf32>
func.func @round(%x: tensor<?x64xbf16>, %w: tensor<512x64xf32>) {
  %wb = mlora.round %w : (tensor<512x64xf32>) -> tensor<512x64xbf16>
  %z = mlora.product %x, %wb : (tensor<?x64xbf16>, tensor<512x64xbf16>) -> tensor<?x512xf32>
  return
}

// CHECK-LABEL: func.func @nll(
// CHECK: %nll, %lse = mlora.nll %{{.*}}, %{{.*}} :
// CHECK: mlora.nll.input_grad %{{.*}}, %{{.*}}, %{{.*}}, %lse :
func.func @nll(%z: tensor<?x512xf32>, %targets: tensor<?xi32>, %dnll: tensor<?xf32>) -> (tensor<?xf32>, tensor<?x512xbf16>) {
  %nll, %lse = mlora.nll %z, %targets : (tensor<?x512xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %dz = mlora.nll.input_grad %dnll, %z, %targets, %lse
    : (tensor<?xf32>, tensor<?x512xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x512xbf16>
  return %nll, %dz : tensor<?xf32>, tensor<?x512xbf16>
}

// CHECK-LABEL: func.func @chunked_call(
// CHECK: mlora.chunked_call @nll(%{{.*}}, %{{.*}}, %{{.*}}) by 48 : (
func.func @chunked_call(%z: tensor<?x512xf32>, %targets: tensor<?xi32>, %dnll: tensor<?xf32>) {
  %nll, %dz = mlora.chunked_call @nll(%z, %targets, %dnll) by 48
    : (tensor<?x512xf32>, tensor<?xi32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?x512xbf16>)
  return
}

// CHECK-LABEL: mlora.program @chunks chunk_rows 48 arena 0 + 4 * rows + 2048 * chunk_rows {
// CHECK: mlora.buffer "z" temporary offset 0 in "chunk_rows" extent "counted_rows" : memref<?x512xf32>
// CHECK: mlora.chunks {
// CHECK-NEXT: mlora.launch @loss(%z[0], %nll[0])
mlora.program @chunks chunk_rows 48 arena 0 + 4 * rows + 2048 * chunk_rows {
  %z = mlora.buffer "z" temporary offset 0 in "chunk_rows" extent "counted_rows" : memref<?x512xf32>
  %nll = mlora.buffer "nll" temporary offset 0 in "rows" extent "counted_rows" : memref<?xf32>
  mlora.section "score" {
    mlora.chunks {
      mlora.launch @loss(%z[0], %nll[0]) : (memref<?x512xf32>, memref<?xf32>) -> ()
    }
  }
}

// CHECK-LABEL: func.func @quantized(
// CHECK: mlora.dequantize %{{.*}} of "Q4_1" : (tensor<32x40xi8>) -> tensor<32x64xf32>
// CHECK: mlora.gemm %{{.*}}, transposed %{{.*}} of "Q8_0" into %{{.*}} alpha %{{.*}} beta
func.func @quantized(%blocks: tensor<32x40xi8>, %x: memref<?x64xf32>, %w: memref<32x68xi8>, %y: memref<?x32xf32>, %one: f32,
                     %zero: f32) -> tensor<32x64xf32> {
  %v = mlora.dequantize %blocks of "Q4_1" : (tensor<32x40xi8>) -> tensor<32x64xf32>
  mlora.gemm %x, transposed %w of "Q8_0" into %y alpha %one beta %zero : memref<?x64xf32>, memref<32x68xi8>, memref<?x32xf32>
  return %v : tensor<32x64xf32>
}
