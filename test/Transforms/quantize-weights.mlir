// Weights stay in the blocks of their file: arguments become bytes, whoever reads them reads their values.

// RUN: mlora-opt %s --mlora-quantize-weights='formats=model.embed_tokens=Q8_0,mlp.down_proj=Q4_1' | FileCheck %s
// RUN: mlora-opt %s --mlora-quantize-weights='formats=mlp.down_proj=Q4_1|Q5_1' | FileCheck %s --check-prefix=MIXED
// RUN: mlora-opt %s --mlora-quantize-weights | FileCheck %s --check-prefix=NONE
// RUN: not mlora-opt %s --mlora-quantize-weights='formats=mlp.down_proj' 2>&1 | FileCheck %s --check-prefix=SYNTAX
// RUN: not mlora-opt %s --mlora-quantize-weights='formats=mlp.up_proj=Q4_1' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not mlora-opt %s --mlora-quantize-weights='formats=mlp.down_proj=IQ1_S' 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not mlora-opt %s --mlora-quantize-weights='formats=mlp.down_proj=Q4_1|IQ1_S' 2>&1 | FileCheck %s --check-prefix=FORMATS
// RUN: not mlora-opt %s --mlora-quantize-weights='formats=mlp.down_proj=Q6_K' 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not mlora-opt %s --mlora-quantize-weights='formats=mlp.down_proj=Q4_1|Q6_K' 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not mlora-opt %s --mlora-quantize-weights='formats=lm_head=Q4_1' 2>&1 | FileCheck %s --check-prefix=READER
// What is planned then: a buffer of bytes that says its format.
// RUN: mlora-opt --mlora-generate-pipeline='method=none config=%S/Inputs/llama-3.1-8b.json quantized=mlp.gate_proj=Q4_K,mlp.down_proj=Q4_K|Q6_K' < /dev/null | FileCheck %s --check-prefix=PLANNED
// RUN: not mlora-opt --mlora-train-pipeline='config=%S/Inputs/tiny-config.json quantized=mlp.gate_proj=BF16' < /dev/null 2>&1 | FileCheck %s --check-prefix=TRAIN
// RUN: not mlora-opt --mlora-generate-pipeline='target=emulate config=%S/Inputs/tiny-config.json quantized=mlp.gate_proj=BF16' < /dev/null 2>&1 | FileCheck %s --check-prefix=GPU

// CHECK-LABEL: func.func @embed(
// CHECK-SAME: %[[TABLE:[a-z0-9]+]]: tensor<48x68xi8> {mlora.format = "Q8_0", mlora.weight = "model.embed_tokens"}
// CHECK-NEXT: %[[VALUES:.*]] = mlora.dequantize %[[TABLE]] of "Q8_0" : (tensor<48x68xi8>) -> tensor<48x64xf32>
// CHECK-NEXT: mlora.embedding %{{.*}}, %[[VALUES]]
// CHECK-LABEL: func.func @decoder_layer(
// CHECK-SAME: %[[DOWN:[a-z0-9]+]]: tensor<32x40xi8> {mlora.format = "Q4_1", mlora.weight = "mlp.down_proj"}
// CHECK: mlora.dequantize %[[DOWN]] of "Q4_1"
// CHECK-LABEL: func.func @head(
// CHECK-SAME: tensor<48x64xf32> {mlora.weight = "lm_head"}
// NONE-NOT: mlora.dequantize

// Where layers differ in format there is memory for rows of the widest, and a row more that says which a layer's are.
// MIXED-LABEL: func.func @decoder_layer(
// MIXED-SAME: %[[DOWN:[a-z0-9]+]]: tensor<33x48xi8> {mlora.format = "Q4_1|Q5_1", mlora.weight = "mlp.down_proj"}
// MIXED: mlora.dequantize %[[DOWN]] of "Q4_1|Q5_1" : (tensor<33x48xi8>) -> tensor<32x64xf32>

// SYNTAX: mlora-quantize-weights: 'mlp.down_proj' is no TENSOR=FORMAT, such as mlp.down_proj=Q4_1
// UNKNOWN: mlora-quantize-weights: no function takes a weight 'mlp.up_proj'
// FORMAT: programs read no blocks of format 'IQ1_S', which mlp.down_proj is to keep
// FORMATS: programs read no blocks of format 'Q4_1|IQ1_S', which mlp.down_proj is to keep
// ROWS: mlp.down_proj is 'tensor<32x64xf32>': no matrix of f32 whose rows are blocks of 256 values
// READER: lm_head cannot stay Q4_1: mlora.cross_entropy reads it; only linear layers and the embedding of a program that generates unpack blocks

// PLANNED: mlora.buffer "mlp.gate_proj" weight {{.*}}format = "Q4_K"{{.*}} : memref<14336x2304xi8>
// PLANNED: mlora.buffer "mlp.down_proj" weight {{.*}}format = "Q4_K|Q6_K"{{.*}} : memref<4097x11760xi8>
// TRAIN: weights that stay quantised are read by programs that generate only
// GPU: weights that stay quantised are built for target=cpu only

func.func @embed(%ids: tensor<?xi32> {mlora.extent = "rows"}, %table: tensor<48x64xf32> {mlora.weight = "model.embed_tokens"}) -> tensor<?x64xf32> {
  %h = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<48x64xf32>) -> tensor<?x64xf32>
  return %h : tensor<?x64xf32>
}
func.func @decoder_layer(%x: tensor<?x64xf32> {mlora.extent = "rows"}, %down: tensor<32x64xf32> {mlora.weight = "mlp.down_proj"}) -> tensor<?x32xf32> {
  %y = mlora.linear %x, %down : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
func.func @head(%x: tensor<?x64xf32> {mlora.extent = "counted_rows"}, %head: tensor<48x64xf32> {mlora.weight = "lm_head"},
                %targets: tensor<?xi32> {mlora.extent = "counted_rows"}) -> tensor<?xf32> {
  %nll, %lse = mlora.cross_entropy %x, %head, %targets : (tensor<?x64xf32>, tensor<48x64xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  return %nll : tensor<?xf32>
}
