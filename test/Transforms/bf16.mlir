// What each pass makes of a model in bf16: cotangents have the types of their primals, adapters, gradients of parameters and moments are f32.

// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json dtype=bf16" --mlora-attach-adapters="num-branches=2 rank=4" | FileCheck %s --check-prefix=ATTACHED
// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json dtype=bf16" --mlora-attach-adapters="num-branches=2 rank=4" --mlora-fuse-branches | FileCheck %s --check-prefix=FUSED
// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json dtype=bf16" --mlora-attach-adapters="num-branches=2 rank=4" --mlora-autodiff | FileCheck %s --check-prefix=UNFUSED
// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json dtype=bf16" --mlora-attach-adapters="num-branches=2 rank=4" --mlora-fuse-branches --mlora-autodiff | FileCheck %s --check-prefix=DIFFERENTIATED
// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json dtype=bf16" --mlora-attach-adapters="num-branches=2 rank=4" --mlora-fuse-branches --mlora-autodiff --mlora-rematerialize --mlora-add-optimizer | FileCheck %s --check-prefix=OPTIMIZED
// RUN: mlora-opt %s --mlora-train-pipeline="target=emulate dtype=bf16 config=%S/Inputs/tiny-config.json num-branches=2 rank=4" | FileCheck %s --check-prefix=PLANNED
// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json dtype=bf16" --mlora-attach-adapters=method=ft --mlora-autodiff | FileCheck %s --check-prefix=FULL

// ATTACHED: mlora.branch {{.*}} : (tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<4x8xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xbf16>

// m is an activation.
// FUSED:       mlora.adapted_linear
// FUSED-SAME:  : (tensor<?x8xbf16>, tensor<8x8xbf16>, tensor<4x8xbf16>, tensor<4x8xbf16>, tensor<8x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<24x8xf32>)
// FUSED-SAME:  -> (tensor<?x8xbf16>, tensor<?x4xbf16>, tensor<?x4xbf16>, tensor<?x24xbf16>)
// FUSED:       mlora.stack_up {{.*}} -> tensor<8x8xf32>

// UNFUSED-LABEL: func.func @decoder_layer.value_and_grad(
// UNFUSED:       mlora.linear.input_grad {{.*}} : (tensor<?x8xbf16>, tensor<8x4xf32>) -> tensor<?x4xbf16>
// UNFUSED:       mlora.stack_up.grad {{.*}} : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x1xf32>) -> (tensor<8x4xf32>, tensor<8x1xf32>)

// DIFFERENTIATED-LABEL: func.func @decoder_layer.value_and_grad(
// DIFFERENTIATED-SAME:  tensor<?x8xbf16> {mlora.cotangent = "h"
// DIFFERENTIATED-SAME:  tensor<24x8xf32> {mlora.gradient = "self_attn.q_proj+self_attn.k_proj+self_attn.v_proj.A"}
// DIFFERENTIATED:       mlora.swiglu.grad {{.*}} -> (tensor<?x24xbf16>, tensor<?x24xbf16>)
// DIFFERENTIATED:       mlora.attention.query_grad {{.*}} -> tensor<?x8xbf16>
// DIFFERENTIATED:       mlora.token_outer {{.*}} : (tensor<?x24xbf16>, tensor<?x8xbf16>) -> tensor<24x8xf32>
// DIFFERENTIATED-LABEL: func.func @head_loss.value_and_grad(
// DIFFERENTIATED-SAME:  tensor<f32> {mlora.cotangent = "loss"})
// DIFFERENTIATED:       mlora.cross_entropy.input_grad {{.*}} -> tensor<?x8xbf16>

// OPTIMIZED-LABEL: func.func @decoder_layer.forward(
// OPTIMIZED-SAME:  tensor<?x8xbf16> {mlora.extent = "rows", mlora.residual = "attention"}
// OPTIMIZED-SAME:  tensor<?x4xf32> {mlora.extent = "rows", mlora.residual = "lse"}
// OPTIMIZED-LABEL: func.func @decoder_layer.update(
// OPTIMIZED:       mlora.adamw {{.*}} : tensor<24x8xf32>, tensor<8xf32>

// Two bytes an element.
// PLANNED: mlora.kernel @decoder_layer.0.{{[a-z_]*}}(%h: tensor<?x8xbf16>
// PLANNED-DAG: mlora.buffer "h" residual slots 4 {{.*}} {slot_bytes = 16 : i64} : memref<?x8xbf16>
// PLANNED-DAG: mlora.buffer "rotary" {{.*}} {slot_bytes = 8 : i64} : memref<?x2xf32>
// PLANNED-DAG: mlora.buffer "self_attn.q_proj+self_attn.k_proj+self_attn.v_proj.augmented" weight slots 3 {{.*}} : memref<{{[0-9x]*}}xbf16>
// PLANNED-DAG: mlora.buffer "h.cotangent" residual slots 2 {{.*}} : memref<?x8xbf16>

// All weights trained: they are f32, what they are multiplied with is not.
// FULL-LABEL: func.func @decoder_layer.value_and_grad(
// FULL-SAME:  %{{[^:]*}}: tensor<8xf32> {mlora.trainable = "input_layernorm"}
// FULL:       mlora.linear {{.*}} : (tensor<?x8xbf16>, tensor<8x8xf32>) -> tensor<?x8xbf16>
// FULL:       mlora.rms_norm.weight_grad {{.*}} -> tensor<8xf32>
module {}
