// RUN: mlora-opt %s --split-input-file --verify-diagnostics --mlora-emit-object=path=%t.so

// What is not on the list is named, whoever reaches it and however it is declared.

// expected-error@below {{a kernel calls 'system', which is not on the list of allowed symbols}}
module {
  llvm.func @system(!llvm.ptr) -> i32
  llvm.func @kernel(%command: !llvm.ptr) {
    %0 = llvm.call @system(%command) : (!llvm.ptr) -> i32
    llvm.return
  }
}

// -----

// expected-error@below {{a kernel calls 'getenv', which is not on the list of allowed symbols}}
module {
  llvm.func @getenv(!llvm.ptr) -> !llvm.ptr attributes {sym_visibility = "private"}
  llvm.func @helper(%name: !llvm.ptr) -> !llvm.ptr attributes {sym_visibility = "private"} {
    %0 = llvm.call @getenv(%name) : (!llvm.ptr) -> !llvm.ptr
    llvm.return %0 : !llvm.ptr
  }
  llvm.func @kernel(%name: !llvm.ptr) {
    %0 = llvm.call @helper(%name) : (!llvm.ptr) -> !llvm.ptr
    llvm.return
  }
}

// -----

// expected-error@below {{a kernel calls 'environ', which is not on the list of allowed symbols}}
module {
  llvm.mlir.global external @environ() : !llvm.ptr
  llvm.func @kernel(%to: !llvm.ptr) {
    %environ = llvm.mlir.addressof @environ : !llvm.ptr
    %0 = llvm.load %environ : !llvm.ptr -> !llvm.ptr
    llvm.store %0, %to : !llvm.ptr, !llvm.ptr
    llvm.return
  }
}
