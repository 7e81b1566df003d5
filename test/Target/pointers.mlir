// RUN: mlora-opt %s --mlora-lower-kernels --mlora-blocks-to-threads | FileCheck %s --check-prefixes=CHECK,GPU
// RUN: mlora-opt %s --mlora-to-gpu | FileCheck %s --check-prefixes=CHECK,LLVM

// What LLVM may know of a kernel's pointers.

// What a launch only reads is nobody's to write; what it writes its threads may read behind a barrier. Scratch is written, too.
// GPU-LABEL: gpu.func @reads(
// LLVM-LABEL: llvm.func @reads(
// CHECK-SAME: %{{[^:]+}}: {{[^{]*}} {llvm.align = 64 : i64, llvm.noalias, llvm.readonly}, %{{[^:]+}}: {{[^{]*}} {llvm.align = 64 : i64, llvm.noalias, llvm.readonly},
// CHECK-SAME: %{{[^:]+}}: {{[^{]*}} {llvm.align = 64 : i64}, %{{[^:]+}}: {{[^{]*}} {llvm.align = 32 : i64, llvm.noalias, llvm.readonly}, %{{[^:]+}}: {{[^{]*}} {llvm.align = 64 : i64})
mlora.kernel @reads(%a: tensor<?x64xf32>, %b: tensor<?x64xf32>) -> tensor<?x64xf32> grid ["rows by 32"] {
  %y = mlora.add %a, %b : tensor<?x64xf32>
  mlora.yield %y : tensor<?x64xf32>
}

// A parameter may be updated where it lies.
// GPU-LABEL: gpu.func @updates(
// LLVM-LABEL: llvm.func @updates(
// CHECK-SAME: %{{[^:]+}}: {{[^{]*}} {llvm.align = 64 : i64}, %{{[^:]+}}: {{[^{]*}} {llvm.align = 64 : i64, llvm.noalias, llvm.readonly}, %{{[^:]+}}: {{[^{]*}} {llvm.align = 64 : i64}, %{{[^:]+}}: {{[^{]*}} {llvm.align = 64 : i64}, %{{[^:]+}}: {{[^{]*}} {llvm.align = 32 : i64, llvm.noalias, llvm.readonly},
mlora.kernel @updates(%p: tensor<32x64xf32>, %g: tensor<32x64xf32>, %m: tensor<32x64xf32>, %v: tensor<32x64xf32>, %h: tensor<8xf32>)
    -> (tensor<32x64xf32>, tensor<32x64xf32>, tensor<32x64xf32>) grid ["32 by 16"] {
  %p1, %m1, %v1 = mlora.adamw %p, %g, %m, %v, %h : tensor<32x64xf32>, tensor<8xf32>
  mlora.yield %p1, %m1, %v1 : tensor<32x64xf32>, tensor<32x64xf32>, tensor<32x64xf32>
}

// A launch gives one buffer for both: the layer writes over what it reads. Another layer's slot is another place.
// GPU-LABEL: gpu.func @turns(
// LLVM-LABEL: llvm.func @turns(
// CHECK-SAME: %{{[^:]+}}: {{[^{]*}} {llvm.align = 64 : i64}, %{{[^:]+}}: {{[^{]*}} {llvm.align = 64 : i64, llvm.noalias, llvm.readonly},
mlora.kernel @turns(%a: tensor<?x64xf32>, %b: tensor<?x64xf32>) -> tensor<?x64xf32> grid ["rows by 32"] {
  %y = mlora.add %a, %b : tensor<?x64xf32>
  mlora.yield %y : tensor<?x64xf32>
}
mlora.program @train arena 0 + 1024 * rows {
  %a = mlora.buffer "a" residual slots 1 offset 0 in "rows" extent "rows" {slot_bytes = 256 : i64} : memref<?x64xf32>
  %h = mlora.buffer "h" residual slots 3 offset 256 in "rows" extent "rows" {slot_bytes = 256 : i64} : memref<?x64xf32>
  mlora.section "micro_step" {
    mlora.launch @reads(%h[layer], %a[0], %h[layer+1]) : (memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>) -> ()
    mlora.launch @turns(%a[0], %h[layer], %a[0]) : (memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>) -> ()
  }
}
