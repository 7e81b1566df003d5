// RUN: mlora-opt %s --mlora-form-kernels=tensor-cores | FileCheck %s
// RUN: mlora-opt %s --mlora-form-kernels | FileCheck %s --check-prefix=PLAIN

// On tensor cores the gradients of attention turn their results back as they store them, among the columns that a product reads: one writes a
// buffer anew, the other in place of it. u then needs nothing but to be put beside them.

// CHECK:      mlora.kernel @backward.0.attention.query_grad_rope_place(
// CHECK:        -> (tensor<?x136xbf16> {{.*}}) grid ["4 by 1", "rows by 64"]
// CHECK-NEXT:   %[[DQ:.*]] = mlora.attention.query_grad
// CHECK-NEXT:   %[[R:.*]] = mlora.rope %[[DQ]], %{{.*}} heads 4 inverse
// CHECK-NEXT:   %[[P:.*]] = mlora.place %[[R]] at [0, 0]
// CHECK-NEXT:   mlora.yield %[[P]] :
// CHECK:      mlora.kernel @backward.1.attention.key_value_grad_rope_place(
// CHECK:        -> (tensor<?x136xbf16> {{.*}}) grid ["2 by 1", "kv_rows by 64"]
// CHECK-NEXT:   mlora.attention.key_value_grad
// CHECK-NEXT:   mlora.rope %{{.*}}, %{{.*}} heads 2 inverse
// CHECK-NEXT:   mlora.place %{{.*}} in %{{[a-z0-9]+}} at [0, 64]
// CHECK-NEXT:   mlora.place %{{.*}} in %{{.*}} at [0, 96]
// CHECK-NEXT:   mlora.yield
// CHECK:      mlora.kernel @backward.2.linear.input_grad_place(
// CHECK-NEXT:   mlora.window
// CHECK-NEXT:   mlora.linear.input_grad
// CHECK-NEXT:   mlora.place
// CHECK-NEXT:   mlora.yield
// CHECK:      func.func @backward(

// Elsewhere attention is alone.
// PLAIN:      mlora.kernel @backward.0.attention.query_grad(
// PLAIN:      mlora.kernel @backward.1.attention.key_value_grad(
// PLAIN:      mlora.kernel @backward.2.rope_place_linear.input_grad(
func.func @backward(%do: tensor<?x64xbf16> {mlora.extent = "rows"}, %q: tensor<?x64xbf16> {mlora.extent = "rows"},
                    %k: tensor<?x32xbf16> {mlora.extent = "rows"}, %v: tensor<?x32xbf16> {mlora.extent = "rows"},
                    %o: tensor<?x64xbf16> {mlora.extent = "rows"}, %lse: tensor<?x4xf32> {mlora.extent = "rows"},
                    %r: tensor<?x16xf32> {mlora.extent = "rows"}, %b: tensor<64x8xbf16>) -> tensor<?x136xbf16> {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x64xbf16>, tensor<?x4xf32>) -> tensor<?x64xbf16>
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x64xbf16>, tensor<?x4xf32>) -> (tensor<?x32xbf16>, tensor<?x32xbf16>)
  %dk = mlora.rope %dkr, %r heads 2 inverse : (tensor<?x32xbf16>, tensor<?x16xf32>) -> tensor<?x32xbf16>
  %dq = mlora.rope %dqr, %r heads 4 inverse : (tensor<?x64xbf16>, tensor<?x16xf32>) -> tensor<?x64xbf16>
  %p0 = mlora.place %dq at [0, 0] : (tensor<?x64xbf16>) -> tensor<?x136xbf16>
  %p1 = mlora.place %dk in %p0 at [0, 64] : (tensor<?x32xbf16>, tensor<?x136xbf16>) -> tensor<?x136xbf16>
  %p2 = mlora.place %dv in %p1 at [0, 96] : (tensor<?x32xbf16>, tensor<?x136xbf16>) -> tensor<?x136xbf16>
  %dy = mlora.window %p2 at [0, 0] : (tensor<?x136xbf16>) -> tensor<?x64xbf16>
  %u = mlora.linear.input_grad %dy, %b : (tensor<?x64xbf16>, tensor<64x8xbf16>) -> tensor<?x8xbf16>
  %dyu = mlora.place %u in %p2 at [0, 128] : (tensor<?x8xbf16>, tensor<?x136xbf16>) -> tensor<?x136xbf16>
  return %dyu : tensor<?x136xbf16>
}

