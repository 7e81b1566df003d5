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
