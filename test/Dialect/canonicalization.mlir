// RUN: mlora-opt %s --canonicalize | FileCheck %s

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

// What nobody reads is not computed: every op of tensors is pure.
// CHECK-LABEL: func.func @unread(
// CHECK-NEXT: return
func.func @unread(%x: tensor<?x16xf32>, %w: tensor<8x16xf32>) {
  %y = mlora.linear %x, %w : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  return
}
