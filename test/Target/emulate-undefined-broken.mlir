// RUN: mlora-opt %s --mlora-emulate='seeds=2' -verify-diagnostics -o /dev/null

// What is nothing yet, read as it is: a sum begins with llvm.mlir.undef, which LLVM would fold to whatever suits it.

gpu.module @kernels {
  llvm.func @sum(%x: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %nothing = llvm.mlir.undef : f32
    %lane = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%lane] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %value = llvm.load %from : !llvm.ptr<1> -> f32
    %sum = llvm.fadd %value, %nothing : f32
    %to = llvm.getelementptr %out[%lane] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    llvm.store %sum, %to : f32, !llvm.ptr<1>
    llvm.return
  }
}
// expected-error@below {{wrong value}}
mlora.emulate @kernels::@sum grid [1] block [4] arguments [
  {type = tensor<4xf32>, init = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>},
  {type = tensor<4xf32>, init = "uninitialised", expect = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>}]
