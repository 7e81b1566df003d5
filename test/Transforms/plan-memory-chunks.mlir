// A call for chunks of rows becomes a loop; what lives inside it lies in a region of its own, with the capacity of a chunk.

// RUN: mlora-opt %s --mlora-train-pipeline="target=emulate dtype=bf16 config=%S/Inputs/tiny-config.json num-branches=1 rank=2" | FileCheck %s
// RUN: mlora-opt %s --mlora-train-pipeline="target=emulate dtype=bf16 config=%S/Inputs/tiny-config.json method=ft chunk-rows=48" | FileCheck %s --check-prefix=FULL
// RUN: not mlora-opt %s --mlora-train-pipeline="target=emulate config=%S/Inputs/tiny-config.json method=ft chunk-rows=40" 2>&1 | FileCheck %s --check-prefix=ODD
// RUN: mlora-opt %s --mlora-train-pipeline="config=%S/Inputs/tiny-config.json method=ft" | FileCheck %s --check-prefix=CPU

// Logits in f32 and their cotangent in bf16 are alive together; that of score lies in their place.
// CHECK-LABEL: mlora.program @train chunk_rows 512 arena {{[0-9]+}} + {{[0-9]+}} * rows + [[#WORDS:]] * chunk_rows {
// CHECK-DAG: %logits = mlora.buffer "t{{[0-9]+}}" temporary offset 0 in "chunk_rows" extent "counted_rows" {{.*}} : memref<?x[[V:[0-9]+]]xf32>
// CHECK-DAG: %dlogits = mlora.buffer "t{{[0-9]+}}" temporary offset {{[1-9][0-9]*}} in "chunk_rows" extent "counted_rows" {{.*}} : memref<?x{{[0-9]+}}xbf16>
// CHECK:      mlora.section "micro_step" {
// CHECK:      mlora.chunks {
// CHECK-NEXT:   mlora.launch @head_loss.chunk.0.product(%[[X:.*]][0], %{{.*}}[0], %logits[0])
// CHECK-NEXT:   mlora.launch @head_loss.value_and_grad.chunk.1.nll_nll.input_grad(
// CHECK-NEXT:   mlora.launch @head_loss.value_and_grad.chunk.2.product(%dlogits[0],
// CHECK-NEXT: }
// CHECK:      mlora.section "score" {
// CHECK:      mlora.chunks {
// CHECK-NEXT:   mlora.launch @head_loss.chunk.0.product(
// CHECK-NEXT:   mlora.launch @head_loss.chunk.1.nll(
// CHECK-NEXT: }

// A trained head's gradient is a sum over chunks; the products read it rounded.
// FULL-LABEL: mlora.program @train chunk_rows 48 arena
// FULL:      mlora.launch @head_loss.{{[0-9]+}}.round(
// FULL:      mlora.chunks {
// FULL:        mlora.launch @head_loss.value_and_grad.chunk.{{[0-9]+}}.token_outer(%dlogits{{[_0-9]*}}[0], %{{.*}}[0], %dmodel.embed_tokens[0])
// FULL-NEXT: }

// ODD: takes chunks of 40 rows; in a program a chunk has a multiple of 16

// The CPU's head is one kernel.
// CPU-NOT: chunk
module {}
