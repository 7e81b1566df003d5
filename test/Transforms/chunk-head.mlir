// Cross-entropy and its gradients become a function of a chunk, called for all rows that count.

// RUN: mlora-opt %s --mlora-chunk-head | FileCheck %s
// RUN: mlora-opt %s --mlora-chunk-head=rows=48 | FileCheck %s --check-prefix=ROWS
// RUN: mlora-opt %s --mlora-chunk-head --mlora-form-kernels | FileCheck %s --check-prefix=KERNELS

// Logits are f32, their cotangent has the type of the head's input. The loss's cotangent is there before the call.

// CHECK-LABEL: func.func @grad.chunk(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x64xbf16> {mlora.extent = "counted_rows"}, %[[W:[a-z0-9]+]]: tensor<512x64xbf16>,
// CHECK-SAME:    %[[T:[a-z0-9]+]]: tensor<?xi32> {mlora.extent = "counted_rows"}, %[[D:[a-z0-9]+]]: tensor<?xf32> {mlora.extent = "counted_rows"})
// CHECK-SAME:    -> (tensor<?xf32> {mlora.extent = "counted_rows"}, tensor<?x64xbf16> {mlora.extent = "counted_rows"})
// CHECK-NEXT:    %logits = mlora.product %[[X]], %[[W]] : (tensor<?x64xbf16>, tensor<512x64xbf16>) -> tensor<?x512xf32>
// CHECK-NEXT:    %nll, %lse = mlora.nll %logits, %[[T]]
// CHECK-NEXT:    %dlogits = mlora.nll.input_grad %[[D]], %logits, %[[T]], %lse : {{.*}} -> tensor<?x512xbf16>
// CHECK-NEXT:    %[[DX:.*]] = mlora.product %dlogits, %[[W]] transposed : {{.*}} -> tensor<?x64xbf16>
// CHECK-NEXT:    return %nll, %[[DX]]
// CHECK-LABEL: func.func @grad(
// CHECK-NEXT:    mlora.spread
// CHECK-NEXT:    %[[CALLED:.*]]:2 = mlora.chunked_call @grad.chunk(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) by 512 :
// CHECK-NEXT:    mlora.sum %[[CALLED]]#0
// CHECK-NEXT:    return %{{.*}}, %[[CALLED]]#1
// ROWS:          mlora.chunked_call @grad.chunk({{.*}}) by 48 :

// The call is no kernel: what it calls is formed for itself. The loss of logits has a block a row.
// KERNELS:      mlora.kernel @grad.chunk.0.product({{.*}} grid [] attributes {library}
// KERNELS:      mlora.kernel @grad.chunk.1.nll_nll.input_grad(
// KERNELS:        grid ["counted_rows by 1"]
// KERNELS:      mlora.kernel @grad.chunk.2.product({{.*}} grid [] attributes {library}
// KERNELS-LABEL: func.func @grad.chunk(
// KERNELS-COUNT-3: mlora.launch
// KERNELS-NEXT: return
// KERNELS-LABEL: func.func @grad(
// KERNELS:      mlora.launch @grad.0.spread
// KERNELS-NEXT: mlora.chunked_call @grad.chunk(
// KERNELS-NEXT: mlora.launch @grad.2.sum
func.func @grad(%x: tensor<?x64xbf16> {mlora.extent = "counted_rows"}, %w: tensor<512x64xbf16>,
                %t: tensor<?xi32> {mlora.extent = "counted_rows"}, %dloss: tensor<f32>) -> (tensor<f32>, tensor<?x64xbf16>) {
  %nll, %lse = mlora.cross_entropy %x, %w, %t
    : (tensor<?x64xbf16>, tensor<512x64xbf16>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %loss = mlora.sum %nll : (tensor<?xf32>) -> tensor<f32>
  %dnll = mlora.spread %dloss like %t : (tensor<f32>, tensor<?xi32>) -> tensor<?xf32>
  %dx = mlora.cross_entropy.input_grad %dnll, %x, %w, %t, %lse
    : (tensor<?xf32>, tensor<?x64xbf16>, tensor<512x64xbf16>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x64xbf16>
  return %loss, %dx : tensor<f32>, tensor<?x64xbf16>
}

// A loss alone: no gradient, no cotangent.
// CHECK-LABEL: func.func @loss.chunk(
// CHECK-NEXT:    mlora.product
// CHECK-NEXT:    mlora.nll %
// CHECK-NEXT:    return %nll
// CHECK-LABEL: func.func @loss(
func.func @loss(%x: tensor<?x64xf32> {mlora.extent = "counted_rows"}, %w: tensor<512x64xf32>,
                %t: tensor<?xi32> {mlora.extent = "counted_rows"}) -> tensor<?xf32> {
  %nll, %lse = mlora.cross_entropy %x, %w, %t
    : (tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  return %nll : tensor<?xf32>
}

// A head that is trained in f32 is rounded for its products, once; its gradient is a sum over chunks in f32.
// CHECK-LABEL: func.func @trained.chunk(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x64xbf16> {{.*}}, %{{[a-z0-9]+}}: tensor<512x64xbf16>,
// CHECK:         %[[DW:.*]] = mlora.token_outer %dlogits, %[[X]] : (tensor<?x512xbf16>, tensor<?x64xbf16>) -> tensor<512x64xf32>
// CHECK-NEXT:    return %nll, %{{.*}}, %[[DW]]
// CHECK-LABEL: func.func @trained(
// CHECK:         %[[ROUNDED:.*]] = mlora.round %{{.*}} : (tensor<512x64xf32>) -> tensor<512x64xbf16>
// CHECK-NEXT:    mlora.chunked_call @trained.chunk(%{{.*}}, %[[ROUNDED]], %{{.*}}, %{{.*}}) by 512 : {{.*}} -> (tensor<?xf32>, tensor<?x64xbf16>, tensor<512x64xf32>)
func.func @trained(%x: tensor<?x64xbf16> {mlora.extent = "counted_rows"}, %w: tensor<512x64xf32>,
                   %t: tensor<?xi32> {mlora.extent = "counted_rows"}, %dnll: tensor<?xf32> {mlora.extent = "counted_rows"})
    -> (tensor<?xf32>, tensor<?x64xbf16>, tensor<512x64xf32>) {
  %nll, %lse = mlora.cross_entropy %x, %w, %t
    : (tensor<?x64xbf16>, tensor<512x64xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %dx = mlora.cross_entropy.input_grad %dnll, %x, %w, %t, %lse
    : (tensor<?xf32>, tensor<?x64xbf16>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x64xbf16>
  %dw = mlora.cross_entropy.weight_grad %dnll, %x, %w, %t, %lse
    : (tensor<?xf32>, tensor<?x64xbf16>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<512x64xf32>
  return %nll, %dx, %dw : tensor<?xf32>, tensor<?x64xbf16>, tensor<512x64xf32>
}
