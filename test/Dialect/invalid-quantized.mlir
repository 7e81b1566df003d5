// RUN: mlora-opt %s --split-input-file --verify-diagnostics

// Weights stored in blocks.

func.func @unknown(%blocks: tensor<32x40xi8>) {
  // expected-error@below {{'mlora.dequantize' op format 'IQ2_S' is none of F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K}}
  %w = mlora.dequantize %blocks of "IQ2_S" : (tensor<32x40xi8>) -> tensor<32x64xf32>
  return
}

// -----

func.func @bytes(%blocks: tensor<32x44xi8>) {
  // expected-error@below {{'mlora.dequantize' op 64 values in a row of 44 bytes: a block of Q4_1 holds 32 values in 20 bytes}}
  %w = mlora.dequantize %blocks of "Q4_1" : (tensor<32x44xi8>) -> tensor<32x64xf32>
  return
}

// -----

func.func @rows(%blocks: tensor<31x40xi8>) {
  // expected-error@below {{'mlora.dequantize' op result has 32 rows, blocks has 31}}
  %w = mlora.dequantize %blocks of "Q4_1" : (tensor<31x40xi8>) -> tensor<32x64xf32>
  return
}

// -----

func.func @mixed_unknown(%blocks: tensor<32x48xi8>) {
  // expected-error@below {{'mlora.dequantize' op format 'Q4_1|IQ2_S' is none of F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K}}
  %w = mlora.dequantize %blocks of "Q4_1|IQ2_S" : (tensor<32x48xi8>) -> tensor<32x64xf32>
  return
}

// -----

func.func @mixed_rows(%blocks: tensor<32x48xi8>) {
  // expected-error@below {{'mlora.dequantize' op blocks are 32 rows of 48 bytes; 32 rows of 64 values in one of Q4_1|Q5_1 take 33 of 48}}
  %w = mlora.dequantize %blocks of "Q4_1|Q5_1" : (tensor<32x48xi8>) -> tensor<32x64xf32>
  return
}

// -----

func.func @mixed_bytes(%blocks: tensor<33x40xi8>) {
  // expected-error@below {{'mlora.dequantize' op blocks are 33 rows of 40 bytes; 32 rows of 64 values in one of Q4_1|Q5_1 take 33 of 48}}
  %w = mlora.dequantize %blocks of "Q4_1|Q5_1" : (tensor<33x40xi8>) -> tensor<32x64xf32>
  return
}

// -----

func.func @mixed_values(%blocks: tensor<33x48xi8>) {
  // expected-error@below {{'mlora.dequantize' op rows of 64 values are no whole blocks of Q6_K, 256 values each}}
  %w = mlora.dequantize %blocks of "Q4_1|Q6_K" : (tensor<33x48xi8>) -> tensor<32x64xf32>
  return
}

// -----

func.func @mixed_product(%x: memref<?x64xf32>, %blocks: memref<33x48xi8>, %y: memref<?x33xf32>, %one: f32, %zero: f32) {
  // expected-error@below {{'mlora.gemm' op format 'Q4_1|Q5_1' is none of F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K}}
  mlora.gemm %x, transposed %blocks of "Q4_1|Q5_1" into %y alpha %one beta %zero
    : memref<?x64xf32>, memref<33x48xi8>, memref<?x33xf32>
  return
}

// -----

func.func @no_format(%x: memref<?x64xf32>, %blocks: memref<32x40xi8>, %y: memref<?x32xf32>, %one: f32, %zero: f32) {
  // expected-error@below {{'mlora.gemm' op b is bytes of blocks where it is transposed and of a format, and only there}}
  mlora.gemm %x, transposed %blocks into %y alpha %one beta %zero : memref<?x64xf32>, memref<32x40xi8>, memref<?x32xf32>
  return
}

// -----

func.func @other_depth(%x: memref<?x96xf32>, %blocks: memref<32x40xi8>, %y: memref<?x32xf32>, %one: f32, %zero: f32) {
  // expected-error@below {{'mlora.gemm' op 96 values in a row of 40 bytes: a block of Q4_1 holds 32 values in 20 bytes}}
  mlora.gemm %x, transposed %blocks of "Q4_1" into %y alpha %one beta %zero
    : memref<?x96xf32>, memref<32x40xi8>, memref<?x32xf32>
  return
}

// -----

func.func @other_width(%x: memref<?x64xf32>, %blocks: memref<32x40xi8>, %y: memref<?x31xf32>, %one: f32, %zero: f32) {
  // expected-error@below {{'mlora.gemm' op b has 32 rows, c has 31 columns}}
  mlora.gemm %x, transposed %blocks of "Q4_1" into %y alpha %one beta %zero
    : memref<?x64xf32>, memref<32x40xi8>, memref<?x31xf32>
  return
}
