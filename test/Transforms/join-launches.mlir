// Launches that do not depend on each other become one; what depends, or is known at run time only, stays as it is.

// RUN: mlora-opt %s --split-input-file --mlora-join-launches | FileCheck %s

// Two kernels of a loop, for each of two layers, and one behind it. A layer's slots lie 64 bytes apart or back to back; of a scratchpad that all
// read the kernel gets one. The total reads what they write: it is a launch of its own.
// CHECK-LABEL: mlora.kernel @total(
// CHECK-LABEL: mlora.joined_kernel @joined.norm(
// CHECK-NEXT:    %[[DP:.*]]: memref<2x5x3xf32, strided<[16, 3, 1]>>,
// CHECK-NEXT:    %[[P:.*]]: memref<2x5xf32>,
// CHECK-NEXT:    %[[DW:.*]]: memref<2x16xf32>,
// CHECK-NEXT:    %[[W:.*]]: memref<2x16xf32>,
// CHECK-NEXT:    %[[DH:.*]]: memref<8xf32>,
// CHECK-NEXT:    %[[H:.*]]: memref<8xf32>) {
// CHECK-NEXT:  mlora.part @layer.0(%[[DP]], %[[P]]) layers 2 :
// CHECK-NEXT:  mlora.kernel @layer.0(
// CHECK:       mlora.part @layer.1(%[[DW]], %[[W]]) layers 2 :
// CHECK:       mlora.part @head(%[[DH]], %[[H]]) :
// CHECK-LABEL: mlora.program @train
// CHECK:       mlora.section "norm" {
// CHECK-NEXT:    mlora.launch @joined.norm(%{{.*}}[all], %{{.*}}[all], %{{.*}}[all], %{{.*}}[all], %{{.*}}[0], %{{.*}}[0]) :
// CHECK-NEXT:    mlora.launch @total(
// CHECK-NEXT:  }
mlora.kernel @layer.0(%x: tensor<5x3xf32>) -> tensor<5xf32> grid ["5 by 4"] {
  %y = mlora.square_sum %x : (tensor<5x3xf32>) -> tensor<5xf32>
  mlora.yield %y : tensor<5xf32>
}
mlora.kernel @layer.1(%x: tensor<16xf32>) -> tensor<16xf32> grid ["16 by 4"] {
  %y = mlora.square_sum %x : (tensor<16xf32>) -> tensor<16xf32>
  mlora.yield %y : tensor<16xf32>
}
mlora.kernel @head(%x: tensor<8xf32>) -> tensor<8xf32> grid ["8 by 4"] {
  %y = mlora.square_sum %x : (tensor<8xf32>) -> tensor<8xf32>
  mlora.yield %y : tensor<8xf32>
}
mlora.kernel @total(%p: tensor<10xf32>, %h: tensor<8xf32>) -> tensor<f32> grid ["1 by 1"] {
  %n = mlora.norm %p, %h : (tensor<10xf32>, tensor<8xf32>) -> tensor<f32>
  mlora.yield %n : tensor<f32>
}
mlora.program @train arena 4096 {
  %dp = mlora.buffer "p.gradient" gradient slots 2 offset 0 {slot_bytes = 64 : i64} : memref<5x3xf32>
  %p = mlora.buffer "p.partial" residual slots 2 offset 128 {packed, slot_bytes = 20 : i64} : memref<5xf32>
  %dw = mlora.buffer "w.gradient" gradient slots 2 offset 192 {slot_bytes = 64 : i64} : memref<16xf32>
  %w = mlora.buffer "w.partial" residual slots 2 offset 320 {packed, slot_bytes = 64 : i64} : memref<16xf32>
  %dh = mlora.buffer "h.gradient" gradient offset 448 {slot_bytes = 64 : i64} : memref<8xf32>
  %h = mlora.buffer "h.partial" residual offset 512 {packed, slot_bytes = 32 : i64} : memref<8xf32>
  %norm = mlora.buffer "norm" output offset 576 {slot_bytes = 64 : i64} : memref<f32>
  mlora.section "norm" {
    mlora.layers 1 to 0 step -1 {
      mlora.launch @layer.0(%dp[layer], %p[layer]) : (memref<5x3xf32>, memref<5xf32>) -> ()
      mlora.launch @layer.1(%dw[layer], %w[layer]) : (memref<16xf32>, memref<16xf32>) -> ()
    }
    mlora.launch @head(%dh[0], %h[0]) : (memref<8xf32>, memref<8xf32>) -> ()
    mlora.launch @total(%p[0], %h[0], %norm[0]) : (memref<5xf32>, memref<8xf32>, memref<f32>) -> ()
  }
}

// -----

