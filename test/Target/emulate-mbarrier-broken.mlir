// RUN: mlora-opt %s --mlora-emulate='seeds=100' -split-input-file -verify-diagnostics -o /dev/null

// Arrivals, states and bytes of mbarriers that PTX leaves undefined. The first kernel is right.

gpu.module @m {
  llvm.mlir.global internal @barrier() {addr_space = 3 : i32, alignment = 8 : i64} : i64
  llvm.func @last_completes() attributes {nvvm.kernel} {
    %one = llvm.mlir.constant(1 : i32) : i32
    %three = llvm.mlir.constant(3 : i32) : i32
    %barrier = llvm.mlir.addressof @barrier : !llvm.ptr<3>
    nvvm.mbarrier.init %barrier, %three : !llvm.ptr<3>, i32
    %s0 = nvvm.mbarrier.arrive.nocomplete %barrier, %one : !llvm.ptr<3>, i32 -> i64
    %s1 = nvvm.mbarrier.arrive_drop.nocomplete %barrier, %one : !llvm.ptr<3>, i32 -> i64
    %s2 = nvvm.mbarrier.arrive %barrier : !llvm.ptr<3> -> i64
    llvm.br ^wait
  ^wait:
    %done = nvvm.mbarrier.test.wait %barrier, %s0 : !llvm.ptr<3>, i64 -> i1
    llvm.cond_br %done, ^end, ^wait
  ^end:
    llvm.return
  }
}
mlora.emulate @m::@last_completes grid [1] block [1] arguments []

// -----

gpu.module @m {
  llvm.mlir.global internal @barrier() {addr_space = 3 : i32, alignment = 8 : i64} : i64
  llvm.func @nocomplete_completes() attributes {nvvm.kernel} {
    %one = llvm.mlir.constant(1 : i32) : i32
    %two = llvm.mlir.constant(2 : i32) : i32
    %barrier = llvm.mlir.addressof @barrier : !llvm.ptr<3>
    nvvm.mbarrier.init %barrier, %two : !llvm.ptr<3>, i32
    %s0 = nvvm.mbarrier.arrive.nocomplete %barrier, %one : !llvm.ptr<3>, i32 -> i64
    // expected-error @below {{invalid mbarrier: @m::@nocomplete_completes, block (0, 0, 0), thread (0, 0, 0), nvvm.mbarrier.arrive.nocomplete: 1 arrival at the mbarrier at 0x400, whose phase misses 1 of 2: an arrival of the nocomplete kind must not be a phase's last}}
    %s1 = nvvm.mbarrier.arrive.nocomplete %barrier, %one : !llvm.ptr<3>, i32 -> i64
    llvm.return
  }
}
mlora.emulate @m::@nocomplete_completes grid [1] block [1] arguments []

// -----

gpu.module @m {
  llvm.mlir.global internal @barriers() {addr_space = 3 : i32, alignment = 8 : i64} : !llvm.array<2 x i64>
  llvm.func @state_of_another() attributes {nvvm.kernel} {
    %one = llvm.mlir.constant(1 : i32) : i32
    %first = llvm.mlir.addressof @barriers : !llvm.ptr<3>
    %second = llvm.getelementptr %first[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
    nvvm.mbarrier.init %first, %one : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %second, %one : !llvm.ptr<3>, i32
    %s0 = nvvm.mbarrier.arrive %first : !llvm.ptr<3> -> i64
    %s1 = nvvm.mbarrier.arrive %second : !llvm.ptr<3> -> i64
    // expected-error @below {{invalid mbarrier: @m::@state_of_another, block (0, 0, 0), thread (0, 0, 0), nvvm.mbarrier.test.wait: waits at the mbarrier at 0x400 with a state that no arrival there has returned}}
    %done = nvvm.mbarrier.test.wait %first, %s1 : !llvm.ptr<3>, i64 -> i1
    llvm.return
  }
}
mlora.emulate @m::@state_of_another grid [1] block [1] arguments []

// -----

gpu.module @m {
  llvm.mlir.global internal @barrier() {addr_space = 3 : i32, alignment = 8 : i64} : i64
  llvm.func @old_state() attributes {nvvm.kernel} {
    %one = llvm.mlir.constant(1 : i32) : i32
    %barrier = llvm.mlir.addressof @barrier : !llvm.ptr<3>
    nvvm.mbarrier.init %barrier, %one : !llvm.ptr<3>, i32
    %s0 = nvvm.mbarrier.arrive %barrier : !llvm.ptr<3> -> i64
    %s1 = nvvm.mbarrier.arrive %barrier : !llvm.ptr<3> -> i64
    %now = nvvm.mbarrier.test.wait %barrier, %s1 : !llvm.ptr<3>, i64 -> i1
    // expected-error @below {{with the state of phase 0, and phase 2 is the current one}}
    %done = nvvm.mbarrier.test.wait %barrier, %s0 : !llvm.ptr<3>, i64 -> i1
    llvm.return
  }
}
mlora.emulate @m::@old_state grid [1] block [1] arguments []

// -----

gpu.module @m {
  llvm.mlir.global internal @barrier() {addr_space = 3 : i32, alignment = 8 : i64} : i64
  llvm.func @bytes_beyond_count() attributes {nvvm.kernel} {
    %one = llvm.mlir.constant(1 : i32) : i32
    %bytes = llvm.mlir.constant(1048576 : i32) : i32
    %barrier = llvm.mlir.addressof @barrier : !llvm.ptr<3>
    nvvm.mbarrier.init %barrier, %one : !llvm.ptr<3>, i32
    // expected-error @below {{counts 1048576 bytes at the mbarrier at 0x400, whose phase then misses 1048576; a phase counts at most 2^20 - 1}}
    nvvm.mbarrier.arrive.expect_tx %barrier, %bytes : !llvm.ptr<3>, i32
    llvm.return
  }
}
mlora.emulate @m::@bytes_beyond_count grid [1] block [1] arguments []
