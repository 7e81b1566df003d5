// RUN: mlora-opt %s --split-input-file --verify-diagnostics --mlora-gpu-to-nvvm

// A pointer says nothing about strides, or about a second extent.
gpu.module @strided {
  // expected-error@below {{argument 0 has type 'memref<8x8xf32, strided<[16, 1]>>'; expected a contiguous memref, dynamic in its first dimension at most}}
  gpu.func @kernel(%a: memref<8x8xf32, strided<[16, 1]>>) kernel {
    gpu.return
  }
}

// -----

gpu.module @dynamic {
  // expected-error@below {{argument 1 has type 'memref<?x?xf32>'; expected a contiguous memref}}
  gpu.func @kernel(%a: memref<8xf32>, %b: memref<?x?xf32>) kernel {
    gpu.return
  }
}
