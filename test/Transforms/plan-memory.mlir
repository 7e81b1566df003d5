// Layer functions become sections of launches over one arena.

// RUN: mlora-opt %s --mlora-train-pipeline="config=%S/Inputs/tiny-config.json num-branches=1 rank=2 rows=64" | FileCheck %s
// RUN: not mlora-opt %s --mlora-import=config=%S/Inputs/tiny-config.json --mlora-autodiff --mlora-form-kernels --mlora-plan-memory 2>&1 | FileCheck %s --check-prefix=FROZEN

// No function is left, and no kernel that nothing launches.
// CHECK-NOT:   func.func
// CHECK-LABEL: mlora.program @train capacity {counted_rows = 64 : i64, kv_rows = 64 : i64, rows = 64 : i64} arena

// A slot a layer; h is the input of three layers and the output of the last. Slots are 64-byte aligned.
// CHECK: %h = mlora.buffer "h" residual slots 4 offset [[#H:]] extent "rows" {slot_bytes = 2048 : i64} : memref<?x8xf32>
// CHECK: %rotary = mlora.buffer "rotary" residual offset [[#H + 8192]]
// CHECK: %q_proj = mlora.buffer "self_attn.q_proj" weight slots 3 {{.*}}tensor = "model.layers.{layer}.self_attn.q_proj.weight"

// Temporaries whose lives do not overlap share memory.
// CHECK: mlora.buffer "t{{[0-9]+}}" temporary offset [[#T:]]
// CHECK: mlora.buffer "t{{[0-9]+}}" temporary offset [[#T]]

// CHECK: mlora.section "prepare" {
// CHECK: mlora.section "micro_step" {
// CHECK-NEXT: mlora.launch @embed.0.embedding_rope_table(
// CHECK-NEXT: mlora.layers 0 to 2 step 1 {
// CHECK:      mlora.launch @decoder_layer.forward.{{.*}}, %h[layer+1]) :
// CHECK-NEXT: }
// CHECK-NEXT: mlora.launch @head_loss.value_and_grad.{{[^(]*}}(%loss_cotangent[0], %targets[0], %h[3],
// CHECK:      mlora.layers 2 to 1 step -1 {
// CHECK-NEXT:   mlora.launch @decoder_layer.backward.0.{{[^(]*}}(%dh[layer+1],
// CHECK:      mlora.layers 0 to 0 step 1 {
// CHECK-NEXT:   mlora.launch @decoder_layer.backward.lowest.0.
// CHECK: mlora.section "score" {
// CHECK: mlora.section "norm" {
// CHECK: mlora.section "update" {

// FROZEN: plan-memory needs a function @head_loss.value_and_grad
module {}
