// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json kind=generate" --mlir-use-nameloc-as-prefix | FileCheck %s

// In generation keys and values of new tokens are appended to a cache, which the layer takes and gives back.

// CHECK: mlora.kind = "generate"
// CHECK-LABEL: func.func @decoder_layer(
// CHECK-SAME: %key_cache: tensor<?x4xf32> {mlora.cache = "key", mlora.extent = "kv_rows"
// CHECK-SAME: %value_cache: tensor<?x4xf32> {mlora.cache = "value", mlora.extent = "kv_rows"
// CHECK-SAME: %past: tensor<i32>
// CHECK: %[[K:.*]] = mlora.cache_append %key_cache, %kr at %past
// CHECK: %[[V:.*]] = mlora.cache_append %value_cache, %v at %past
// CHECK: mlora.attention %qr, %[[K]], %[[V]] past %past
// CHECK: return %{{.*}}, %[[K]], %[[V]]

// CHECK-LABEL: func.func @head_logits(
// CHECK-SAME: -> tensor<?x16xf32>
// CHECK: mlora.gather_rows %h, %last
// CHECK-NOT: mlora.cross_entropy
module {}
