// RUN: rm -rf %t && mkdir %t
// RUN: mlora-opt %s --mlora-write-bundle=path=%t -o /dev/null
// RUN: FileCheck %s --input-file=%t/manifest.json
// RUN: FileCheck %s --input-file=%t/program.mlir --check-prefix=IR
// RUN: llvm-nm -D %t/program.so | FileCheck %s --check-prefix=SYMBOLS

// CHECK:      "arena": {
// CHECK-NEXT:   "fixed": 1024,
// CHECK-NEXT:   "rows": 96
// CHECK:      "buffers": [
// CHECK:        "dtype": "f32"
// CHECK-NEXT:   "name": "h"
// CHECK-NEXT:   "offset": 0
// CHECK-NEXT:   "region": "rows"
// CHECK-NEXT:   "role": "residual"
// CHECK-NEXT:   "shape": [
// CHECK-NEXT:     "rows"
// CHECK-NEXT:     8
// CHECK:        "slot_bytes": 32
// CHECK-NEXT:   "slots": 3
// CHECK:        "name": "w.gradient"
// CHECK:        "of": 1
// CHECK:      "kernels": [
// CHECK:        "doc": "add"
// CHECK:        "block": 2
// CHECK-NEXT:   "extent": "rows"
// CHECK:        "symbol": "twice"
// CHECK:      "parameters": [
// CHECK:        "buffer": 1
// CHECK-NEXT:   "name": "layers.{layer}.w"
// CHECK:        "strides": [
// CHECK-NEXT:     8
// CHECK-NEXT:     1
// CHECK:      "scratch_bytes": 0
// The manifest's `to` is exclusive upward, inclusive downward.
// CHECK:        "layers": {
// CHECK-NEXT:     "from": 0
// CHECK-NEXT:     "step": 1
// CHECK-NEXT:     "to": 2
// CHECK:        "layer": 1
// CHECK-NEXT:   "plus": 1
// CHECK:        "layers": {
// CHECK-NEXT:     "from": 1
// CHECK-NEXT:     "step": -1
// CHECK-NEXT:     "to": 0
// CHECK:      "shared_object": "program.so"
// CHECK-NEXT: "shared_object_xxh3": "{{[0-9a-f]+}}"

// IR:      mlora.kernel @twice
// IR:      mlora.program @train
// SYMBOLS-NOT: U
// SYMBOLS:     T twice

mlora.kernel @twice(%x: tensor<?x8xf32>) -> tensor<?x8xf32> grid ["rows by 2"] {
  %y = mlora.add %x, %x : tensor<?x8xf32>
  mlora.yield %y : tensor<?x8xf32>
}
mlora.program @train arena 1024 + 96 * rows {
  %h = mlora.buffer "h" residual slots 3 offset 0 in "rows" extent "rows" : memref<?x8xf32>
  %w = mlora.buffer "w" parameter slots 2 offset 0
    {parts = [{name = "layers.{layer}.w", offset = 0 : i64, shape = array<i64: 4, 8>, strides = array<i64: 8, 1>}]} : memref<4x8xf32>
  %g = mlora.buffer "w.gradient" gradient slots 2 offset 512 {of = "w"} : memref<4x8xf32>
  mlora.section "micro_step" {
    mlora.layers 0 to 1 step 1 {
      mlora.launch @twice(%h[layer], %h[layer+1]) : (memref<?x8xf32>, memref<?x8xf32>) -> ()
    }
    mlora.layers 1 to 0 step -1 {
      mlora.launch @twice(%h[layer+1], %h[0]) : (memref<?x8xf32>, memref<?x8xf32>) -> ()
    }
  }
}
