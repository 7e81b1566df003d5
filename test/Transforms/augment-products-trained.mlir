// Trained weights in f32 beside activations in bf16: rounded when a function begins, once for all of its products. In f32 they are multiplied as they are.

// RUN: mlora-opt %s --mlora-augment-products | FileCheck %s

// CHECK-LABEL: func.func @layer(
// CHECK-NEXT:    %[[R:w.rounded]] = mlora.round %{{.*}} : (tensor<16x8xf32>) -> tensor<16x8xbf16>
// CHECK-NEXT:    %{{.*}} = mlora.product %{{.*}}, %[[R]] : (tensor<?x8xbf16>, tensor<16x8xbf16>) -> tensor<?x16xbf16>
// CHECK-NEXT:    %{{.*}} = mlora.product %{{.*}}, %[[R]] transposed : (tensor<?x16xbf16>, tensor<16x8xbf16>) -> tensor<?x8xbf16>
// CHECK-NEXT:    return
func.func @layer(%x: tensor<?x8xbf16> {mlora.extent = "rows"}, %dy: tensor<?x16xbf16> {mlora.extent = "rows"},
                 %w: tensor<16x8xf32> {mlora.trainable = "w"}) -> (tensor<?x16xbf16>, tensor<?x8xbf16>) {
  %y = mlora.linear %x, %w : (tensor<?x8xbf16>, tensor<16x8xf32>) -> tensor<?x16xbf16>
  %dx = mlora.linear.input_grad %dy, %w : (tensor<?x16xbf16>, tensor<16x8xf32>) -> tensor<?x8xbf16>
  return %y, %dx : tensor<?x16xbf16>, tensor<?x8xbf16>
}

// CHECK-LABEL: func.func @layer.f32(
// CHECK-NEXT:    {{.*}}mlora.product %{{.*}} : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
func.func @layer.f32(%x: tensor<?x8xf32> {mlora.extent = "rows"}, %w: tensor<16x8xf32> {mlora.trainable = "w"}) -> tensor<?x16xf32> {
  %y = mlora.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// What is no stored weight stays.
// CHECK-LABEL: func.func @factor(
// CHECK-NEXT:    {{.*}}mlora.linear
func.func @factor(%x: tensor<?x8xbf16> {mlora.extent = "rows"}, %a: tensor<16x8xf32>) -> tensor<?x16xbf16> {
  %y = mlora.linear %x, %a : (tensor<?x8xbf16>, tensor<16x8xf32>) -> tensor<?x16xbf16>
  return %y : tensor<?x16xbf16>
}
