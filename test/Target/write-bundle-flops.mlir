// What a kernel's report counts: bytes that grow with rows, and products that are computed. Without dx the group's weights and Ã are not read; a loss and its input
// gradient share their logits in one kernel.

// RUN: rm -rf %t && mkdir %t
// RUN: mlora-opt %s --mlora-write-bundle=path=%t -o /dev/null
// RUN: FileCheck %s --input-file=%t/manifest.json

// w, up and down; dy, dx and u
// CHECK:      "bytes": {
// CHECK-NEXT:   "fixed": 384,
// CHECK-NEXT:   "rows": 72
// 2 · (8·8 + 8·2 + 2·8)
// CHECK:      "flops_per_row": 192
// CHECK:      "name": "backward"
// 2 · 8·2
// CHECK:      "flops_per_row": 32
// CHECK:      "name": "backward.lowest"
// 2 · 2 · 16·8
// CHECK:      "flops_per_row": 512
// CHECK:      "name": "head"

mlora.kernel @backward(%dy: tensor<?x8xf32> {mlora.extent = "rows"}, %w: tensor<8x8xf32>, %up: tensor<8x2xf32>,
                       %down: tensor<2x8xf32>)
    -> (tensor<?x8xf32> {mlora.extent = "rows"}, tensor<?x2xf32> {mlora.extent = "rows"}) grid ["rows by 2"] {
  %dx, %u = mlora.adapted_linear.input_grad (%dy) weights(%w) ups(%up) down %down
    : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<8x2xf32>, tensor<2x8xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>)
  mlora.yield %dx, %u : tensor<?x8xf32>, tensor<?x2xf32>
}
mlora.kernel @backward.lowest(%dy: tensor<?x8xf32> {mlora.extent = "rows"}, %w: tensor<8x8xf32>, %up: tensor<8x2xf32>,
                              %down: tensor<2x8xf32>)
    -> (tensor<?x2xf32> {mlora.extent = "rows"}) grid ["rows by 2"] {
  %u = mlora.adapted_linear.input_grad (%dy) weights(%w) ups(%up) down %down
    : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<8x2xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  mlora.yield %u : tensor<?x2xf32>
}
mlora.kernel @head(%x: tensor<?x8xf32> {mlora.extent = "counted_rows"}, %w: tensor<16x8xf32>,
                   %targets: tensor<?xi32> {mlora.extent = "counted_rows"}, %dnll: tensor<?xf32> {mlora.extent = "counted_rows"})
    -> (tensor<?x8xf32> {mlora.extent = "counted_rows"}) grid ["counted_rows by 2"] {
  %nll, %lse = mlora.cross_entropy %x, %w, %targets
    : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %dx = mlora.cross_entropy.input_grad %dnll, %x, %w, %targets, %lse
    : (tensor<?xf32>, tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x8xf32>
  mlora.yield %dx : tensor<?x8xf32>
}
mlora.program @train arena 0 + 32 * rows {
  %h = mlora.buffer "h" residual offset 0 in "rows" extent "rows" : memref<?x8xf32>
}
