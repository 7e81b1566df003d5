// RUN: mlora-opt %s --mlora-import=config=%S/Inputs/tiny-config.json --mlora-attach-adapters='num-branches=3 rank=3' --mlora-fuse-branches=pad-rank=16 | FileCheck %s
// RUN: not mlora-opt %s --mlora-fuse-branches=pad-rank=0 2>&1 | FileCheck %s --check-prefix=ZERO

// Nine columns of three branches are padded to sixteen; parts say where the branches' tensors lie.
// ZERO: error: pad-rank is 0; expected at least 1

// CHECK-LABEL: func.func @decoder_layer(
// CHECK-SAME:    %gate_up.A: tensor<32x8xf32> {mlora.parts = [{name = "gate_proj.branch.0.A", offset = 0 : i64,
// CHECK-SAME:    {name = "gate_proj.branch.2.A", offset = 48 : i64,
// CHECK-SAME:    {name = "up_proj.branch.0.A", offset = 128 : i64,
// CHECK-LABEL: func.func @decoder_layer.prepare(
// CHECK-SAME:    %q.B: tensor<8x16xf32> {mlora.parts = [{{.*}}, {name = "q_proj.branch.2.B", offset = 6 : i64, shape = array<i64: 8, 3>, strides = array<i64: 16, 1>}]
// CHECK:         mlora.stack_up %q.B, %q.s alpha 3.000000e+00 rank 3 : (tensor<8x16xf32>, tensor<8x3xf32>) -> tensor<8x16xf32>
module {}
