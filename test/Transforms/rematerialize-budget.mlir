// Less room, more work: each budget (bytes a row) is met by repeating as little as it takes. The gate and up are 96 bytes each, y is 32; each
// costs 384 operations, and y also what it is made of.

// DEFINE: %{cut} = mlora-opt %s --mlora-autodiff --mlora-rematerialize=budget
// RUN: %{cut}=224 | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: %{cut}=223 | FileCheck %s --check-prefixes=CHECK,NO-UP
// RUN: %{cut}=128 | FileCheck %s --check-prefixes=CHECK,NO-UP
// RUN: %{cut}=127 | FileCheck %s --check-prefixes=CHECK,Y
// RUN: %{cut}=31  | FileCheck %s --check-prefixes=CHECK,NONE

// CHECK-LABEL: func.func @decoder_layer.forward(
// ALL-SAME:     -> (tensor<?x8xf32>, tensor<?x24xf32> {{.*}}mlora.residual = "gate"}, tensor<?x24xf32> {{.*}}mlora.residual = "up"}, tensor<?x8xf32> {{.*}}mlora.residual = "linear"}) {
// NO-UP-SAME:   -> (tensor<?x8xf32>, tensor<?x24xf32> {{.*}}mlora.residual = "gate"}, tensor<?x8xf32> {{.*}}mlora.residual = "linear"}) {
// Y-SAME:       -> (tensor<?x8xf32>, tensor<?x8xf32> {{.*}}mlora.residual = "linear"}) {
// NONE-SAME:    -> tensor<?x8xf32> {

// What is computed again is, and nothing else.
// CHECK-LABEL:  func.func @decoder_layer.backward(
// ALL-NOT:         mlora.linear %
// NO-UP-COUNT-1:   mlora.linear %
// NO-UP-NOT:           mlora.linear %
// Y-COUNT-2:       mlora.linear %
// Y-NOT:           mlora.linear %
// NONE-COUNT-3:    mlora.linear %
// CHECK:           return

func.func @decoder_layer(%h: tensor<?x8xf32> {mlora.input = "h", mlora.extent = "rows"},
                         %wg: tensor<24x8xf32> {mlora.trainable = "gate"}, %wu: tensor<24x8xf32> {mlora.trainable = "up"},
                         %wd: tensor<8x24xf32> {mlora.weight = "down"}, %we: tensor<8x8xf32> {mlora.trainable = "e"})
    -> tensor<?x8xf32> {
  %g = mlora.linear %h, %wg : (tensor<?x8xf32>, tensor<24x8xf32>) -> tensor<?x24xf32>
  %u = mlora.linear %h, %wu : (tensor<?x8xf32>, tensor<24x8xf32>) -> tensor<?x24xf32>
  %s = mlora.swiglu %g, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y = mlora.linear %s, %wd : (tensor<?x24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32>
  %z = mlora.linear %y, %we : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %r = mlora.add %h, %z : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}
