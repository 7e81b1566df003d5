// RUN: mlora-opt %s --mlora-interpret -o /dev/null | FileCheck %s

// A query at row 4 with the prefix [0, 2) and a document that begins at 4 sees those two rows and its own, and none of
// another sequence's between (row 2, row 3). The second query, without a prefix, sees rows 3 and 4 only.

// CHECK: tensor<2x4>
// CHECK-NEXT: [0.756825, 0.756825, 0.444689, 1.09042]
// CHECK-NEXT: [2, 2, 2, 2]
// CHECK: tensor<2x2>
// CHECK-NEXT: [1.58805, 3.13811]
func.func @main() -> (tensor<2x4xf64>, tensor<2x2xf64>) {
  %q = arith.constant dense<[[0.5, 0.5, -1.0, 2.0], [0.5, 0.5, -1.0, 2.0]]> : tensor<2x4xf64>
  %k = arith.constant dense<[[1.0, 1.0], [0.0, 2.0], [9.0, 9.0], [-1.0, 0.5], [-1.0, 0.5]]> : tensor<5x2xf64>
  %v = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [9.0, 9.0], [2.0, 2.0], [2.0, 2.0]]> : tensor<5x2xf64>
  %start = arith.constant dense<[4, 3]> : tensor<2xi32>
  %at = arith.constant dense<[4, 4]> : tensor<2xi32>
  %from = arith.constant dense<[0, 0]> : tensor<2xi32>
  %to = arith.constant dense<[2, 0]> : tensor<2xi32>
  %y, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 2 kv_heads 1
    : (tensor<2x4xf64>, tensor<5x2xf64>, tensor<5x2xf64>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>)
      -> (tensor<2x4xf64>, tensor<2x2xf64>)
  return %y, %lse : tensor<2x4xf64>, tensor<2x2xf64>
}
