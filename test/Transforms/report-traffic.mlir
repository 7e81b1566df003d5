// RUN: mlora-opt %s --mlora-report-traffic=rows=100000 | FileCheck %s
// RUN: mlora-opt %s --mlora-import='config=%S/Inputs/llama-3.1-8b.json dtype=bf16' --mlora-attach-adapters='num-branches=3 rank=32' --mlora-fuse-branches=pad-rank=16 --mlora-autodiff --mlora-rematerialize=recompute=none --mlora-augment-products --mlora-form-kernels=tensor-cores --mlora-report-traffic=rows=2048 -o /dev/null | grep 'decoder_layer.forward:\|decoder_layer.backward:' > %t
// RUN: awk -f %S/Inputs/layer-traffic.awk %t | FileCheck %s --check-prefix=LAYER

// A layer of 8B's shapes, forward and backward, moves at most 1.2 times what it moves without adapters (docs/gpu.md has the formula).
// LAYER: within 1.2

// x is read at 100,000 rows of 8 f32 and written at as many; of w only what is looked at is read, once.
// CHECK: f: 1 launches, 6.40 MB for 100000 rows
func.func @f(%x: tensor<?x8xf32> {mlora.extent = "rows"}, %w: tensor<64x32xf32>) -> tensor<?x8xf32> {
  %y = mlora.launch @k(%x, %w) : (tensor<?x8xf32>, tensor<64x32xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

mlora.kernel @k(%x: tensor<?x8xf32> {mlora.extent = "rows"}, %w: tensor<64x32xf32>) -> (tensor<?x8xf32> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %a = mlora.window %w at [0, 0] : (tensor<64x32xf32>) -> tensor<8x8xf32>
  %y = mlora.linear %x, %a : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  mlora.yield %y : tensor<?x8xf32>
}
