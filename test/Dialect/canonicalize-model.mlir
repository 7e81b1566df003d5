// Ops of the model: what is the same said shorter.
// What is computed twice is computed once, what nobody reads is erased; what folds is said at each op. The rest stays as it is.

// RUN: mlora-opt %s --canonicalize --cse | FileCheck %s

// mlora.embedding: nothing folds.
// CHECK-LABEL: func.func @embedding(
// CHECK-NEXT: mlora.embedding %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @embedding(%ids: tensor<?xi32>, %table: tensor<512x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %h = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
  %h_again = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
  %h_unread = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
  return %h, %h_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// mlora.linear: nothing folds.
// CHECK-LABEL: func.func @linear(
// CHECK-NEXT: mlora.linear %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @linear(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %y = mlora.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  %y_again = mlora.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  %y_unread = mlora.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  return %y, %y_again : tensor<?x32xf32>, tensor<?x32xf32>
}

// mlora.rms_norm: nothing folds.
// CHECK-LABEL: func.func @rms_norm(
// CHECK-NEXT: mlora.rms_norm %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @rms_norm(%x: tensor<?x64xf32>, %w: tensor<64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %y = mlora.rms_norm %x, %w eps 1.000000e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %y_again = mlora.rms_norm %x, %w eps 1.000000e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %y_unread = mlora.rms_norm %x, %w eps 1.000000e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return %y, %y_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// mlora.rope_table: nothing folds.
// CHECK-LABEL: func.func @rope_table(
// CHECK-NEXT: mlora.rope_table %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @rope_table(%position: tensor<?xi32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %table = mlora.rope_table %position theta 1.000000e+04 : (tensor<?xi32>) -> tensor<?x8xf32>
  %table_again = mlora.rope_table %position theta 1.000000e+04 : (tensor<?xi32>) -> tensor<?x8xf32>
  %table_unread = mlora.rope_table %position theta 1.000000e+04 : (tensor<?xi32>) -> tensor<?x8xf32>
  return %table, %table_again : tensor<?x8xf32>, tensor<?x8xf32>
}

// mlora.rope: a rotation and its inverse cancel.
// CHECK-LABEL: func.func @rope(
// CHECK-NEXT: mlora.rope %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @rope(%q: tensor<?x64xf32>, %table: tensor<?x8xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %r = mlora.rope %q, %table heads 8 : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  %r_again = mlora.rope %q, %table heads 8 : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  %r_unread = mlora.rope %q, %table heads 8 : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  return %r, %r_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// A rotation undone is no rotation.
// CHECK-LABEL: func.func @rope_and_back(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x16xf32>
// CHECK-NEXT: return %[[X]]
func.func @rope_and_back(%x: tensor<?x16xf32>, %table: tensor<?x8xf32>) -> tensor<?x16xf32> {
  %y = mlora.rope %x, %table heads 2 : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  %z = mlora.rope %y, %table heads 2 inverse : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  return %z : tensor<?x16xf32>
}

// Whichever comes first.
// CHECK-LABEL: func.func @back_and_rope(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x16xf32>
// CHECK-NEXT: return %[[X]]
func.func @back_and_rope(%x: tensor<?x16xf32>, %table: tensor<?x8xf32>) -> tensor<?x16xf32> {
  %y = mlora.rope %x, %table heads 2 inverse : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  %z = mlora.rope %y, %table heads 2 : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  return %z : tensor<?x16xf32>
}

