// RUN: mlora-opt %s --mlora-augment-products --split-input-file | FileCheck %s

// Cotangents that attention on tensor cores gives are placed where the product of their layer reads them, in the order of the kernels that give them;
// u is made of what is there and placed beside. What comes later looks at the whole.

// CHECK-LABEL: func.func @layer.backward(
// CHECK:         %[[DQ:.*]] = mlora.attention.query_grad
// CHECK:         %[[DK:.*]], %[[DV:.*]] = mlora.attention.key_value_grad
// CHECK:         %[[TK:.*]] = mlora.rope %[[DK]], %{{.*}} heads 1 inverse
// CHECK:         %[[TQ:.*]] = mlora.rope %[[DQ]], %{{.*}} heads 2 inverse
// CHECK:         %[[P0:.*]] = mlora.place %[[TQ]] at [0, 0] : (tensor<?x32xbf16>) -> tensor<?x80xbf16>
// CHECK:         %[[P1:.*]] = mlora.place %[[TK]] in %[[P0]] at [0, 32]
// CHECK:         %[[P2:.*]] = mlora.place %[[DV]] in %[[P1]] at [0, 48]
// CHECK:         %[[Y:.*]] = mlora.window %[[P2]] at [0, 0]
// CHECK:         mlora.linear.input_grad %[[Y]], %
// CHECK:         %[[P3:.*]] = mlora.place %{{.*}} in %[[P2]] at [0, 64]
// CHECK:         %[[U:.*]] = mlora.window %[[P3]] at [0, 64]
// CHECK:         %[[G:.*]] = mlora.window %[[P3]] at [0, 0]
// CHECK:         mlora.product %[[P3]], %{{.*}} transposed
// CHECK:         mlora.token_outer %[[U]], %
// CHECK:         mlora.token_outer %[[G]], %
// CHECK-NOT:     mlora.join %{{.*}} -> tensor<?x80xbf16>
func.func @layer.backward(%do: tensor<?x32xbf16> {mlora.extent = "rows"}, %q: tensor<?x32xbf16> {mlora.extent = "rows"},
    %k: tensor<?x16xbf16> {mlora.extent = "rows"}, %v: tensor<?x16xbf16> {mlora.extent = "rows"}, %o: tensor<?x32xbf16> {mlora.extent = "rows"},
    %lse: tensor<?x2xf32> {mlora.extent = "rows"}, %r: tensor<?x16xf32> {mlora.extent = "rows"}, %x: tensor<?x8xbf16> {mlora.extent = "rows"},
    %m: tensor<?x16xbf16> {mlora.extent = "rows"},
    %wq: tensor<32x8xbf16> {mlora.weight = "q"}, %wk: tensor<16x8xbf16> {mlora.weight = "k"}, %wv: tensor<16x8xbf16> {mlora.weight = "v"},
    %bq: tensor<32x8xbf16> {mlora.trainable = "q.up", mlora.factor = "q.up"}, %bk: tensor<16x4xbf16> {mlora.trainable = "k.up", mlora.factor = "k.up"},
    %bv: tensor<16x4xbf16> {mlora.trainable = "v.up", mlora.factor = "v.up"}, %a: tensor<16x8xbf16> {mlora.trainable = "qkv.A"})
    -> (tensor<?x8xbf16> {mlora.cotangent = "h"}, tensor<16x8xf32> {mlora.gradient = "qkv.A"}, tensor<32x8xf32> {mlora.gradient = "q.up"}) {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>, tensor<?x32xbf16>, tensor<?x2xf32>) -> tensor<?x32xbf16>
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 2 kv_heads 1
    : (tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>, tensor<?x32xbf16>, tensor<?x2xf32>) -> (tensor<?x16xbf16>, tensor<?x16xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<?x16xbf16>, tensor<?x16xf32>) -> tensor<?x16xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<?x32xbf16>, tensor<?x16xf32>) -> tensor<?x32xbf16>
  %dx, %u = mlora.adapted_linear.input_grad (%dq, %dk, %dv) weights(%wq, %wk, %wv) ups(%bq, %bk, %bv) down %a
    : (tensor<?x32xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>, tensor<32x8xbf16>, tensor<16x8xbf16>, tensor<16x8xbf16>,
       tensor<32x8xbf16>, tensor<16x4xbf16>, tensor<16x4xbf16>, tensor<16x8xbf16>) -> (tensor<?x8xbf16>, tensor<?x16xbf16>)
  %da = mlora.token_outer %u, %x : (tensor<?x16xbf16>, tensor<?x8xbf16>) -> tensor<16x8xf32>
  %g = mlora.token_outer %dq, %m : (tensor<?x32xbf16>, tensor<?x16xbf16>) -> tensor<32x8xf32>
  return %dx, %da, %g : tensor<?x8xbf16>, tensor<16x8xf32>, tensor<32x8xf32>
}

