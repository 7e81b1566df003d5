// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json kind=generate" --mlir-use-nameloc-as-prefix | FileCheck %s

// In generation keys and values of new tokens go to rows of a cache, which the layer takes and gives back.

// CHECK: mlora.kind = "generate"
// CHECK-LABEL: func.func @decoder_layer(
// CHECK-SAME: %start: tensor<?xi32>
// CHECK-SAME: %cache_rows: tensor<?xi32>
// CHECK-SAME: %prefix_start: tensor<?xi32>
// CHECK-SAME: %prefix_end: tensor<?xi32>
// CHECK-SAME: %key_cache: tensor<?x4xf32> {mlora.cache = "key", mlora.extent = "kv_rows"
// CHECK-SAME: %value_cache: tensor<?x4xf32> {mlora.cache = "value", mlora.extent = "kv_rows"
// CHECK: %[[K:.*]] = mlora.cache_write %key_cache, %kr at %cache_rows
// CHECK: %[[V:.*]] = mlora.cache_write %value_cache, %v at %cache_rows
// CHECK: mlora.attention %qr, %[[K]], %[[V]] document %start at %cache_rows prefix %prefix_start to %prefix_end
// CHECK: return %{{.*}}, %[[K]], %[[V]]

// CHECK-LABEL: func.func @head_logits(
// CHECK-SAME: -> tensor<?x16xf32>
// CHECK: mlora.gather_rows %h, %counted
// CHECK-NOT: mlora.cross_entropy
module {}
