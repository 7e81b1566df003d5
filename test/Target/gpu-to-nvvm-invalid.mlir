// RUN: mlora-opt %s --split-input-file --verify-diagnostics --mlora-gpu-to-nvvm

// A pointer says nothing about strides that only run time knows, or about a second extent.
gpu.module @strided {
  // expected-error@below {{argument 0 has type 'memref<8x8xf32, strided<[?, 1]>>'; expected a memref of known strides, dynamic in its first dimension at most}}
  gpu.func @kernel(%a: memref<8x8xf32, strided<[?, 1]>>) kernel {
    gpu.return
  }
}

// -----

gpu.module @dynamic {
  // expected-error@below {{argument 1 has type 'memref<?x?xf32>'; expected a memref of known strides}}
  gpu.func @kernel(%a: memref<8xf32>, %b: memref<?x?xf32>) kernel {
    gpu.return
  }
}
