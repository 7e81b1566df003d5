// RUN: mlora-opt %s --mlora-lower-to-llvm --verify-diagnostics --split-input-file

// expected-error @below {{must be (memrefs…, scalars, scratch, block) -> (), as mlora-lower-kernels makes}}
func.func @no_block(%x: memref<4xf32>) {
  return
}

// -----

// expected-error @below {{argument 0 has type 'memref<4x?xf32>'; expected a contiguous memref, dynamic in its first dimension at most}}
func.func @dynamic_columns(%x: memref<4x?xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>,
                           %block: index) {
  return
}