// By other angles, or twice the same way, it is one.
// CHECK-LABEL: func.func @rope_twice(
// CHECK-COUNT-2: mlora.rope
func.func @rope_twice(%x: tensor<?x16xf32>, %t: tensor<?x8xf32>, %u: tensor<?x8xf32>) -> tensor<?x16xf32> {
  %y = mlora.rope %x, %t heads 2 : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  %z = mlora.rope %y, %u heads 2 inverse : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  return %z : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @rope_on(
// CHECK-COUNT-2: mlora.rope
func.func @rope_on(%x: tensor<?x16xf32>, %t: tensor<?x8xf32>) -> tensor<?x16xf32> {
  %y = mlora.rope %x, %t heads 2 : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  %z = mlora.rope %y, %t heads 2 : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  return %z : tensor<?x16xf32>
}

// Nor does a value change its type.
// CHECK-LABEL: func.func @rope_of_known_rows(
// CHECK-COUNT-2: mlora.rope
func.func @rope_of_known_rows(%x: tensor<5x16xf32>, %t: tensor<?x8xf32>) -> tensor<?x16xf32> {
  %y = mlora.rope %x, %t heads 2 : (tensor<5x16xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  %z = mlora.rope %y, %t heads 2 inverse : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  return %z : tensor<?x16xf32>
}

// mlora.attention: nothing folds.
// CHECK-LABEL: func.func @attention(
// CHECK-NEXT: mlora.attention %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @attention(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %v: tensor<?x32xf32>, %start: tensor<?xi32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  %o_again, %lse_again = mlora.attention %q, %k, %v document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  %o_unread, %lse_unread = mlora.attention %q, %k, %v document %start heads 8 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
  return %o, %o_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// mlora.cache_write: nothing folds.
// CHECK-LABEL: func.func @cache_write(
// CHECK-NEXT: mlora.cache_write %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @cache_write(%cache: tensor<?x32xf32>, %k: tensor<?x32xf32>, %rows: tensor<?xi32>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %c = mlora.cache_write %cache, %k at %rows : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  %c_again = mlora.cache_write %cache, %k at %rows
    : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  %c_unread = mlora.cache_write %cache, %k at %rows
    : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  return %c, %c_again : tensor<?x32xf32>, tensor<?x32xf32>
}

// mlora.swiglu: nothing folds.
// CHECK-LABEL: func.func @swiglu(
// CHECK-NEXT: mlora.swiglu %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @swiglu(%gate: tensor<?x172xf32>, %up: tensor<?x172xf32>) -> (tensor<?x172xf32>, tensor<?x172xf32>) {
  %s = mlora.swiglu %gate, %up : (tensor<?x172xf32>, tensor<?x172xf32>) -> tensor<?x172xf32>
  %s_again = mlora.swiglu %gate, %up : (tensor<?x172xf32>, tensor<?x172xf32>) -> tensor<?x172xf32>
  %s_unread = mlora.swiglu %gate, %up : (tensor<?x172xf32>, tensor<?x172xf32>) -> tensor<?x172xf32>
  return %s, %s_again : tensor<?x172xf32>, tensor<?x172xf32>
}

// mlora.add: nothing folds; a sum is the same whichever term comes first.
// CHECK-LABEL: func.func @add(
// CHECK-NEXT: mlora.add %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @add(%h: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %h1 = mlora.add %h, %y : tensor<?x64xf32>
  %h1_again = mlora.add %y, %h : tensor<?x64xf32>
  %h1_unread = mlora.add %y, %h : tensor<?x64xf32>
  return %h1, %h1_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// mlora.gather_rows: undoes `scatter_rows`.
// CHECK-LABEL: func.func @gather_rows(
// CHECK-NEXT: mlora.gather_rows %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @gather_rows(%h: tensor<?x64xf32>, %counted: tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %c = mlora.gather_rows %h, %counted : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %c_again = mlora.gather_rows %h, %counted : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  %c_unread = mlora.gather_rows %h, %counted : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return %c, %c_again : tensor<?x64xf32>, tensor<?x64xf32>
}

// Rows that were put where they belong, gathered again.
// CHECK-LABEL: func.func @gather_of_scatter(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x64xf32>
// CHECK-NEXT: return %[[X]]
func.func @gather_of_scatter(%x: tensor<?x64xf32>, %rows: tensor<?xi32>, %h: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = mlora.scatter_rows %x, %rows like %h : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %z = mlora.gather_rows %y, %rows : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// Other rows are other rows; and a number of rows that is known is not forgotten.
// CHECK-LABEL: func.func @gather_of_other_rows(
// CHECK: mlora.scatter_rows
// CHECK-NEXT: mlora.gather_rows
func.func @gather_of_other_rows(%x: tensor<?x64xf32>, %rows: tensor<?xi32>, %others: tensor<?xi32>,
                                %h: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = mlora.scatter_rows %x, %rows like %h : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %z = mlora.gather_rows %y, %others : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @gather_of_known_rows(
// CHECK: mlora.scatter_rows
// CHECK-NEXT: mlora.gather_rows
func.func @gather_of_known_rows(%x: tensor<3x64xf32>, %rows: tensor<?xi32>, %h: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = mlora.scatter_rows %x, %rows like %h : (tensor<3x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %z = mlora.gather_rows %y, %rows : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// mlora.cross_entropy: nothing folds.
// CHECK-LABEL: func.func @cross_entropy(
// CHECK-NEXT: mlora.cross_entropy %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @cross_entropy(%x: tensor<?x64xf32>, %head: tensor<512x64xf32>, %targets: tensor<?xi32>)
    -> (tensor<?xf32>, tensor<?xf32>) {
  %nll, %lse = mlora.cross_entropy %x, %head, %targets
    : (tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %nll_again, %lse_again = mlora.cross_entropy %x, %head, %targets
    : (tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %nll_unread, %lse_unread = mlora.cross_entropy %x, %head, %targets
    : (tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  return %nll, %nll_again : tensor<?xf32>, tensor<?xf32>
}

// mlora.sum: nothing folds.
// CHECK-LABEL: func.func @sum(
// CHECK-NEXT: mlora.sum %
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @sum(%nll: tensor<?xf32>) -> (tensor<f32>, tensor<f32>) {
  %loss = mlora.sum %nll : (tensor<?xf32>) -> tensor<f32>
  %loss_again = mlora.sum %nll : (tensor<?xf32>) -> tensor<f32>
  %loss_unread = mlora.sum %nll : (tensor<?xf32>) -> tensor<f32>
  return %loss, %loss_again : tensor<f32>, tensor<f32>
}
