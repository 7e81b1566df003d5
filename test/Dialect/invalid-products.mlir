// RUN: mlora-opt %s --split-input-file --verify-diagnostics

// Library products, and what their operands are made of.

func.func @small_weight(%x: tensor<?x112xf32>, %w: tensor<120x112xf32>) {
  // expected-error@below {{'mlora.product' op weight is 120 by 112, smaller than the 128 by 112 that count}}
  %y = mlora.product %x, %w : (tensor<?x112xf32>, tensor<120x112xf32>) -> tensor<?x128xf32>
  return
}

// -----

func.func @small_transposed(%dy: tensor<?x176xf32>, %w: tensor<176x48xf32>) {
  // expected-error@below {{'mlora.product' op weight is 176 by 48, smaller than the 176 by 64 that count}}
  %dx = mlora.product %dy, %w transposed : (tensor<?x176xf32>, tensor<176x48xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @two_types(%x: tensor<?x16xf32>, %w: tensor<8x16xbf16>) {
  // expected-error@below {{'mlora.product' op operands have elements of different types}}
  %y = mlora.product %x, %w : (tensor<?x16xf32>, tensor<8x16xbf16>) -> tensor<?x8xf32>
  return
}

// -----

func.func @join(%x: tensor<?x64xf32>, %m: tensor<?x48xf32>) {
  // expected-error@below {{'mlora.join' op result has 100 columns, the sum of the inputs' columns is 112}}
  %y = mlora.join %x, %m : (tensor<?x64xf32>, tensor<?x48xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @window(%y: tensor<?x128xf32>) {
  // expected-error@below {{'mlora.window' op result has 32 columns from 112 on, input has 128}}
  %k = mlora.window %y at [0, 112] : (tensor<?x128xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @some_tokens(%y: tensor<?x128xf32>) {
  // expected-error@below {{'mlora.window' op takes some rows where their number is known at run time only}}
  %k = mlora.window %y at [4, 0] : (tensor<?x128xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @no_corner(%y: tensor<?x128xf32>) {
  // expected-error@below {{'mlora.window' op 'at' is not a row and a column from 0 on}}
  %k = mlora.window %y at [4] : (tensor<?x128xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @place(%a: tensor<48x64xf32>, %w: tensor<176x112xf32>) {
  // expected-error@below {{'mlora.place' op part has 48 rows from 144 on, result has 176}}
  %y = mlora.place %a in %w at [144, 0] : (tensor<48x64xf32>, tensor<176x112xf32>) -> tensor<176x112xf32>
  return
}

// -----

func.func @place_new(%m: tensor<?x48xf32>) {
  // expected-error@below {{'mlora.place' op part has 48 columns from 96 on, result has 112}}
  %y = mlora.place %m at [0, 96] : (tensor<?x48xf32>) -> tensor<?x112xf32>
  return
}

// -----

func.func @place_new_type(%m: tensor<?x48xf32>) {
  // expected-error@below {{'mlora.place' op part and result have elements of different types}}
  %y = mlora.place %m at [0, 64] : (tensor<?x48xf32>) -> tensor<?x112xbf16>
  return
}

// -----

func.func @stack_up_rank(%b: tensor<32x16xf32>, %s: tensor<32x3xf32>) {
  // expected-error@below {{'mlora.stack_up' op b has 16 columns, too few for 3 branches of rank 6}}
  %up = mlora.stack_up %b, %s alpha 4.0 rank 6 : (tensor<32x16xf32>, tensor<32x3xf32>) -> tensor<32x16xf32>
  return
}

// -----

// f32 operands have no result in bf16: a library does not round what it need not.
func.func @rounded_result(%x: tensor<?x16xf32>, %w: tensor<8x16xf32>) {
  // expected-error@below {{'mlora.product' op result has elements of another type than its operands; of bf16 operands it may be f32}}
  %y = mlora.product %x, %w : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xbf16>
  return
}

// -----

func.func @round(%w: tensor<8x16xf32>) {
  // expected-error@below {{'mlora.round' op result has 8 columns, input has 16}}
  %y = mlora.round %w : (tensor<8x16xf32>) -> tensor<8x8xbf16>
  return
}
