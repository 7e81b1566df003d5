// RUN: mlora-opt %s --split-input-file --verify-diagnostics
// RUN: awk 'BEGIN { print "mlora.joined_kernel @joined("; for (i = 0; i < 511; ++i) print "%%b" i ": memref<8xf32>,"; print "%%x: memref<8xf32>) {"; print "  mlora.part @k(%%x) : memref<8xf32>"; print "  mlora.kernel @k(%%x: tensor<8xf32>) grid [\"8 by 8\"] { mlora.yield }"; print "}" }' > %t.mlir
// RUN: not mlora-opt %t.mlir 2>&1 | FileCheck %s

// Kernels that one launch runs: each part has a kernel that fits, and none waits for another.

// CHECK: 'mlora.joined_kernel' op has 512 buffers; a GPU's kernel has parameters for 510

// expected-error@below {{'mlora.joined_kernel' op has no part}}
mlora.joined_kernel @joined(%x: memref<8xf32>) {
}

// -----

mlora.joined_kernel @joined(%x: memref<8xf32>) {
  mlora.part @k(%x) : memref<8xf32>
  mlora.kernel @k(%x: tensor<8xf32>) grid ["8 by 8"] { mlora.yield }
  // expected-error@below {{'mlora.kernel' op is in no part of the joined kernel that holds it}}
  mlora.kernel @other(%x: tensor<8xf32>) grid ["8 by 8"] { mlora.yield }
}

// -----

mlora.kernel @outside(%x: tensor<8xf32>) grid ["8 by 8"] { mlora.yield }
mlora.joined_kernel @joined(%x: memref<8xf32>) {
  // expected-error@below {{'mlora.part' op names 'outside', which is none of the kernels that are joined}}
  mlora.part @outside(%x) : memref<8xf32>
}

// -----

mlora.joined_kernel @joined(%x: memref<8xf32>) {
  // expected-error@below {{'mlora.part' op has 0 layers}}
  mlora.part @k(%x) layers 0 : memref<8xf32>
  mlora.kernel @k(%x: tensor<8xf32>) grid ["8 by 8"] { mlora.yield }
}

// -----

mlora.joined_kernel @joined(%x: memref<8xf32>) {
  // expected-error@below {{'mlora.part' op joins @k, whose grid is over 'rows'; expected one of static size}}
  mlora.part @k(%x) : memref<8xf32>
  mlora.kernel @k(%x: tensor<8xf32>) grid ["rows by 8"] { mlora.yield }
}

// -----

mlora.joined_kernel @joined(%x: memref<8xf32>) {
  // expected-error@below {{'mlora.part' op joins @k, which has a 'vector<8xf32>'; expected tensors}}
  mlora.part @k(%x) : memref<8xf32>
  mlora.kernel @k(%x: vector<8xf32>) grid ["8 by 8"] { mlora.yield }
}

// -----

mlora.joined_kernel @joined(%x: memref<8xf32>) {
  // expected-error@below {{'mlora.part' op has 2 buffers; @k has 1 operands and results}}
  mlora.part @k(%x, %x) : memref<8xf32>, memref<8xf32>
  mlora.kernel @k(%x: tensor<8xf32>) grid ["8 by 8"] { mlora.yield }
}

// -----

// A tensor for each of two layers is none for each of three.
mlora.joined_kernel @joined(%x: memref<2x8xf32>) {
  // expected-error@below {{'mlora.part' op buffer 0 is 'memref<2x8xf32>'; expected a 'tensor<8xf32>' row by row, or one for each of 3 layers}}
  mlora.part @k(%x) layers 3 : memref<2x8xf32>
  mlora.kernel @k(%x: tensor<8xf32>) grid ["8 by 8"] { mlora.yield }
}

// -----

// Layers over each other.
mlora.joined_kernel @joined(%x: memref<2x8xf32, strided<[4, 1]>>) {
  // expected-error@below {{buffer 0 is 'memref<2x8xf32, strided<[4, 1]>>'; expected a 'tensor<8xf32>'}}
  mlora.part @k(%x) layers 2 : memref<2x8xf32, strided<[4, 1]>>
  mlora.kernel @k(%x: tensor<8xf32>) grid ["8 by 8"] { mlora.yield }
}

// -----

mlora.joined_kernel @joined(%x: memref<2x8xbf16>) {
  // expected-error@below {{buffer 0 is 'memref<2x8xbf16>'; expected a 'tensor<8xf32>'}}
  mlora.part @k(%x) layers 2 : memref<2x8xbf16>
  mlora.kernel @k(%x: tensor<8xf32>) grid ["8 by 8"] { mlora.yield }
}

// -----

