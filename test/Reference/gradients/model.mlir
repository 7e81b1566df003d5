// A small model as it is trained, every gradient of every layer kind: as imported, fused and cut in two, with all methods.

// RUN: mlora-opt %s --mlora-import=config=%S/../../Transforms/Inputs/tiny-config.json --mlora-attach-adapters="num-branches=2 rank=2" --mlora-fuse-branches --mlora-autodiff --mlora-rematerialize --mlora-check-gradients -o /dev/null | FileCheck %s --check-prefixes=CHECK,FUSED
// RUN: mlora-opt %s --mlora-import=config=%S/../../Transforms/Inputs/tiny-config.json --mlora-attach-adapters="num-branches=2 rank=2" --mlora-autodiff --mlora-rematerialize --mlora-check-gradients -o /dev/null | FileCheck %s --check-prefixes=CHECK,BRANCHES
// RUN: mlora-opt %s --mlora-import=config=%S/../../Transforms/Inputs/tiny-config.json --mlora-attach-adapters="method=lora rank=4 targets=q_proj,v_proj" --mlora-fuse-branches --mlora-autodiff --mlora-rematerialize --mlora-check-gradients -o /dev/null | FileCheck %s --check-prefixes=CHECK,LORA
// RUN: mlora-opt %s --mlora-import=config=%S/../../Transforms/Inputs/tiny-config.json --mlora-attach-adapters=method=ft --mlora-autodiff --mlora-rematerialize --mlora-check-gradients -o /dev/null | FileCheck %s --check-prefix=FULL

// CHECK:         @decoder_layer.backward: gradient of h
// FUSED:         @decoder_layer.backward: gradient of self_attn.q_proj+self_attn.k_proj+self_attn.v_proj.A
// FUSED:         @decoder_layer.backward.lowest: gradient of mlp.down_proj.up
// BRANCHES:      @decoder_layer.backward.lowest: gradient of mlp.down_proj.branch.1.s
// LORA:          @decoder_layer.backward: gradient of self_attn.q_proj+self_attn.v_proj.A
// LORA:          @decoder_layer.backward.lowest: gradient of self_attn.v_proj.up
// CHECK:         @head_loss.value_and_grad: gradient of h

// FULL:          @embed.backward: gradient of model.embed_tokens
// FULL:          @decoder_layer.backward: gradient of h
// FULL:          @decoder_layer.backward: gradient of input_layernorm
// FULL:          @decoder_layer.backward: gradient of mlp.down_proj
// FULL:          @head_loss.value_and_grad: gradient of h
// FULL:          @head_loss.value_and_grad: gradient of model.norm
// FULL:          @head_loss.value_and_grad: gradient of model.embed_tokens
module {}
