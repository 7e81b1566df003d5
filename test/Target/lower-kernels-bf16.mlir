// bf16 is widened when it is loaded and rounded when it is stored, once an element; arithmetic and scratch are f32.

// RUN: mlora-opt %s --mlora-lower-kernels --split-input-file | FileCheck %s
// RUN: not mlora-opt %s --mlora-to-cpu --split-input-file 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not mlora-opt %s --mlora-lower-kernels --mlora-lower-gemm --split-input-file 2>&1 | FileCheck %s --check-prefix=GEMM

// CHECK-LABEL: func.func @add(
// CHECK:       linalg.generic
// CHECK-NEXT:  ^bb0(%[[A:.*]]: bf16, %[[B:.*]]: bf16, %{{.*}}: bf16):
// CHECK-NEXT:    %[[WA:.*]] = arith.extf %[[A]] : bf16 to f32
// CHECK-NEXT:    %[[WB:.*]] = arith.extf %[[B]] : bf16 to f32
// CHECK-NEXT:    %[[Y:.*]] = arith.addf %[[WA]], %[[WB]] : f32
// CHECK-NEXT:    %[[R:.*]] = arith.truncf %[[Y]] : f32 to bf16
// CHECK-NEXT:    linalg.yield %[[R]] : bf16
// CPU: error: 'linalg.generic' op has bf16 operands, which are not built for the CPU: use f32
mlora.kernel @add(%a: tensor<?x64xbf16>, %b: tensor<?x64xbf16>) -> tensor<?x64xbf16> grid ["rows by 128"] {
  %y = mlora.add %a, %b : tensor<?x64xbf16>
  mlora.yield %y : tensor<?x64xbf16>
}

// -----

// What is only moved keeps its bits.

// CHECK-LABEL: func.func @embedding(
// CHECK:       linalg.generic
// CHECK-NEXT:  ^bb0(%[[X:.*]]: bf16, %{{.*}}: bf16):
// CHECK-NEXT:    linalg.yield %[[X]] : bf16
// CPU: error: 'linalg.generic' op has bf16 operands
mlora.kernel @embedding(%ids: tensor<?xi32>, %table: tensor<32x8xbf16>) -> tensor<?x8xbf16> grid ["rows by 128"] {
  %y = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<32x8xbf16>) -> tensor<?x8xbf16>
  mlora.yield %y : tensor<?x8xbf16>
}

// -----

// What two products add up to is summed in scratch; m, one product, where it is stored.

// CHECK-LABEL: func.func @adapted(
// CHECK:       mlora.gemm {{.*}} : memref<?x64xbf16, {{.*}}>, memref<12x64xf32>, memref<?x12xbf16,
// CHECK:       mlora.gemm {{.*}} : memref<?x64xbf16, {{.*}}>, memref<32x64xbf16>, memref<?x32xf32,
// CHECK:       mlora.gemm {{.*}} : memref<?x12xbf16, {{.*}}>, memref<32x12xf32>, memref<?x32xf32,
// CHECK:       linalg.generic
// CHECK:         arith.truncf
// GEMM: error: 'mlora.gemm' op has bf16 operands, which are not built for the CPU: use f32
mlora.kernel @adapted(%x: tensor<?x64xbf16>, %w: tensor<32x64xbf16>, %up: tensor<32x12xf32>, %down: tensor<12x64xf32>)
    -> (tensor<?x32xbf16>, tensor<?x12xbf16>) grid ["rows by 128"] {
  %y, %m = mlora.adapted_linear %x weights(%w) ups(%up) down %down
    : (tensor<?x64xbf16>, tensor<32x64xbf16>, tensor<32x12xf32>, tensor<12x64xf32>) -> (tensor<?x32xbf16>, tensor<?x12xbf16>)
  mlora.yield %y, %m : tensor<?x32xbf16>, tensor<?x12xbf16>
}
