// Kernels and programs: what writes memory, runs or has a place of its own stays, read or not, and twice is twice.

// RUN: mlora-opt %s --canonicalize --cse | FileCheck %s

// mlora.gemm: writes memory.
// CHECK-LABEL: func.func @gemm(
// CHECK-COUNT-2: mlora.gemm
// CHECK-NEXT: return
func.func @gemm(%x: memref<?x64xf32>, %w: memref<32x64xf32>, %y: memref<?x32xf32>, %one: f32) {
  mlora.gemm %x, transposed %w into %y alpha %one beta %one : memref<?x64xf32>, memref<32x64xf32>, memref<?x32xf32>
  mlora.gemm %x, transposed %w into %y alpha %one beta %one : memref<?x64xf32>, memref<32x64xf32>, memref<?x32xf32>
  return
}

// mlora.launch: runs what it runs, though nobody reads what it gives.
// CHECK-LABEL: func.func @launch(
// CHECK-COUNT-2: mlora.launch @kernel
// CHECK-NEXT: return
func.func @launch(%x: tensor<?x64xf32>, %w: tensor<64xf32>) {
  %y = mlora.launch @kernel(%x, %w) : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %z = mlora.launch @kernel(%x, %w) : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  return
}

// mlora.kernel: stays, its arguments too: they are what launches hand it. Its body is one like any other. mlora.yield: says what is
// written, twice if it is written to two places.
// CHECK-LABEL: mlora.kernel @kernel(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x64xf32>, %[[W:[^:]+]]: tensor<64xf32>, %{{[^:]+}}: tensor<8xf32>
// CHECK-NEXT: %[[Y:.+]] = mlora.rms_norm %[[X]], %[[W]]
// CHECK-NEXT: mlora.yield %[[Y]], %[[Y]]
mlora.kernel @kernel(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %unread: tensor<8xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) grid ["rows by 128"] {
  %y = mlora.rms_norm %x, %w eps 1.0e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %again = mlora.rms_norm %x, %w eps 1.0e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %sum = mlora.add %x, %y : tensor<?x64xf32>
  mlora.yield %y, %again : tensor<?x64xf32>, tensor<?x64xf32>
}

// mlora.program: stays. mlora.buffer: a place, not a value: equal ones are two, and the runtime may fill one that no launch reads.
// mlora.section: the runtime asks for it by name. mlora.layers: a loop of one layer stays, it says which slots are meant.
// CHECK-LABEL: mlora.program @program
// CHECK-COUNT-3: mlora.buffer {{.*}} temporary
// CHECK-NEXT: mlora.section "step"
// CHECK-NEXT: mlora.layers 0 to 0 step 1
// CHECK-COUNT-2: mlora.launch @kernel
mlora.program @program {
  %a = mlora.buffer "h" temporary : memref<8x64xf32>
  %b = mlora.buffer "h" temporary : memref<8x64xf32>
  %c = mlora.buffer "unread" temporary : memref<8x64xf32>
  mlora.section "step" {
    mlora.layers 0 to 0 step 1 {
      mlora.launch @kernel(%a[layer], %b[layer]) : (memref<8x64xf32>, memref<8x64xf32>) -> ()
      mlora.launch @kernel(%a[layer], %b[layer]) : (memref<8x64xf32>, memref<8x64xf32>) -> ()
    }
  }
}

// mlora.joined_kernel: stays as its launches know it, with arguments that no part has. mlora.part: a part is what runs; two of them that
// only read are two.
// CHECK-LABEL: mlora.joined_kernel @joined(
// CHECK-NEXT: memref<8xf32>,
// CHECK-NEXT: memref<8xf32>,
// CHECK-NEXT: memref<8xf32>)
// CHECK-COUNT-1: mlora.part @sums
// CHECK-NEXT: mlora.part @more
// CHECK-NEXT: mlora.kernel @sums
mlora.joined_kernel @joined(%x: memref<8xf32>, %y: memref<8xf32>, %unread: memref<8xf32>) {
  mlora.part @sums(%x, %y) : memref<8xf32>, memref<8xf32>
  mlora.part @more(%x) : memref<8xf32>
  mlora.kernel @sums(%x: tensor<8xf32>) -> tensor<8xf32> grid ["8 by 16"] {
    %y = mlora.square_sum %x : (tensor<8xf32>) -> tensor<8xf32>
    mlora.yield %y : tensor<8xf32>
  }
  mlora.kernel @more(%x: tensor<8xf32>) grid ["8 by 16"] {
    mlora.yield
  }
}

// mlora.emulate: a test; it is run as often as it is written.
// CHECK-COUNT-2: mlora.emulate @kernels::@copy
mlora.emulate @kernels::@copy grid [1] block [32] arguments [1 : i32]
mlora.emulate @kernels::@copy grid [1] block [32] arguments [1 : i32]

// mlora.chunked_call: a value like any other: the same call is one, one that nobody reads is none.
// CHECK-LABEL: func.func @chunked_call(
// CHECK-NEXT: mlora.chunked_call @copied(
// CHECK-NEXT: return %[[Y:[^,]+]], %[[Y]] :
func.func @chunked_call(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %y = mlora.chunked_call @copied(%x) by 16 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %again = mlora.chunked_call @copied(%x) by 16 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %unread = mlora.chunked_call @copied(%x) by 32 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y, %again : tensor<?x8xf32>, tensor<?x8xf32>
}
func.func @copied(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}

// mlora.chunks: a loop stays.
// CHECK-LABEL: mlora.program @chunks
// CHECK: mlora.chunks {
// CHECK-COUNT-2: mlora.launch @kernel
mlora.program @chunks chunk_rows 16 {
  %a = mlora.buffer "h" temporary extent "counted_rows" : memref<?x64xf32>
  mlora.section "step" {
    mlora.chunks {
      mlora.launch @kernel(%a[0], %a[0]) : (memref<?x64xf32>, memref<?x64xf32>) -> ()
      mlora.launch @kernel(%a[0], %a[0]) : (memref<?x64xf32>, memref<?x64xf32>) -> ()
    }
  }
}
