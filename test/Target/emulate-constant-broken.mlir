// RUN: mlora-opt %s --mlora-emulate -split-input-file -verify-diagnostics -o /dev/null

// ld.global.nc: loads that say that nobody writes in this launch what they read. The first kernel is right.

gpu.module @m {
  llvm.func @apart(%x: !llvm.ptr<1> {llvm.noalias, llvm.readonly}, %y: !llvm.ptr<1> {llvm.noalias}) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %a = llvm.load %from : !llvm.ptr<1> -> f32
    %b = llvm.load %from invariant : !llvm.ptr<1> -> f32
    %sum = llvm.fadd %a, %b : f32
    llvm.store %sum, %to : f32, !llvm.ptr<1>
    llvm.return
  }
}
func.func @twice(%x: tensor<32xf32>, %y: tensor<32xf32>) -> tensor<32xf32> {
  %sum = mlora.add %x, %x : tensor<32xf32>
  return %sum : tensor<32xf32>
}
mlora.emulate @m::@apart grid [1] block [32] arguments [{type = tensor<32xf32>, init = "iota"}, {type = tensor<32xf32>, expect = @twice}]

// -----

// In place: each thread writes what it has read itself.
gpu.module @m {
  llvm.func @in_place(%x: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %at = llvm.getelementptr %x[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    // expected-note @below {{the load}}
    %a = llvm.load %at invariant : !llvm.ptr<1> -> f32
    %sum = llvm.fadd %a, %a : f32
    // expected-error-re @below {{constant data written: @m::@in_place, block (0, 0, 0), thread ({{.*}}, llvm.store: writes 4 bytes at byte {{.*}} of argument 0 (128 bytes) that thread ({{.*}}) reads in this launch with a load of constant data}}
    llvm.store %sum, %at : f32, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@in_place grid [1] block [32] arguments [{type = tensor<32xf32>, init = "iota"}]

// -----

// A barrier orders the two, and still the load may see what was there before.
gpu.module @m {
  llvm.func @written_before(%x: !llvm.ptr<1> {llvm.noalias, llvm.readonly}, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %to = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    // expected-note @below {{the write}}
    llvm.store %t, %to : i32, !llvm.ptr<1>
    nvvm.barrier0
    // expected-error @below {{constant data written: @m::@written_before, block (0, 0, 0), thread (}}
    %a = llvm.load %to invariant : !llvm.ptr<1> -> i32
    llvm.store %a, %to : i32, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@written_before grid [1] block [32] arguments [{type = tensor<32xi32>}, {type = tensor<32xi32>}]
