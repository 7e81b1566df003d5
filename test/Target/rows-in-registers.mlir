// RUN: mlora-opt %s --mlora-lower-kernels --mlora-blocks-to-threads --canonicalize --cse | FileCheck %s

// Ops one behind another over the same rows are one loop: a warp takes a row, and what its lanes have of it stays with them.

// An addition and its norm: a row of 512 bf16 is two vectors a lane. The sum of a and b is rounded and stored, and read by nobody; neither is
// the sum of squares or its root, which is scratch that no one else sees. Threads meet nowhere.
// CHECK-LABEL: gpu.func @add_norm(
// CHECK-SAME: %[[A:[^:]+]]: memref<?x512xbf16>{{[^,]*,[^,]*,[^,]*}}, %[[B:[^:]+]]: memref<?x512xbf16>
// CHECK-NOT: gpu.barrier
// CHECK: scf.for %row = %warp to %count step %c4 {
// CHECK-NOT: gpu.barrier
// CHECK-COUNT-4: vector.load {{.*}} vector<8xbf16>
// CHECK-COUNT-2: vector.store {{.*}} vector<8xbf16>
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK-NOT: memref.store
// CHECK: math.sqrt
// CHECK-COUNT-2: vector.load {{.*}} : memref<512xbf16>, vector<8xbf16>
// CHECK-NOT: vector.load
// CHECK-COUNT-2: vector.store {{.*}} vector<8xbf16>
// CHECK: }
// CHECK-NEXT: gpu.return
mlora.kernel @add_norm(%a: tensor<?x512xbf16>, %b: tensor<?x512xbf16>, %w: tensor<512xbf16>) -> (tensor<?x512xbf16>, tensor<?x512xbf16>)
    grid ["rows by 4"] {
  %s = mlora.add %a, %b : tensor<?x512xbf16>
  %y = mlora.rms_norm %s, %w eps 1.0e-05 : (tensor<?x512xbf16>, tensor<512xbf16>) -> tensor<?x512xbf16>
  mlora.yield %s, %y : tensor<?x512xbf16>, tensor<?x512xbf16>
}

// A norm's gradient keeps what it read of dy and x for its second look, as far as registers go; what it read of w is the same still.
// CHECK-LABEL: gpu.func @norm_grad(
// CHECK: scf.for %row = %warp
// CHECK-COUNT-6: vector.load {{.*}} vector<8xbf16>
// CHECK-COUNT-10: gpu.shuffle xor
// CHECK: math.sqrt
// CHECK-NOT: vector.load
// CHECK-COUNT-2: vector.store {{.*}} vector<8xbf16>
// CHECK: gpu.return
mlora.kernel @norm_grad(%dy: tensor<?x512xbf16>, %x: tensor<?x512xbf16>, %w: tensor<512xbf16>) -> tensor<?x512xbf16> grid ["rows by 4"] {
  %dx = mlora.rms_norm.input_grad %dy, %x, %w eps 1.0e-05 : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<512xbf16>) -> tensor<?x512xbf16>
  mlora.yield %dx : tensor<?x512xbf16>
}

// Rows that are no multiple of a warp's vectors go through memory.
// CHECK-LABEL: gpu.func @odd_rows(
// CHECK: gpu.barrier
// CHECK: gpu.shuffle
mlora.kernel @odd_rows(%a: tensor<?x520xbf16>, %w: tensor<520xbf16>) -> tensor<?x520xbf16> grid ["rows by 4"] {
  %y = mlora.rms_norm %a, %w eps 1.0e-05 : (tensor<?x520xbf16>, tensor<520xbf16>) -> tensor<?x520xbf16>
  mlora.yield %y : tensor<?x520xbf16>
}
