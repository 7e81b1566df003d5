// RUN: mlora-opt %s --mlora-emulate -split-input-file -verify-diagnostics -o /dev/null

// What an mlora.emulate cannot say.

// expected-error @below {{mlora-emulate: there is no mlora.emulate that says what to launch}}
module {
}

// -----

gpu.module @m {
  llvm.func @k(%x: !llvm.ptr) attributes {nvvm.kernel} {
    llvm.return
  }
}
// expected-error @below {{there is no kernel @m::@other in a gpu.module of this file}}
mlora.emulate @m::@other grid [1] block [1] arguments []
// expected-error @below {{@m::@k takes 1 arguments, not 0}}
mlora.emulate @m::@k grid [1] block [1] arguments []
// expected-error @below {{argument 0 is a '!llvm.ptr', which takes a buffer}}
mlora.emulate @m::@k grid [1] block [1] arguments [1 : i32]
// expected-error @below {{argument 0 needs `type`, a tensor type with static sizes, or dense `init`}}
mlora.emulate @m::@k grid [1] block [1] arguments [{init = "zeros"}]
// expected-error @below {{init is "ones"; expected "zeros", "iota", "random", "identity", "uninitialised" or dense values}}
mlora.emulate @m::@k grid [1] block [1] arguments [{type = tensor<4xf32>, init = "ones"}]
// expected-error @below {{argument 0: expect is @nothing; expected dense values, a function of this module, or "same"}}
mlora.emulate @m::@k grid [1] block [1] arguments [{type = tensor<4xf32>, expect = @nothing}]

// -----

gpu.module @m {
  llvm.func @k() attributes {nvvm.kernel} {
    llvm.return
  }
}
// expected-error @below {{block has a size that is not in [1, 1024], alone or multiplied}}
mlora.emulate @m::@k grid [1] block [64, 32] arguments []

// -----

gpu.module @m {
  llvm.func @k() attributes {nvvm.kernel} {
    llvm.return
  }
}
// expected-error @below {{dynamic_shared is 300000, not in [0, 232448]}}
mlora.emulate @m::@k grid [1] block [64] dynamic_shared 300000 arguments []

// -----

// What a launch on a device is refused for.
gpu.module @m {
  llvm.func @k() attributes {nvvm.kernel} {
    llvm.return
  }
}
// expected-error @below {{@m::@k: grid has 65536 along y; a device allows 65535}}
mlora.emulate @m::@k grid [1, 65536] block [32] arguments []

// -----

gpu.module @m {
  llvm.func @k() attributes {nvvm.kernel} {
    llvm.return
  }
}
// expected-error @below {{@m::@k: grid has 70000 along z; a device allows 65535}}
mlora.emulate @m::@k grid [1, 1, 70000] block [32] arguments []

// -----

gpu.module @m {
  llvm.func @k() attributes {nvvm.kernel} {
    llvm.return
  }
}
// expected-error @below {{@m::@k: block has 128 along z; a device allows 64}}
mlora.emulate @m::@k grid [1] block [1, 1, 128] arguments []

// -----

// 48 KiB are the most, and only what a kernel and its functions name is its own.
gpu.module @m {
  llvm.mlir.global internal @most() {addr_space = 3 : i32} : !llvm.array<49152 x i8>
  llvm.mlir.global internal @more() {addr_space = 3 : i32} : i8
  llvm.func @touch_more() {
    %zero = llvm.mlir.constant(0 : i8) : i8
    %more = llvm.mlir.addressof @more : !llvm.ptr<3>
    llvm.store %zero, %more : i8, !llvm.ptr<3>
    llvm.return
  }
  llvm.func @enough() attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i8) : i8
    %most = llvm.mlir.addressof @most : !llvm.ptr<3>
    llvm.store %zero, %most : i8, !llvm.ptr<3>
    llvm.return
  }
  llvm.func @too_much() attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i8) : i8
    %most = llvm.mlir.addressof @most : !llvm.ptr<3>
    llvm.store %zero, %most : i8, !llvm.ptr<3>
    llvm.call @touch_more() : () -> ()
    llvm.return
  }
}
mlora.emulate @m::@enough grid [1] block [1] arguments []
// expected-error @below {{@m::@too_much has 49153 bytes of static shared memory; a device allows 49152 (48 KiB)}}
mlora.emulate @m::@too_much grid [1] block [1] arguments []
// expected-error @below {{@m::@enough has 49152 bytes of static and 190000 of dynamic shared memory; a block of sm_90 has 232448 (227 KiB)}}
mlora.emulate @m::@enough grid [1] block [1] dynamic_shared 190000 arguments []
