// RUN: mlora-opt %s --mlora-lower-kernels --canonicalize --cse | FileCheck %s

// Scores of 64 rows against at most 512 keys, then three vectors of 64: 131072 + 768 bytes.
// CHECK-LABEL: func.func @forward(
// CHECK-SAME: mlora.scratch_bytes = 131840 : i64
// CHECK: arith.remui
// CHECK: memref.view %{{.*}} : memref<?xi8> to memref<64x512xf32>
// CHECK: mlora.gemm %{{.*}}, transposed
// CHECK: scf.for
// CHECK: iterator_types = ["parallel", "reduction"]
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: mlora.gemm
// CHECK: math.log
mlora.kernel @forward(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %v: tensor<?x32xf32>, %start: tensor<?xi32>)
    -> (tensor<?x64xf32>, tensor<?x8xf32>) grid ["8 by 1", "rows by 64"] attributes {mlora.capacity = {kv_rows = 512 : i64}} {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  mlora.yield %o, %lse : tensor<?x64xf32>, tensor<?x8xf32>
}

// A block of keys: the heads of its group, the query blocks from its own on, those of later documents left out.
// CHECK-LABEL: func.func @key_value_grad(
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.cmpi slt
// CHECK-NEXT: scf.if
// CHECK: mlora.gemm transposed
// CHECK: mlora.gemm transposed
mlora.kernel @key_value_grad(%do: tensor<?x64xf32>, %q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %v: tensor<?x32xf32>,
                             %o: tensor<?x64xf32>, %lse: tensor<?x8xf32>, %start: tensor<?xi32>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>) grid ["4 by 1", "kv_rows by 64"] {
  %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x8xf32>,
       tensor<?xi32>) -> (tensor<?x32xf32>, tensor<?x32xf32>)
  mlora.yield %dk, %dv : tensor<?x32xf32>, tensor<?x32xf32>
}