// A kernel is launched again in a section where it cannot be joined: it is there in both forms. Two launches, each of which waits for the one
// before it, stay two.
// CHECK-LABEL: mlora.kernel @twice(
// CHECK-LABEL: mlora.joined_kernel @joined.first(
// CHECK-COUNT-1: mlora.kernel @twice(
// CHECK-LABEL: mlora.section "first"
// CHECK-NEXT:    mlora.launch @joined.first(%{{.*}}[0], %{{.*}}[0], %{{.*}}[0])
// CHECK-NEXT:  }
// CHECK-LABEL: mlora.section "second"
// CHECK-NEXT:    mlora.launch @twice(%x[0], %y[0])
// CHECK-NEXT:    mlora.launch @twice(%y[0], %z[0])
// CHECK-NEXT:  }
mlora.kernel @twice(%x: tensor<8xf32>) -> tensor<8xf32> grid ["8 by 4"] {
  %y = mlora.add %x, %x : tensor<8xf32>
  mlora.yield %y : tensor<8xf32>
}
mlora.program @train arena 4096 {
  %x = mlora.buffer "x" residual offset 0 {slot_bytes = 64 : i64} : memref<8xf32>
  %y = mlora.buffer "y" residual offset 64 {slot_bytes = 64 : i64} : memref<8xf32>
  %z = mlora.buffer "z" residual offset 128 {slot_bytes = 64 : i64} : memref<8xf32>
  mlora.section "first" {
    mlora.launch @twice(%x[0], %y[0]) : (memref<8xf32>, memref<8xf32>) -> ()
    mlora.launch @twice(%x[0], %z[0]) : (memref<8xf32>, memref<8xf32>) -> ()
  }
  mlora.section "second" {
    mlora.launch @twice(%x[0], %y[0]) : (memref<8xf32>, memref<8xf32>) -> ()
    mlora.launch @twice(%y[0], %z[0]) : (memref<8xf32>, memref<8xf32>) -> ()
  }
}

// -----

// Loops whose layers depend on each other, by a slot of the next one or by one that all of them write; what has rows; temporaries, which lie in
// each other's memory; a library's product.
// CHECK-NOT: mlora.joined_kernel
// CHECK-LABEL: mlora.section "stays"
// CHECK-NEXT: mlora.layers
// CHECK-NEXT:   mlora.launch @twice(%h[layer], %h[layer+1])
// CHECK:      mlora.layers
// CHECK-NEXT:   mlora.launch @twice(%h[layer], %x[0])
// CHECK:      mlora.layers 0 to 0
// CHECK-NEXT:   mlora.launch @twice(%h[layer], %h[layer])
// CHECK:      mlora.launch @rows(
// CHECK-NEXT: mlora.launch @twice(
// CHECK-NEXT: mlora.launch @twice(
// CHECK-NEXT: mlora.launch @product(
mlora.kernel @twice(%x: tensor<8x8xf32>) -> tensor<8x8xf32> grid ["8 by 4"] {
  %y = mlora.add %x, %x : tensor<8x8xf32>
  mlora.yield %y : tensor<8x8xf32>
}
mlora.kernel @rows(%x: tensor<?x8xf32>) -> tensor<?x8xf32> grid ["rows by 4"] {
  %y = mlora.add %x, %x : tensor<?x8xf32>
  mlora.yield %y : tensor<?x8xf32>
}
mlora.kernel @product(%a: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> grid [] attributes {library} {
  %y = mlora.product %a, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  mlora.yield %y : tensor<8x8xf32>
}
mlora.program @train arena 8192 + 256 * rows {
  %h = mlora.buffer "h" residual slots 3 offset 0 {slot_bytes = 256 : i64} : memref<8x8xf32>
  %x = mlora.buffer "x" residual offset 768 {slot_bytes = 256 : i64} : memref<8x8xf32>
  %y = mlora.buffer "y" residual offset 1024 {slot_bytes = 256 : i64} : memref<8x8xf32>
  %t = mlora.buffer "t" temporary offset 1280 {slot_bytes = 256 : i64} : memref<8x8xf32>
  %r = mlora.buffer "r" residual offset 0 in "rows" extent "rows" {slot_bytes = 32 : i64} : memref<?x8xf32>
  mlora.section "stays" {
    mlora.layers 0 to 1 step 1 {
      mlora.launch @twice(%h[layer], %h[layer+1]) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
    }
    mlora.layers 0 to 2 step 1 {
      mlora.launch @twice(%h[layer], %x[0]) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
    }
    mlora.layers 0 to 0 step 1 {
      mlora.launch @twice(%h[layer], %h[layer]) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
    }
    mlora.launch @rows(%r[0], %r[0]) : (memref<?x8xf32>, memref<?x8xf32>) -> ()
    mlora.launch @twice(%x[0], %t[0]) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
    mlora.launch @twice(%t[0], %y[0]) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
    mlora.launch @product(%x[0], %y[0], %h[1]) : (memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>) -> ()
  }
}