// What has no kernel on tensor cores that does it keeps its rope: f32, heads of 256, a cotangent that others read unturned.
// CHECK: mlora.kernel @f32.0.attention.query_grad(
// CHECK: mlora.kernel @f32.1.rope(
func.func @f32(%do: tensor<?x64xf32> {mlora.extent = "rows"}, %k: tensor<?x64xf32> {mlora.extent = "rows"}, %lse: tensor<?x4xf32> {mlora.extent = "rows"},
               %r: tensor<?x16xf32> {mlora.extent = "rows"}) -> tensor<?x64xf32> {
  %dq = mlora.attention.query_grad %do, %do, %k, %k, %do, %lse heads 4 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x4xf32>) -> tensor<?x64xf32>
  %y = mlora.rope %dq, %r heads 4 inverse : (tensor<?x64xf32>, tensor<?x16xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
// CHECK: mlora.kernel @wide.0.attention.query_grad(
// CHECK: mlora.kernel @wide.1.rope(
func.func @wide(%do: tensor<?x256xbf16> {mlora.extent = "rows"}, %k: tensor<?x256xbf16> {mlora.extent = "rows"}, %lse: tensor<?x1xf32> {mlora.extent = "rows"},
                %r: tensor<?x256xf32> {mlora.extent = "rows"}) -> tensor<?x256xbf16> {
  %dq = mlora.attention.query_grad %do, %do, %k, %k, %do, %lse heads 1 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x1xf32>) -> tensor<?x256xbf16>
  %y = mlora.rope %dq, %r heads 1 inverse : (tensor<?x256xbf16>, tensor<?x256xf32>) -> tensor<?x256xbf16>
  return %y : tensor<?x256xbf16>
}
// CHECK: mlora.kernel @both.0.attention.query_grad(
// CHECK: mlora.kernel @both.1.rope(
func.func @both(%do: tensor<?x64xbf16> {mlora.extent = "rows"}, %k: tensor<?x64xbf16> {mlora.extent = "rows"}, %lse: tensor<?x4xf32> {mlora.extent = "rows"},
                %r: tensor<?x16xf32> {mlora.extent = "rows"}) -> (tensor<?x64xbf16>, tensor<?x64xbf16>) {
  %dq = mlora.attention.query_grad %do, %do, %k, %k, %do, %lse heads 4 kv_heads 4
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x4xf32>) -> tensor<?x64xbf16>
  %y = mlora.rope %dq, %r heads 4 inverse : (tensor<?x64xbf16>, tensor<?x16xf32>) -> tensor<?x64xbf16>
  return %dq, %y : tensor<?x64xbf16>, tensor<?x64xbf16>
}

// Attention on tensor cores looks at columns of a tensor; elsewhere they are copied for it.
// CHECK:      mlora.kernel @windows.0.rope_place(
// CHECK-SAME:   %[[X:[a-z0-9]+]]: tensor<?x96xbf16>
// CHECK:        mlora.rope
// CHECK-NEXT:   %[[P:.*]] = mlora.place %{{.*}} in %[[X]] at [0, 0]
// CHECK-NEXT:   mlora.yield %[[P]]
// CHECK:      mlora.kernel @windows.1.attention(%[[X:[a-z0-9]+]]: tensor<?x96xbf16>
// CHECK-SAME:   grid ["2 by 1", "rows by 64"]
// CHECK-NEXT:   mlora.window %[[X]] at [0, 0]
// CHECK-NEXT:   mlora.window %[[X]] at [0, 32]
// CHECK-NEXT:   mlora.window %[[X]] at [0, 64]
// CHECK-NEXT:   mlora.attention
// PLAIN:      mlora.kernel @windows.1.attention(%{{[a-z0-9]+}}: tensor<?x32xbf16>
func.func @windows(%qkv: tensor<?x96xbf16> {mlora.extent = "rows"}, %r: tensor<?x16xf32> {mlora.extent = "rows"}) -> (tensor<?x32xbf16>, tensor<?x2xf32>) {
  %q0 = mlora.window %qkv at [0, 0] : (tensor<?x96xbf16>) -> tensor<?x32xbf16>
  %qr = mlora.rope %q0, %r heads 2 : (tensor<?x32xbf16>, tensor<?x16xf32>) -> tensor<?x32xbf16>
  %all = mlora.place %qr in %qkv at [0, 0] : (tensor<?x32xbf16>, tensor<?x96xbf16>) -> tensor<?x96xbf16>
  %q = mlora.window %all at [0, 0] : (tensor<?x96xbf16>) -> tensor<?x32xbf16>
  %k = mlora.window %all at [0, 32] : (tensor<?x96xbf16>) -> tensor<?x32xbf16>
  %v = mlora.window %all at [0, 64] : (tensor<?x96xbf16>) -> tensor<?x32xbf16>
  %o, %lse = mlora.attention %q, %k, %v heads 2 kv_heads 2
    : (tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>) -> (tensor<?x32xbf16>, tensor<?x2xf32>)
  return %o, %lse : tensor<?x32xbf16>, tensor<?x2xf32>
}
