// A model stored as bf16: weights, activations, what layers hand on and the cache. Angles, row statistics, losses and logits are f32.

// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json dtype=bf16" --mlir-use-nameloc-as-prefix | FileCheck %s
// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json dtype=bf16 kind=generate" --mlir-use-nameloc-as-prefix | FileCheck %s --check-prefix=GENERATE
// RUN: not mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json dtype=f16" 2>&1 | FileCheck %s --check-prefix=TYPE

// CHECK-LABEL: func.func @embed(
// CHECK-SAME:  %embed_tokens: tensor<16x8xbf16> {mlora.weight = "model.embed_tokens"}) -> (tensor<?x8xbf16>, tensor<?x2xf32>)

// CHECK-LABEL: func.func @decoder_layer(
// CHECK-SAME:  %h: tensor<?x8xbf16> {{.*}}, %rotary: tensor<?x2xf32>
// CHECK-SAME:  %input_layernorm: tensor<8xbf16>
// CHECK-SAME:  %k_proj: tensor<4x8xbf16>
// CHECK-SAME:  -> tensor<?x8xbf16>
// CHECK:       mlora.rms_norm {{.*}} : (tensor<?x8xbf16>, tensor<8xbf16>) -> tensor<?x8xbf16>
// CHECK:       mlora.rope {{.*}} : (tensor<?x8xbf16>, tensor<?x2xf32>) -> tensor<?x8xbf16>
// CHECK:       mlora.attention {{.*}} -> (tensor<?x8xbf16>, tensor<?x4xf32>)
// CHECK:       mlora.swiglu {{.*}} -> tensor<?x24xbf16>

// CHECK-LABEL: func.func @head_loss(
// CHECK-SAME:  -> tensor<f32>
// CHECK:       mlora.cross_entropy {{.*}} : (tensor<?x8xbf16>, tensor<16x8xbf16>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)

// GENERATE-LABEL: func.func @decoder_layer(
// GENERATE-SAME:  %key_cache: tensor<?x4xbf16>
// GENERATE-LABEL: func.func @head_logits(
// GENERATE:       mlora.linear {{.*}} : (tensor<?x8xbf16>, tensor<16x8xbf16>) -> tensor<?x16xf32>

// TYPE: error: mlora-import: dtype is 'f16', not f32 or bf16
module {}