// -----

// Attention reads q, k and v where their product wrote them; q and k are turned there, and all of it is kept for backward.

// CHECK-LABEL: func.func @layer.forward(
// CHECK:         %[[QKV:.*]] = mlora.product
// CHECK:         %[[Q:.*]] = mlora.window %[[QKV]] at [0, 0]
// CHECK:         %[[K:.*]] = mlora.window %[[QKV]] at [0, 32]
// CHECK:         %[[TQ:.*]] = mlora.rope %[[Q]]
// CHECK:         %[[TK:.*]] = mlora.rope %[[K]]
// CHECK:         %[[P0:.*]] = mlora.place %[[TQ]] in %[[QKV]] at [0, 0]
// CHECK:         %[[P1:.*]] = mlora.place %[[TK]] in %[[P0]] at [0, 32]
// CHECK-DAG:     %[[WQ:.*]] = mlora.window %[[P1]] at [0, 0]
// CHECK-DAG:     %[[WK:.*]] = mlora.window %[[P1]] at [0, 32]
// CHECK-DAG:     %[[WV:.*]] = mlora.window %[[P1]] at [0, 48]
// CHECK:         %[[O:.*]], %[[LSE:.*]] = mlora.attention %[[WQ]], %[[WK]], %[[WV]]
// CHECK:         return %[[O]], %[[LSE]], %[[P1]] :
func.func @layer.forward(%x: tensor<?x8xbf16> {mlora.extent = "rows"}, %r: tensor<?x16xf32> {mlora.extent = "rows"},
    %wq: tensor<32x8xbf16> {mlora.weight = "q"}, %wk: tensor<16x8xbf16> {mlora.weight = "k"}, %wv: tensor<16x8xbf16> {mlora.weight = "v"},
    %bq: tensor<32x8xbf16> {mlora.trainable = "q.up", mlora.factor = "q.up"}, %bk: tensor<16x4xbf16> {mlora.trainable = "k.up", mlora.factor = "k.up"},
    %bv: tensor<16x4xbf16> {mlora.trainable = "v.up", mlora.factor = "v.up"}, %a: tensor<16x8xbf16> {mlora.trainable = "qkv.A"})
    -> (tensor<?x32xbf16>, tensor<?x2xf32>, tensor<?x32xbf16> {mlora.residual = "q", mlora.extent = "rows"},
        tensor<?x16xbf16> {mlora.residual = "k", mlora.extent = "rows"}, tensor<?x16xbf16> {mlora.residual = "v", mlora.extent = "rows"}) {
  %q, %k, %v, %m = mlora.adapted_linear %x weights(%wq, %wk, %wv) ups(%bq, %bk, %bv) down %a
    : (tensor<?x8xbf16>, tensor<32x8xbf16>, tensor<16x8xbf16>, tensor<16x8xbf16>, tensor<32x8xbf16>, tensor<16x4xbf16>, tensor<16x4xbf16>,
       tensor<16x8xbf16>) -> (tensor<?x32xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>)
  %qr = mlora.rope %q, %r heads 2 : (tensor<?x32xbf16>, tensor<?x16xf32>) -> tensor<?x32xbf16>
  %kr = mlora.rope %k, %r heads 1 : (tensor<?x16xbf16>, tensor<?x16xf32>) -> tensor<?x16xbf16>
  %o, %lse = mlora.attention %qr, %kr, %v heads 2 kv_heads 1
    : (tensor<?x32xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>) -> (tensor<?x32xbf16>, tensor<?x2xf32>)
  return %o, %lse, %qr, %kr, %v : tensor<?x32xbf16>, tensor<?x2xf32>, tensor<?x32xbf16>, tensor<?x16xbf16>, tensor<?x16xbf16>
}
