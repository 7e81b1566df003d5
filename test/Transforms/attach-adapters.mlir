// RUN: mlora-opt %s --mlora-attach-adapters="num-branches=2 rank=4 targets=q_proj" | FileCheck %s --check-prefix=MULTI
// RUN: mlora-opt %s --mlora-attach-adapters="method=lora rank=4 alpha=8" | FileCheck %s --check-prefix=LORA
// RUN: mlora-opt %s --mlora-attach-adapters="method=ft" | FileCheck %s --check-prefix=FT
// RUN: mlora-opt %s --mlora-attach-adapters="method=none" | FileCheck %s --check-prefix=NONE

// Two branches behind q_proj and none behind the norm or v_proj: the result of the last branch replaces the layer's.
// MULTI: mlora.adapter = {alpha = 4.000000e+00 : f64, method = "multilora", num_branches = 2 : i64, rank = 4 : i64, targets = ["q_proj"]}
// MULTI-LABEL: @decoder_layer(
// MULTI-SAME: %[[A0:[^:]+]]: tensor<4x16xf32> {mlora.trainable = "self_attn.q_proj.branch.0.A"}
// MULTI-SAME: %[[B0:[^:]+]]: tensor<8x4xf32> {mlora.trainable = "self_attn.q_proj.branch.0.B"}
// MULTI-SAME: %[[S0:[^:]+]]: tensor<8xf32> {mlora.trainable = "self_attn.q_proj.branch.0.s"}
// MULTI-SAME: %[[A1:[^:]+]]: tensor<4x16xf32> {mlora.trainable = "self_attn.q_proj.branch.1.A"}
// MULTI: %[[X:.*]] = mlora.rms_norm
// MULTI: %[[Y:.*]] = mlora.linear %[[X]]
// MULTI: %[[Y0:.*]] = mlora.branch %[[Y]], %[[X]], %[[A0]], %[[B0]], %[[S0]] alpha 4.000000e+00
// MULTI: %[[Y1:.*]] = mlora.branch %[[Y0]], %[[X]], %[[A1]]
// MULTI: %[[V:.*]] = mlora.linear %[[X]]
// MULTI: return %[[Y1]], %[[V]]

// LoRA is one branch without s; without targets every linear layer is adapted.
// LORA: targets = ["q_proj", "v_proj"]
// LORA-LABEL: @decoder_layer(
// LORA-NOT: .s"
// LORA-COUNT-2: mlora.branch {{.*}} alpha 8.000000e+00

// Full fine-tuning trains every weight, under the checkpoint's names.
// FT-LABEL: @embed(
// FT-SAME: {mlora.trainable = "model.embed_tokens"}
// FT-LABEL: @decoder_layer(
// FT-SAME: {mlora.trainable = "input_layernorm"}
// FT-NOT: mlora.weight
// FT-NOT: mlora.branch

// NONE-NOT: mlora.trainable

func.func @embed(%ids: tensor<?xi32>, %table: tensor<32x16xf32> {mlora.weight = "model.embed_tokens"}) -> tensor<?x16xf32> {
  %h = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<32x16xf32>) -> tensor<?x16xf32>
  return %h : tensor<?x16xf32>
}
func.func @decoder_layer(%h: tensor<?x16xf32>, %norm: tensor<16xf32> {mlora.weight = "input_layernorm"},
                         %wq: tensor<8x16xf32> {mlora.weight = "self_attn.q_proj"},
                         %wv: tensor<8x16xf32> {mlora.weight = "self_attn.v_proj"}) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %x = mlora.rms_norm %h, %norm eps 1.0e-5 : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %q = mlora.linear %x, %wq : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %v = mlora.linear %x, %wv : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  return %q, %v : tensor<?x8xf32>, tensor<?x8xf32>
}
