// REQUIRES: shared-data
// RUN: mlora-opt %s --mlora-import="config=%shared/data/configs/SmolLM2-135M.config.json" | FileCheck %s --check-prefix=SMOLLM
// RUN: mlora-opt %s --mlora-import="config=%shared/data/configs/Llama-3.1-8B-Instruct.config.json" | FileCheck %s --check-prefix=LLAMA3
// RUN: mlora-opt %s --mlora-import="config=%shared/data/configs/llama-7b-hf.config.json" | FileCheck %s --check-prefix=LLAMA

// Configurations as they are published.

// SMOLLM: mlora.layers = 30 : i64
// SMOLLM: mlora.rope_table %{{.*}} theta 1.000000e+05 : (tensor<?xi32>) -> tensor<?x64xf32>
// SMOLLM: mlora.attention {{.*}} heads 9 kv_heads 3
// SMOLLM: func.func @head_loss({{.*}} {mlora.weight = "model.embed_tokens"}

// LLAMA3: mlora.rope_table %{{.*}} theta 5.000000e+05 llama3 {{\[}}8.000000e+00, 1.000000e+00, 4.000000e+00, 8.192000e+03]
// LLAMA3: func.func @head_loss({{.*}} {mlora.weight = "lm_head"}

// LLAMA: mlora.layers = 32 : i64
// LLAMA: mlora.linear {{.*}} tensor<11008x4096xf32>
module {}
