// RUN: mlora-opt %s --mlora-lower-kernels --canonicalize --cse | FileCheck %s
// RUN: mlora-opt %s --mlora-lower-kernels=key-chunk=16 | FileCheck %s --check-prefix=SMALL
// RUN: not mlora-opt %s --mlora-lower-kernels=key-chunk=0 2>&1 | FileCheck %s --check-prefix=NONE

// NONE: key-chunk is 0; expected at least 1

// Scores of 64 rows against a chunk of 512 keys, then four vectors of 64: 131072 + 1024 bytes, whatever the number of keys. A chunk
// behind the first shrinks what is summed where its scores are greater.
// CHECK-LABEL: func.func @forward(
// CHECK-SAME: mlora.scratch_bytes = 132096 : i64
// SMALL: mlora.scratch_bytes = 5120 : i64
// CHECK: arith.remui
// CHECK: memref.view %{{.*}} : memref<?xi8> to memref<64x512xf32>
// CHECK: scf.for %{{.*}} step %c512
// CHECK: mlora.gemm %{{.*}}, transposed
// CHECK: scf.forall
// CHECK: iterator_types = ["parallel", "reduction"]
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: math.exp
// CHECK: scf.if
// CHECK: mlora.gemm
// CHECK: math.log
mlora.kernel @forward(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %v: tensor<?x32xf32>, %start: tensor<?xi32>)
    -> (tensor<?x64xf32>, tensor<?x8xf32>) grid ["8 by 1", "rows by 64"] {
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
