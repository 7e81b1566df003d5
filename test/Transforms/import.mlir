// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json" --mlir-use-nameloc-as-prefix | FileCheck %s
// RUN: not mlora-opt %s --mlora-import="config=%S/nowhere.json" 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json kind=eval" 2>&1 | FileCheck %s --check-prefix=KIND

// One function per kind of layer, whatever the number of layers; sizes and names are the configuration's.

// CHECK: module attributes {mlora.kind = "train", mlora.layers = 3 : i64
// CHECK-SAME: hidden_size = 8 : i64

// CHECK-LABEL: func.func @embed(
// CHECK-SAME: %ids: tensor<?xi32> {mlora.extent = "rows"
// CHECK-SAME: %embed_tokens: tensor<16x8xf32> {mlora.weight = "model.embed_tokens"}
// CHECK: mlora.embedding %ids, %embed_tokens
// CHECK: mlora.rope_table %position theta 1.000000e+04 : (tensor<?xi32>) -> tensor<?x2xf32>

// CHECK-LABEL: func.func @decoder_layer(
// CHECK-SAME: %h: tensor<?x8xf32> {mlora.extent = "rows"
// CHECK-SAME: %start: tensor<?xi32> {mlora.extent = "rows"
// CHECK-SAME: %k_proj: tensor<4x8xf32> {mlora.weight = "self_attn.k_proj"}
// CHECK-SAME: %down_proj: tensor<8x24xf32> {mlora.weight = "mlp.down_proj"}
// CHECK: %[[X:.*]] = mlora.rms_norm %h, %input_layernorm
// CHECK: %[[Q:.*]] = mlora.linear %[[X]], %q_proj
// CHECK: %[[K:.*]] = mlora.linear %[[X]], %k_proj
// CHECK: %[[V:.*]] = mlora.linear %[[X]], %v_proj
// CHECK: %[[QR:.*]] = mlora.rope %[[Q]], %rotary heads 4
// CHECK: %[[KR:.*]] = mlora.rope %[[K]], %rotary heads 2
// CHECK: %[[O:.*]], %{{.*}} = mlora.attention %[[QR]], %[[KR]], %[[V]] document %start heads 4 kv_heads 2
// CHECK: %[[P:.*]] = mlora.linear %[[O]], %o_proj
// CHECK: %[[H1:.*]] = mlora.add %h, %[[P]]
// CHECK: %[[X1:.*]] = mlora.rms_norm %[[H1]], %post_attention_layernorm
// CHECK: %[[G:.*]] = mlora.linear %[[X1]], %gate_proj
// CHECK: %[[U:.*]] = mlora.linear %[[X1]], %up_proj
// CHECK: %[[S:.*]] = mlora.swiglu %[[G]], %[[U]]
// CHECK: %[[D:.*]] = mlora.linear %[[S]], %down_proj
// CHECK: mlora.add %[[H1]], %[[D]]

// The head is tied: its weight is the embedding's. Only counted rows reach it.
// CHECK-LABEL: func.func @head_loss(
// CHECK-SAME: %counted: tensor<?xi32> {mlora.extent = "counted_rows"
// CHECK-SAME: %embed_tokens: tensor<16x8xf32> {mlora.weight = "model.embed_tokens"}) -> tensor<f32>
// CHECK: mlora.gather_rows
// CHECK: mlora.cross_entropy
// CHECK: mlora.sum

// MISSING: error: mlora-import: {{.*}}nowhere.json: cannot be opened
// KIND: error: mlora-import: kind is 'eval', not train or generate
module {}
