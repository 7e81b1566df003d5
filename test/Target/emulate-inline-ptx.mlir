// RUN: mlora-opt %s --mlora-emulate='seeds=100' -split-input-file -verify-diagnostics -o /dev/null | FileCheck %s

// Instructions as text, in llvm.inline_asm and nvvm.inline_ptx: a copy into shared memory that an mbarrier counts.

// CHECK: @m::@as_text: 1 block of 64 threads, 100 seeds: passed
gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 128 : i64} : !llvm.array<64 x f32>
  llvm.mlir.global internal @barrier() {addr_space = 3 : i32, alignment = 8 : i64} : i64
  llvm.func @as_text(%x: !llvm.ptr, %y: !llvm.ptr) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %bytes = llvm.mlir.constant(256 : i32) : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %barrier = llvm.mlir.addressof @barrier : !llvm.ptr<3>
    %to = llvm.ptrtoint %tile : !llvm.ptr<3> to i32
    %at = llvm.ptrtoint %barrier : !llvm.ptr<3> to i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^copy, ^ready
  ^copy:
    llvm.inline_asm has_side_effects "mbarrier.init.shared::cta.b64 [$0], $1;", "r,r" %at, %one : (i32, i32) -> ()
    llvm.inline_asm has_side_effects "fence.mbarrier_init.release.cluster;", "" : () -> ()
    llvm.inline_asm has_side_effects "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;", "r,r" %at, %bytes : (i32, i32) -> ()
    llvm.inline_asm has_side_effects "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1], $2, [$3];", "r,l,r,r" %to, %x, %bytes, %at : (i32, !llvm.ptr, i32, i32) -> ()
    llvm.br ^ready
  ^ready:
    llvm.inline_asm has_side_effects "bar.sync 0, 64;", "" : () -> ()
    llvm.inline_asm has_side_effects "{\0A .reg .pred p;\0AWAIT: mbarrier.try_wait.parity.shared::cta.b64 p, [$0], $1;\0A @p bra DONE;\0A bra WAIT;\0ADONE: }", "r,r" %at, %zero : (i32, i32) -> ()
    %mine = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %a = llvm.inline_asm has_side_effects "ld.shared.f32 $0, [$1];", "=f,r" %mine : (!llvm.ptr<3>) -> f32
    %twice = llvm.fadd %a, %a : f32
    %place = llvm.getelementptr %y[%t] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    nvvm.inline_ptx "st.global.f32 [$0], $1;" ro(%place, %twice : !llvm.ptr, f32)
    llvm.return
  }
}
func.func @twice(%x: tensor<64xf32>, %y: tensor<64xf32>) -> tensor<64xf32> {
  %sum = mlora.add %x, %x : tensor<64xf32>
  return %sum : tensor<64xf32>
}
mlora.emulate @m::@as_text grid [1] block [64] arguments [{type = tensor<64xf32>, init = "random"},
  {type = tensor<64xf32>, init = "uninitialised", expect = @twice, tolerance = 0.0}]

// -----

// The wait is missing.
gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<128 x f32>
  llvm.func @copies_and_reads(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %two = llvm.mlir.constant(2 : i32) : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %i = llvm.shl %t, %two : i32
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %tile[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    // expected-note @below {{the copy}}
    llvm.inline_asm has_side_effects "cp.async.cg.shared.global [$0], [$1], 16;", "r,l" %to, %from : (!llvm.ptr<3>, !llvm.ptr<1>) -> ()
    llvm.inline_asm has_side_effects "cp.async.commit_group; cp.async.wait_group 1;", "" : () -> ()
    // expected-error-re @below {{asynchronous copy not waited for: @m::@copies_and_reads, block (0, 0, 0), thread ({{.*}}, llvm.load: reads 4 bytes}}
    %a = llvm.inline_asm has_side_effects "ld.shared.f32 $0, [$1];", "=f,r" %to : (!llvm.ptr<3>) -> f32
    llvm.store %a, %y : f32, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@copies_and_reads grid [1] block [32] arguments [{type = tensor<128xf32>}, {type = tensor<1xf32>}]

// -----

gpu.module @m {
  llvm.func @unknown() attributes {nvvm.kernel} {
    // expected-error @below {{mlora-emulate: 'llvm.inline_asm' is not built yet: "vote.ballot.b32 %0, 1;"}}
    llvm.inline_asm has_side_effects "vote.ballot.b32 %0, 1;", "" : () -> ()
    llvm.return
  }
}
mlora.emulate @m::@unknown grid [1] block [32] arguments []
