// Layer functions become sections of launches over one arena, for any number of rows.

// RUN: mlora-opt %s --mlora-train-pipeline="config=%S/Inputs/tiny-config.json num-branches=1 rank=2" | FileCheck %s
// RUN: mlora-opt %s --mlora-generate-pipeline="config=%S/Inputs/tiny-config.json method=none" | FileCheck %s --check-prefix=GENERATE
// RUN: not mlora-opt %s --mlora-import=config=%S/Inputs/tiny-config.json --mlora-autodiff --mlora-form-kernels --mlora-plan-memory 2>&1 | FileCheck %s --check-prefix=FROZEN

// No function is left, and no kernel that nothing launches.
// CHECK-NOT:   func.func
// The peak: what has no rows is a multiple of 64 bytes, the rest bytes a row of the one capacity of training.
// CHECK-LABEL: mlora.program @train arena {{[0-9]+}} + {{[0-9]+}} * rows {

// A slot a layer; h is the input of three layers and the output of the last. Places count bytes a row of the region.
// CHECK: %h = mlora.buffer "h" residual slots 4 offset [[#H:]] in "rows" extent "rows" {slot_bytes = 32 : i64} : memref<?x8xf32>
// CHECK: %rotary = mlora.buffer "rotary" residual offset [[#H + 128]] in "rows"
// CHECK: %q_proj = mlora.buffer "self_attn.q_proj" weight slots 3 offset {{[0-9]+}} {{.*}}tensor = "model.layers.{layer}.self_attn.q_proj.weight"
// CHECK: mlora.buffer "targets" input offset {{[0-9]+}} in "rows" extent "counted_rows" {slot_bytes = 4 : i64} : memref<?xi32>

// Temporaries whose lives do not overlap share memory, also across extents.
// CHECK: mlora.buffer "t{{[0-9]+}}" temporary offset [[#T:]] in "rows" extent "counted_rows"
// CHECK: mlora.buffer "t{{[0-9]+}}" temporary offset [[#T]] in "rows" extent "rows"

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
// CHECK-NEXT:   mlora.launch @decoder_layer.backward.0.
// CHECK:        mlora.launch @decoder_layer.backward.lowest.3.
// CHECK: mlora.section "score" {
// CHECK: mlora.section "norm" {
// CHECK: mlora.section "update" {

// In generation rows, keys and rows of logits have capacities of their own.
// GENERATE:      mlora.program @generate arena {{[0-9]+}} + {{[0-9]+}} * rows + {{[0-9]+}} * counted_rows + {{[0-9]+}} * kv_rows {
// GENERATE:      mlora.buffer "cache.key" cache slots 3 offset 0 in "kv_rows" extent "kv_rows"
// GENERATE:      mlora.buffer "logits" output offset 0 in "counted_rows" extent "counted_rows"

// FROZEN: plan-memory needs a function @head_loss.value_and_grad
module {}
