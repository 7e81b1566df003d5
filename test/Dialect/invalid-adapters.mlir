// RUN: mlora-opt %s --split-input-file --verify-diagnostics

// Branches, and the groups of layers that they are folded into.

func.func @branch(%y: tensor<?x32xf32>, %x: tensor<?x64xf32>, %a: tensor<4x64xf32>, %b: tensor<32x3xf32>) {
  // expected-error@below {{'mlora.branch' op B has 3 columns, A has 4 rows}}
  %r = mlora.branch %y, %x, %a, %b alpha 4.0
    : (tensor<?x32xf32>, tensor<?x64xf32>, tensor<4x64xf32>, tensor<32x3xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @stack_up(%b: tensor<32x8xf32>, %s: tensor<32x3xf32>) {
  // expected-error@below {{'mlora.stack_up' op b has 8 columns, which is not a multiple of the 3 columns of s}}
  %up = mlora.stack_up %b, %s alpha 4.0 : (tensor<32x8xf32>, tensor<32x3xf32>) -> tensor<32x8xf32>
  return
}

// -----

func.func @down(%x: tensor<?x64xf32>, %w: tensor<16x64xf32>, %up: tensor<16x4xf32>, %down: tensor<6x64xf32>) {
  // expected-error@below {{'mlora.adapted_linear' op down has 6 rows, the sum of the ups' columns is 4}}
  %y, %m = mlora.adapted_linear %x weights(%w) ups(%up) down %down
    : (tensor<?x64xf32>, tensor<16x64xf32>, tensor<16x4xf32>, tensor<6x64xf32>) -> (tensor<?x16xf32>, tensor<?x6xf32>)
  return
}

// -----

func.func @second_layer(%x: tensor<?x64xf32>, %w: tensor<16x64xf32>, %v: tensor<8x64xf32>, %up: tensor<16x4xf32>,
                        %down: tensor<8x64xf32>) {
  // expected-error@below {{'mlora.adapted_linear' op ups #1 has 16 rows, weights #1 has 8}}
  %y:2, %m = mlora.adapted_linear %x weights(%w, %v) ups(%up, %up) down %down
    : (tensor<?x64xf32>, tensor<16x64xf32>, tensor<8x64xf32>, tensor<16x4xf32>, tensor<16x4xf32>, tensor<8x64xf32>)
    -> (tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @no_layer(%x: tensor<?x64xf32>, %down: tensor<6x64xf32>) {
  // expected-error@below {{'mlora.adapted_linear' op adapts no layer}}
  %m = "mlora.adapted_linear"(%x, %down) {operandSegmentSizes = array<i32: 1, 0, 0, 1>}
    : (tensor<?x64xf32>, tensor<6x64xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @one_up_for_two(%x: tensor<?x64xf32>, %w: tensor<16x64xf32>, %up: tensor<16x4xf32>, %down: tensor<4x64xf32>) {
  // expected-error@below {{'mlora.adapted_linear' op 2 weights, 1 ups and 2 outputs are not one of each a layer}}
  %y:2, %m = mlora.adapted_linear %x weights(%w, %w) ups(%up) down %down
    : (tensor<?x64xf32>, tensor<16x64xf32>, tensor<16x64xf32>, tensor<16x4xf32>, tensor<4x64xf32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x4xf32>)
  return
}

// -----

func.func @merge(%w: tensor<32x64xf32>, %up: tensor<32x12xf32>, %down: tensor<8x64xf32>) {
  // expected-error@below {{'mlora.merge' op down has 8 rows, up has 12 columns}}
  %w1 = mlora.merge %w, %up, %down
    : (tensor<32x64xf32>, tensor<32x12xf32>, tensor<8x64xf32>) -> tensor<32x64xf32>
  return
}
