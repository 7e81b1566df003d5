// The optimizer of a GPU's program: three launches, whatever the layers, the tensors and the method. Gradients of branches and scalings with their
// sums of squares; the norm; clipping, AdamW and the new factors in their places. What makes the factors before the first step is one.

// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate config=%S/Inputs/tiny-config.json num-branches=3 rank=2' | FileCheck %s --check-prefixes=ALL,FACTORS
// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate config=%S/Inputs/tiny-config.json method=lora rank=2' | FileCheck %s --check-prefixes=ALL,FACTORS
// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate dtype=bf16 config=%S/Inputs/tiny-config.json num-branches=3 rank=2' | FileCheck %s --check-prefixes=ALL,FACTORS
// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate config=%S/Inputs/llama-3.1-8b.json num-branches=3 rank=32' | FileCheck %s --check-prefixes=ALL,FACTORS
// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate config=%S/Inputs/tiny-config.json method=ft' | FileCheck %s --check-prefixes=ALL,FT
// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate dtype=bf16 config=%S/Inputs/tiny-config.json method=ft' | FileCheck %s --check-prefixes=ALL,FT
// RUN: mlora-opt %s --mlora-train-pipeline='target=cpu config=%S/Inputs/tiny-config.json num-branches=3 rank=2' | FileCheck %s --check-prefix=CPU

// Of full fine-tuning embeddings and norms are parts, too.
// FT:           mlora.joined_kernel @joined.update(
// FT:             mlora.part @embed.update.0.adamw(
// FT:             mlora.part @decoder_layer.update.0.adamw({{.*}}) layers 3
// FT:             mlora.part @head_loss.update.0.adamw(
// FACTORS:      mlora.section "prepare" {
// FACTORS-NEXT:   mlora.launch @joined.prepare(
// FACTORS-NEXT: }
// ALL:          mlora.section "norm" {
// ALL-NEXT:       mlora.launch @joined.norm(
// ALL-NEXT:       mlora.launch @norm.0.norm(
// ALL-NEXT:     }
// ALL-NEXT:     mlora.section "update" {
// ALL-NEXT:       mlora.launch @joined.update(
// ALL-NEXT:     }
// ALL-NEXT:   }

// CPU-NOT: joined
module {}
