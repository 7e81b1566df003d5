// RUN: mlora-opt %s --mlora-form-kernels | FileCheck %s

// A product is a kernel of its own, without a grid. A window is a view in each kernel that looks through it; one that the
// function returns, or that attention reads, is an op that copies.

// CHECK:      mlora.kernel @layer.0.rms_norm_linear_join(
// CHECK-SAME:   %[[W:[a-z0-9]+]]: tensor<56x40xf32>) -> (tensor<?x40xf32> {{.*}}) grid ["rows by 128"]
// CHECK-NEXT:   mlora.rms_norm
// CHECK-NEXT:   mlora.window %[[W]] at [48, 0]
// CHECK-NEXT:   mlora.linear
// CHECK-NEXT:   mlora.join
// CHECK:      mlora.kernel @layer.1.product({{.*}}) -> (tensor<?x48xf32> {{.*}}) grid [] attributes {library}
// CHECK-NEXT:   mlora.product
// CHECK-NEXT:   mlora.yield
// CHECK:      mlora.kernel @layer.2.swiglu(%{{[^:]*}}: tensor<?x48xf32>
// CHECK-NEXT:   mlora.window %{{.*}} at [0, 0]
// CHECK-NEXT:   mlora.window %{{.*}} at [0, 24]
// CHECK-NEXT:   mlora.swiglu
// CHECK-NEXT:   mlora.window %{{.*}} at [0, 24]
// CHECK-NEXT:   mlora.yield %{{.*}}, %{{.*}} :
func.func @layer(%h: tensor<?x32xf32> {mlora.extent = "rows"}, %n: tensor<32xf32>, %w: tensor<56x40xf32>)
    -> (tensor<?x24xf32>, tensor<?x24xf32>) {
  %x = mlora.rms_norm %h, %n eps 1.0e-5 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %a = mlora.window %w at [48, 0] : (tensor<56x40xf32>) -> tensor<8x32xf32>
  %m = mlora.linear %x, %a : (tensor<?x32xf32>, tensor<8x32xf32>) -> tensor<?x8xf32>
  %xm = mlora.join %x, %m : (tensor<?x32xf32>, tensor<?x8xf32>) -> tensor<?x40xf32>
  %y = mlora.product %xm, %w : (tensor<?x40xf32>, tensor<56x40xf32>) -> tensor<?x48xf32>
  %g = mlora.window %y at [0, 0] : (tensor<?x48xf32>) -> tensor<?x24xf32>
  %u = mlora.window %y at [0, 24] : (tensor<?x48xf32>) -> tensor<?x24xf32>
  %s = mlora.swiglu %g, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %v = mlora.window %y at [0, 24] : (tensor<?x48xf32>) -> tensor<?x24xf32>
  return %s, %v : tensor<?x24xf32>, tensor<?x24xf32>
}

// Parts apart from each other do not wait for each other: the sum is placed by the kernel that makes it, and the tensor goes from there to the
// kernel of the other part.
// CHECK:      mlora.kernel @apart.0.add_place(
// CHECK-NEXT:   %[[SUM:.*]] = mlora.add
// CHECK-NEXT:   mlora.place %[[SUM]] in %{{.*}} at [0, 8]
// CHECK:      mlora.kernel @apart.1.place(
// CHECK-NEXT:   mlora.place %{{.*}} in %{{.*}} at [8, 0]
// CHECK:      func.func @apart(%{{.*}}, %[[W:[a-z0-9]+]]: tensor<16x16xf32>)
// CHECK-NEXT:   %[[W1:.*]] = mlora.launch @apart.0.add_place(%{{.*}}, %[[W]])
// CHECK-NEXT:   %[[W2:.*]] = mlora.launch @apart.1.place(%{{.*}}, %[[W1]])
// CHECK-NEXT:   return %[[W2]]
func.func @apart(%a: tensor<6x8xf32>, %b: tensor<4x4xf32>, %w: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %sum = mlora.add %b, %b : tensor<4x4xf32>
  %w1 = mlora.place %a in %w at [8, 0] : (tensor<6x8xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %w2 = mlora.place %sum in %w1 at [0, 8] : (tensor<4x4xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  return %w2 : tensor<16x16xf32>
}

// One over the other keep their order.
// CHECK:      mlora.kernel @over.0.add(
// CHECK:      mlora.kernel @over.1.place(
// CHECK:      mlora.kernel @over.2.place(
// CHECK:      func.func @over(
// CHECK-NEXT:   %[[SUM:.*]] = mlora.launch @over.0.add(
// CHECK-NEXT:   %[[W1:.*]] = mlora.launch @over.1.place(
// CHECK-NEXT:   %[[W2:.*]] = mlora.launch @over.2.place({{.*}}%[[W1]]
// CHECK-NEXT:   return %[[W2]]
func.func @over(%a: tensor<6x8xf32>, %b: tensor<4x4xf32>, %w: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %sum = mlora.add %b, %b : tensor<4x4xf32>
  %w1 = mlora.place %a in %w at [0, 0] : (tensor<6x8xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %w2 = mlora.place %sum in %w1 at [2, 2] : (tensor<4x4xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  return %w2 : tensor<16x16xf32>
}