// What one part writes another one reads.
mlora.joined_kernel @joined(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>) {
  mlora.part @k(%x, %y) : memref<8xf32>, memref<8xf32>
  // expected-error@below {{'mlora.part' op touches buffer 1 as @k does, and one of them writes it; they would have to run one after the other}}
  mlora.part @next(%y, %z) : memref<8xf32>, memref<8xf32>
  mlora.kernel @k(%x: tensor<8xf32>) -> tensor<8xf32> grid ["8 by 8"] {
    %y = mlora.square_sum %x : (tensor<8xf32>) -> tensor<8xf32>
    mlora.yield %y : tensor<8xf32>
  }
  mlora.kernel @next(%x: tensor<8xf32>) -> tensor<8xf32> grid ["8 by 8"] {
    %y = mlora.square_sum %x : (tensor<8xf32>) -> tensor<8xf32>
    mlora.yield %y : tensor<8xf32>
  }
}

// -----

// All layers write one result.
mlora.joined_kernel @joined(%x: memref<2x8xf32>, %y: memref<8xf32>) {
  // expected-error@below {{'mlora.part' op touches buffer 1 as @k of another layer does}}
  mlora.part @k(%x, %y) layers 2 : memref<2x8xf32>, memref<8xf32>
  mlora.kernel @k(%x: tensor<8xf32>) -> tensor<8xf32> grid ["8 by 8"] {
    %y = mlora.square_sum %x : (tensor<8xf32>) -> tensor<8xf32>
    mlora.yield %y : tensor<8xf32>
  }
}

// -----

// Windows that meet: rows 0 to 8 of columns 0 to 4, and rows 4 to 8 of columns 3 to 5.
mlora.joined_kernel @joined(%a: memref<8x4xf32>, %b: memref<4x2xf32>, %w: memref<8x8xf32>) {
  mlora.part @left(%a, %w, %w) : memref<8x4xf32>, memref<8x8xf32>, memref<8x8xf32>
  // expected-error@below {{'mlora.part' op touches buffer 2 as @left does}}
  mlora.part @right(%b, %w, %w) : memref<4x2xf32>, memref<8x8xf32>, memref<8x8xf32>
  mlora.kernel @left(%a: tensor<8x4xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> grid ["8 by 8"] {
    %w1 = mlora.place %a in %w at [0, 0] : (tensor<8x4xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    mlora.yield %w1 : tensor<8x8xf32>
  }
  mlora.kernel @right(%b: tensor<4x2xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> grid ["4 by 8"] {
    %w1 = mlora.place %b in %w at [4, 3] : (tensor<4x2xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    mlora.yield %w1 : tensor<8x8xf32>
  }
}

// -----

// A window that is read where another part is placed.
mlora.joined_kernel @joined(%a: memref<8x4xf32>, %y: memref<8x4xf32>, %w: memref<8x8xf32>) {
  mlora.part @left(%a, %w, %w) : memref<8x4xf32>, memref<8x8xf32>, memref<8x8xf32>
  // expected-error@below {{'mlora.part' op touches buffer 2 as @left does}}
  mlora.part @look(%w, %y) : memref<8x8xf32>, memref<8x4xf32>
  mlora.kernel @left(%a: tensor<8x4xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> grid ["8 by 8"] {
    %w1 = mlora.place %a in %w at [0, 0] : (tensor<8x4xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    mlora.yield %w1 : tensor<8x8xf32>
  }
  mlora.kernel @look(%w: tensor<8x8xf32>) -> tensor<8x4xf32> grid ["8 by 8"] {
    %part = mlora.window %w at [0, 2] : (tensor<8x8xf32>) -> tensor<8x4xf32>
    %y = mlora.add %part, %part : tensor<8x4xf32>
    mlora.yield %y : tensor<8x4xf32>
  }
}

// -----

// Windows apart are no reason to wait, read or written.
mlora.joined_kernel @joined(%a: memref<8x4xf32>, %b: memref<4x2xf32>, %y: memref<8x2xf32>, %w: memref<8x8xf32>) {
  mlora.part @left(%a, %w, %w) : memref<8x4xf32>, memref<8x8xf32>, memref<8x8xf32>
  mlora.part @right(%b, %w, %w) : memref<4x2xf32>, memref<8x8xf32>, memref<8x8xf32>
  mlora.part @look(%w, %y) : memref<8x8xf32>, memref<8x2xf32>
  mlora.kernel @left(%a: tensor<8x4xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> grid ["8 by 8"] {
    %w1 = mlora.place %a in %w at [0, 0] : (tensor<8x4xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    mlora.yield %w1 : tensor<8x8xf32>
  }
  mlora.kernel @right(%b: tensor<4x2xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> grid ["4 by 8"] {
    %w1 = mlora.place %b in %w at [4, 4] : (tensor<4x2xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    mlora.yield %w1 : tensor<8x8xf32>
  }
  mlora.kernel @look(%w: tensor<8x8xf32>) -> tensor<8x2xf32> grid ["8 by 8"] {
    %part = mlora.window %w at [0, 6] : (tensor<8x8xf32>) -> tensor<8x2xf32>
    %y = mlora.add %part, %part : tensor<8x2xf32>
    mlora.yield %y : tensor<8x2xf32>
  }
}
