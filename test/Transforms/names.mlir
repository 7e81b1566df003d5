// Values are called what they are, at every level: names begin in the importer and are handed on. The gradient of x is dx.

// DEFINE: %{fused} = mlora-opt %s --mlora-import=config=%S/Inputs/tiny-config.json --mlora-attach-adapters="num-branches=2 rank=2" --mlora-fuse-branches
// RUN: %{fused} | FileCheck %s --check-prefix=FUSED
// RUN: %{fused} --mlora-autodiff --mlora-rematerialize | FileCheck %s --check-prefix=BACKWARD
// RUN: %{fused} --mlora-autodiff --mlora-rematerialize --mlora-add-optimizer | FileCheck %s --check-prefix=UPDATE
// RUN: %{fused} --mlora-autodiff --mlora-rematerialize --mlora-add-optimizer --mlora-form-kernels | FileCheck %s --check-prefix=KERNEL
// RUN: mlora-opt %s --mlora-train-pipeline="config=%S/Inputs/tiny-config.json num-branches=2 rank=2" | FileCheck %s --check-prefix=PROGRAM

// FUSED-LABEL: func.func @decoder_layer(
// FUSED:       %x = mlora.rms_norm %h, %input_layernorm
// FUSED-NEXT:  %q, %k, %v, %q_k_v.m = mlora.adapted_linear %x weights(%q_proj, %k_proj, %v_proj) ups(%q.up, %k.up, %v.up) down %q_k_v.A :
// FUSED-NEXT:  %qr = mlora.rope %q, %rotary
// FUSED-NEXT:  %kr = mlora.rope %k, %rotary
// FUSED-NEXT:  %o, %lse = mlora.attention %qr, %kr, %v document %start
// FUSED-NEXT:  %attended, %attended.m = mlora.adapted_linear %o
// FUSED-LABEL: func.func @decoder_layer.prepare(
// FUSED:       %q.up = mlora.stack_up %q.B, %q.s

// BACKWARD-LABEL: func.func @decoder_layer.backward(%dh2:
// BACKWARD-NEXT:  %dactive, %u = mlora.adapted_linear.input_grad(%dh2) weights(%down_proj) ups(%down.up) down %down.A
// BACKWARD-NEXT:  %active = mlora.swiglu %gate, %up :
// BACKWARD-NEXT:  %ddown.A = mlora.token_outer %u, %active
// BACKWARD-NEXT:  %ddown.up = mlora.token_outer %dh2, %down.m
// BACKWARD-NEXT:  %dgate, %dup = mlora.swiglu.grad %dactive, %gate, %up
// BACKWARD:       %dkr, %dv = mlora.attention.key_value_grad %do, %qr, %kr, %v, %o, %lse
// BACKWARD-LABEL: func.func @head_loss.value_and_grad(
// BACKWARD:       %dnll = mlora.spread %dloss like %targets

// UPDATE-LABEL: func.func @decoder_layer.update(
// UPDATE:       %dq.B, %dq.s = mlora.stack_up.grad %dq.up, %q.B, %q.s
// UPDATE-NEXT:  mlora.adamw %q.B, %dq.B, %q.B.moment1, %q.B.moment2, %hyper

// A kernel's many arguments stand one below another.
// KERNEL-LABEL: mlora.kernel @decoder_layer.forward.0.rms_norm_adapted_linear_rope(
// KERNEL-NEXT:      %h: tensor<?x8xf32> {mlora.extent = "rows"},
// KERNEL-NEXT:      %input_layernorm: tensor<8xf32>,
// KERNEL-NEXT:      %q_proj: tensor<8x8xf32>,
// KERNEL:           %rotary: tensor<?x2xf32> {mlora.extent = "rows"})
// KERNEL-NEXT:      -> (
// KERNEL-LABEL: func.func @decoder_layer.forward(
// KERNEL-NEXT:  %v, %q_k_v.m, %qr, %kr = mlora.launch @decoder_layer.forward.0.rms_norm_adapted_linear_rope(%h, %input_layernorm,

// PROGRAM-LABEL: mlora.program @train
// PROGRAM:       %q.B = mlora.buffer "self_attn.q_proj.B" parameter
// PROGRAM:       %h = mlora.buffer "h" residual slots 4
// PROGRAM:       %q_k_v.A = mlora.buffer "self_attn.q_proj+self_attn.k_proj+self_attn.v_proj.A" parameter
// PROGRAM:       %attention = mlora.buffer "decoder_layer.attention" residual slots 3
// PROGRAM:       %dh = mlora.buffer "h.cotangent" residual slots 2
// PROGRAM:       %dnll = mlora.buffer "t{{[0-9]+}}" temporary
// PROGRAM:       %dq.up = mlora.buffer "self_attn.q_proj.up.gradient" gradient
// PROGRAM:       mlora.launch @decoder_layer.1.attention(%q[layer], %k[layer], %v[layer], %document_start[0], %attention[layer], %lse[layer]) :
module {}
