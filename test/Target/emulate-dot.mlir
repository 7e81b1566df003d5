// RUN: mlora-opt %s --mlora-emulate='seeds=4' | FileCheck %s

// Dot products of bytes: all four, and two of them beside numbers of 16 bits; each side signed or not. Sums that begin with nothing are found by what they give.

// CHECK: @kernels::@dots: 1 block of 1 thread, 4 seeds: passed

gpu.module @kernels {
  llvm.func @dots(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %a = llvm.mlir.constant(dense<[-1, 2, -3, 127]> : vector<4xi8>) : vector<4xi8>
    %b = llvm.mlir.constant(dense<[5, -6, 7, -128]> : vector<4xi8>) : vector<4xi8>
    %w = llvm.mlir.constant(dense<[-300, 400]> : vector<2xi16>) : vector<2xi16>
    %c = llvm.mlir.constant(1000 : i32) : i32
    %ss = nvvm.dot.accumulate.4way %a <signed>, %b <signed>, %c : vector<4xi8>, vector<4xi8>
    %us = nvvm.dot.accumulate.4way %a <unsigned>, %b <signed>, %c : vector<4xi8>, vector<4xi8>
    %low = nvvm.dot.accumulate.2way %w <signed>, %b <signed>, %c {b_hi = false} : vector<2xi16>, vector<4xi8>
    %high = nvvm.dot.accumulate.2way %w <signed>, %b <unsigned>, %c {b_hi = true} : vector<2xi16>, vector<4xi8>
    llvm.store %ss, %out : i32, !llvm.ptr<1>
    %p1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    llvm.store %us, %p1 : i32, !llvm.ptr<1>
    %p2 = llvm.getelementptr %out[2] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    llvm.store %low, %p2 : i32, !llvm.ptr<1>
    %p3 = llvm.getelementptr %out[3] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    llvm.store %high, %p3 : i32, !llvm.ptr<1>
    llvm.return
  }
}
// -1·5 - 2·6 - 3·7 - 127·128; 255·5 - 2·6 + 253·7 - 127·128; -300·5 - 400·6; -300·7 + 400·128
mlora.emulate @kernels::@dots grid [1] block [1] arguments [
  {type = tensor<4xi32>, init = "uninitialised", expect = dense<[-15294, -12222, -2900, 50100]> : tensor<4xi32>}]
