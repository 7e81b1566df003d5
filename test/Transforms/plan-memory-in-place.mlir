// RUN: mlora-opt %s --mlora-train-pipeline="config=%S/../../unit/goldens/wgmma/heads-64/config.json dtype=bf16 target=emulate num-branches=1 rank=2" | FileCheck %s

// The product of q, k and v writes where backward will look: q and k are turned there, and attention reads it. Without backward (score) it is a temporary,
// in place all the same. Cotangents of q, k and v are one buffer, which query_grad begins, key_value_grad continues and u completes.

// CHECK: %q_k_v = mlora.buffer "decoder_layer.{{.*}}" residual slots 2 {{.*}} : memref<?x256xbf16>
// CHECK: mlora.section "micro_step" {
// CHECK:      mlora.launch @decoder_layer.1.product({{.*}}, %q_k_v[layer]) :
// CHECK-NEXT: mlora.launch @decoder_layer.2.rope_place(%q_k_v[layer], %rotary[0], %q_k_v[layer]) :
// CHECK-NEXT: mlora.launch @decoder_layer.3.attention(%q_k_v[layer], %document_start[0],
// CHECK:      mlora.launch @decoder_layer.backward.6.attention.query_grad_rope_place(%q_k_v[layer], {{.*}}, %rotary[0], %[[DY:[a-z0-9]+]][0]) :
// CHECK-NEXT: mlora.launch @decoder_layer.backward.7.attention.key_value_grad_rope_place(%q_k_v[layer], {{.*}}, %[[DY]][0], %[[DY]][0]) :
// CHECK-NEXT: mlora.launch @decoder_layer.backward.8.linear.input_grad_join_place({{.*}}%[[DY]][0]) :
// CHECK-NEXT: mlora.launch @decoder_layer.backward.9.product(%[[DY]][0],
// CHECK: mlora.section "score" {
// CHECK:      mlora.launch @decoder_layer.2.rope_place(%[[T:[a-z0-9_]+]][0], %rotary[0], %[[T]][0]) :
// CHECK-NEXT: mlora.launch @decoder_layer.3.attention(%[[T]][0],
