// A layer's products become a library's, over augmented operands: forward, backward, and what makes factors.

// RUN: mlora-opt %s --mlora-import=config=%S/Inputs/tiny-config.json --mlora-attach-adapters='num-branches=3 rank=4' --mlora-fuse-branches=pad-rank=16 --mlora-autodiff --mlora-rematerialize --mlora-add-optimizer --mlora-augment-products | FileCheck %s
// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate config=%S/Inputs/tiny-config.json num-branches=3 rank=32' -o %t.3
// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate config=%S/Inputs/tiny-config.json num-branches=1 rank=96' -o %t.1

// Gate and up share their input: one product, m beside x, the two results windows of one.
// CHECK-LABEL: func.func @decoder_layer.forward(
// CHECK-SAME:    %[[W:[a-z_.]+]]: tensor<80x40xf32> {mlora.parts = [{name = "mlp.gate_proj", offset = 0 : i64, shape = array<i64: 24, 8>, strides = array<i64: 40, 1>}, {name = "mlp.up_proj", offset = 960 : i64, {{.*}}}], mlora.weight = "mlp.gate_proj+mlp.up_proj.augmented"}
// CHECK:         %[[X:.*]] = mlora.rms_norm %{{.*}}, %post_attention_layernorm
// CHECK:         %[[A:.*]] = mlora.window %[[W]] at [48, 0] : (tensor<80x40xf32>) -> tensor<32x8xf32>
// CHECK-NEXT:    %[[M:.*]] = mlora.linear %[[X]], %[[A]]
// CHECK-NEXT:    %[[XM:.*]] = mlora.join %[[X]], %[[M]]
// CHECK-NEXT:    %[[Y:.*]] = mlora.product %[[XM]], %[[W]] : (tensor<?x40xf32>, tensor<80x40xf32>) -> tensor<?x48xf32>
// CHECK-NEXT:    %[[GATE:.*]] = mlora.window %[[Y]] at [0, 0] : (tensor<?x48xf32>) -> tensor<?x24xf32>
// CHECK-NEXT:    %[[UP:.*]] = mlora.window %[[Y]] at [0, 24]
// CHECK:         mlora.swiglu %[[GATE]], %[[UP]]
// They are kept as the one that they are.
// CHECK-NOT:     mlora.adapted_linear
// CHECK:         return {{.*}}%[[Y]]

// Backward reads them there, puts u beside its cotangents, and all that reads these later reads them there.
// CHECK-LABEL: func.func @decoder_layer.backward(
// CHECK:         mlora.window %gate_up at [0, 24]
// CHECK:         %[[DG:.*]], %[[DU:.*]] = mlora.swiglu.grad
// CHECK:         %[[BG:.*]] = mlora.window %[[W:[a-z_.]+]] at [0, 8] : (tensor<80x40xf32>) -> tensor<24x16xf32>
// CHECK-NEXT:    %[[UG:.*]] = mlora.linear.input_grad %[[DG]], %[[BG]]
// CHECK-NEXT:    %[[BU:.*]] = mlora.window %[[W]] at [24, 24] : (tensor<80x40xf32>) -> tensor<24x16xf32>
// CHECK-NEXT:    %[[UU:.*]] = mlora.linear.input_grad %[[DU]], %[[BU]]
// CHECK-NEXT:    %[[U:.*]] = mlora.join %[[UG]], %[[UU]]
// CHECK-NEXT:    %[[DYU:.*]] = mlora.join %[[DG]], %[[DU]], %[[U]]
// CHECK:         %[[UW:.*]] = mlora.window %[[DYU]] at [0, 48]
// CHECK:         mlora.product %[[DYU]], %[[W]] transposed : (tensor<?x80xf32>, tensor<80x40xf32>) -> tensor<?x8xf32>
// CHECK:         mlora.token_outer %[[UW]],
// CHECK-NOT:     mlora.adapted_linear

// Factors are placed in the matrices, before the first step and after each.
// CHECK-LABEL: func.func @decoder_layer.prepare(
// CHECK:         %[[UPQ:.*]] = mlora.stack_up %{{.*}} rank 4
// CHECK:         %[[W1:.*]] = mlora.place %{{.*}} in %[[W0:.*]] at [16, 0] : (tensor<48x8xf32>, tensor<64x56xf32>)
// CHECK-NEXT:    %[[W2:.*]] = mlora.place %[[UPQ]] in %[[W1]] at [0, 8]
// CHECK-NEXT:    mlora.place %{{.*}} in %[[W2]] at [8, 24]
// CHECK-LABEL: func.func @decoder_layer.update(
// CHECK:         mlora.place
// CHECK:         return
// CHECK-SAME:    tensor<64x56xf32>

// n branches of rank r cost what one of rank n·r costs: as many launches, as many bytes a row.
// RUN: grep -c "mlora.launch" %t.3 > %t.launches
// RUN: grep -c "mlora.launch" %t.1 | diff - %t.launches
// RUN: sed -n 's/.*mlora.program @train arena [0-9]* + //p' %t.3 > %t.bytes
// RUN: sed -n 's/.*mlora.program @train arena [0-9]* + //p' %t.1 | diff - %t.bytes
module {}
