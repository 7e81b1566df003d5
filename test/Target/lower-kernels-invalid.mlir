// RUN: mlora-opt %s --mlora-lower-kernels --split-input-file --verify-diagnostics

// expected-error @+1 {{operand or result of type 'tensor<?x8xf64>' (f32, bf16, i32 and i8 tensors are supported)}}
mlora.kernel @type(%x: tensor<?x8xf64>) -> tensor<?x8xf64> grid ["rows by 128"] {
  %y = mlora.add %x, %x : tensor<?x8xf64>
  mlora.yield %y : tensor<?x8xf64>
}

// -----

mlora.kernel @whole(%x: tensor<?x8xf32>, %rows: tensor<?xi32>) -> tensor<?x8xf32> grid ["counted_rows by 128"] {
  // expected-error @+1 {{result is used as a whole inside the kernel that computes it}}
  %y = mlora.add %x, %x : tensor<?x8xf32>
  %z = mlora.gather_rows %y, %rows : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  mlora.yield %z : tensor<?x8xf32>
}

// -----

// expected-error @+1 {{mixes ops that have blocks of their own (sums over tokens, linear layers cut into columns) with others}}
mlora.kernel @mixed(%x: tensor<?x8xf32>) -> (tensor<8x8xf32>, tensor<?x8xf32>) grid ["1 by 1"] {
  %g = mlora.token_outer %x, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<8x8xf32>
  %y = mlora.add %x, %x : tensor<?x8xf32>
  mlora.yield %g, %y : tensor<8x8xf32>, tensor<?x8xf32>
}

// -----

mlora.kernel @no_form(%y: tensor<?x32xf32>, %x: tensor<?x64xf32>, %a: tensor<4x64xf32>, %b: tensor<32x4xf32>) -> tensor<?x32xf32> grid ["rows by 128"] {
  // expected-error @+1 {{has no form on blocks}}
  %z = mlora.branch %y, %x, %a, %b alpha 4.0
    : (tensor<?x32xf32>, tensor<?x64xf32>, tensor<4x64xf32>, tensor<32x4xf32>) -> tensor<?x32xf32>
  mlora.yield %z : tensor<?x32xf32>
}

// -----

// expected-error @+1 {{sums over tokens but has no 'mlora.tiles': the blocks of each sum, as mlora-form-kernels writes them}}
mlora.kernel @untiled(%x: tensor<?x8xf32>) -> tensor<8x8xf32> grid ["1 by 1"] {
  %g = mlora.token_outer %x, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<8x8xf32>
  mlora.yield %g : tensor<8x8xf32>
}
