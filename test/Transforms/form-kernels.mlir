// Which ops share a kernel, and on which grid.

// RUN: mlora-opt %s --mlora-form-kernels="row-block=32 attention-block=16 tile-columns=8" --split-input-file | FileCheck %s

// What computes row t from row t is one kernel over blocks of rows; attention needs all keys and stands alone.
// CHECK-LABEL: mlora.kernel @layer.0.rms_norm_linear(
// CHECK-SAME:    -> (tensor<?x8xf32> {mlora.extent = "rows"}) grid ["rows by 32"]
// CHECK-NEXT:    mlora.rms_norm
// CHECK-NEXT:    mlora.linear
// CHECK-NEXT:    mlora.yield
// CHECK-LABEL: mlora.kernel @layer.1.attention(
// CHECK-SAME:    grid ["2 by 1", "rows by 16"]
// CHECK-LABEL: mlora.kernel @layer.2.linear_add(
// CHECK-SAME:    grid ["rows by 32"]
// CHECK-LABEL: func.func @layer(
// CHECK-COUNT-3: mlora.launch
// CHECK-NOT:   mlora.linear
func.func @layer(%h: tensor<?x8xf32> {mlora.extent = "rows"}, %n: tensor<8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %x = mlora.rms_norm %h, %n eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %q = mlora.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %a, %lse = mlora.attention %q, %q, %q heads 2 kv_heads 2
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>)
  %o = mlora.linear %a, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %y = mlora.add %h, %o : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Sums over tokens come last, all in one kernel: tiles of each, so that the chain of cotangents is not interrupted.
// CHECK-LABEL: mlora.kernel @backward.0.linear.input_grad(
// CHECK-SAME:    grid ["rows by 32"]
// CHECK-COUNT-2: mlora.linear.input_grad
// CHECK-LABEL: mlora.kernel @backward.1.token_outer(
// CHECK:         grid ["3 by 1"] attributes {mlora.tiles = array<i64: 1, 2>}
func.func @backward(%dy: tensor<?x8xf32> {mlora.extent = "rows"}, %x: tensor<?x16xf32> {mlora.extent = "rows"},
                    %w: tensor<8x8xf32>) -> (tensor<?x8xf32>, tensor<8x8xf32>, tensor<8x16xf32>) {
  %du = mlora.linear.input_grad %dy, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %g0 = mlora.token_outer %dy, %du : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<8x8xf32>
  %dx = mlora.linear.input_grad %du, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %g1 = mlora.token_outer %dx, %x : (tensor<?x8xf32>, tensor<?x16xf32>) -> tensor<8x16xf32>
  return %dx, %g0, %g1 : tensor<?x8xf32>, tensor<8x8xf32>, tensor<8x16xf32>
}

// -----

// The loss's cotangent is spread before anything else: it reads no row of a token. So the gradient of cross-entropy shares a kernel,
// and its logits, with cross-entropy. Rows of the head are the counted ones.
// CHECK-LABEL: mlora.kernel @head.0.spread_gather_rows(
// CHECK:         -> (tensor<?xf32> {mlora.extent = "counted_rows"}, tensor<?x8xf32> {mlora.extent = "counted_rows"})
// CHECK-SAME:    grid ["counted_rows by 32"]
// CHECK-LABEL: mlora.kernel @head.1.cross_entropy_cross_entropy.input_grad(
// CHECK:         grid ["counted_rows by 32"]
// CHECK-LABEL: mlora.kernel @head.2.sum(
// CHECK-LABEL: mlora.kernel @head.3.scatter_rows(
// CHECK-SAME:    -> (tensor<?x8xf32> {mlora.extent = "rows"}) grid ["rows by 32"]
func.func @head(%h: tensor<?x8xf32> {mlora.extent = "rows"}, %counted: tensor<?xi32> {mlora.extent = "counted_rows"},
                %targets: tensor<?xi32> {mlora.extent = "counted_rows"}, %w: tensor<16x8xf32>, %dloss: tensor<f32>)
    -> (tensor<f32>, tensor<?x8xf32>) {
  %x = mlora.gather_rows %h, %counted : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  %nll, %lse = mlora.cross_entropy %x, %w, %targets
    : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %loss = mlora.sum %nll : (tensor<?xf32>) -> tensor<f32>
  %dnll = mlora.spread %dloss like %nll : (tensor<f32>, tensor<?xf32>) -> tensor<?xf32>
  %dx = mlora.cross_entropy.input_grad %dnll, %x, %w, %targets, %lse
    : (tensor<?xf32>, tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x8xf32>
  %dh = mlora.scatter_rows %dx, %counted like %h : (tensor<?x8xf32>, tensor<?xi32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %loss, %dh : tensor<f32>, tensor<?x8xf32>
}
