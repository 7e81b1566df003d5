// Linear layers cut into columns as well as rows: a step of one row has work for all threads.

// RUN: mlora-opt %s --mlora-form-kernels="row-block=32 column-block=8" | FileCheck %s

// Those that can run at once share a kernel, each with blocks of its own; norms stay chains over rows.
// CHECK-LABEL: mlora.kernel @layer.0.rms_norm(
// CHECK-SAME:    grid ["rows by 32"]
// CHECK-LABEL: mlora.kernel @layer.1.linear(
// CHECK:         grid ["5 by 1", "rows by 32"] attributes {mlora.tiles = array<i64: 2, 3>}
// CHECK-NEXT:    mlora.linear
// CHECK-NEXT:    mlora.dequantize
// CHECK-NEXT:    mlora.linear
// CHECK-NEXT:    mlora.yield
// CHECK-LABEL: mlora.kernel @layer.2.linear(
// Through a window of what it reads a layer looks at its columns.
// CHECK:         mlora.window %{{.*}} at [0, 8]
// CHECK-NEXT:    mlora.linear
// CHECK-LABEL: mlora.kernel @layer.3.add(
// CHECK-LABEL: func.func @layer(
// CHECK-COUNT-4: mlora.launch
// CHECK-NOT:   mlora.dequantize
func.func @layer(%h: tensor<?x32xf32> {mlora.extent = "rows"}, %n: tensor<32xf32>, %w: tensor<16x32xf32>, %blocks: tensor<20x20xi8>,
                 %v: tensor<16x12xf32>) -> (tensor<?x16xf32>, tensor<?x20xf32>) {
  %x = mlora.rms_norm %h, %n eps 1.0e-5 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %values = mlora.dequantize %blocks of "Q4_1" : (tensor<20x20xi8>) -> tensor<20x32xf32>
  %q = mlora.linear %x, %w : (tensor<?x32xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  %k = mlora.linear %x, %values : (tensor<?x32xf32>, tensor<20x32xf32>) -> tensor<?x20xf32>
  %m = mlora.window %k at [0, 8] : (tensor<?x20xf32>) -> tensor<?x12xf32>
  %z = mlora.linear %m, %v : (tensor<?x12xf32>, tensor<16x12xf32>) -> tensor<?x16xf32>
  %y = mlora.add %q, %z : tensor<?x16xf32>
  return %y, %k : tensor<?x16xf32>, tensor<?x20xf32>
}
