// RUN: mkdir -p %t
// RUN: mlora-opt %s --split-input-file --verify-diagnostics --mlora-emit-ptx=path=%t
// RUN: not mlora-opt %s --split-input-file --mlora-emit-ptx='path=%t chip=sm_75' 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: echo 'gpu.module @kernels {}' > %t.mlir
// RUN: not mlora-opt %t.mlir --mlora-emit-ptx='path=%t.nowhere' 2>&1 | FileCheck %s --check-prefix=FOLDER

// CHIP: no PTX for chip 'sm_75'; expected one of sm_80, sm_90, sm_90a, sm_100
// FOLDER: cannot write {{.*}}.nowhere/kernels.ptx: No such file or directory

// libdevice is not there, and nothing else is.
gpu.module @imports {
  llvm.func @__nv_expf(f32) -> f32
  llvm.func @kernel(%x: !llvm.ptr) attributes {nvvm.kernel} {
    %v = llvm.load %x : !llvm.ptr -> f32
    // expected-error@below {{needs '__nv_expf', which is not in this module: kernels import nothing}}
    %w = llvm.call @__nv_expf(%v) : (f32) -> f32
    llvm.store %w, %x : f32, !llvm.ptr
    llvm.return
  }
}

// -----

// LLVM's code generator would abort.
gpu.module @functions {
  llvm.func @kernel(%x: !llvm.ptr) attributes {nvvm.kernel} {
    %v = llvm.load %x : !llvm.ptr -> f32
    // expected-error@below {{has no instruction on a GPU: mlora-gpu-to-nvvm makes it a polynomial}}
    %w = llvm.intr.sin(%v) : (f32) -> f32
    llvm.store %w, %x : f32, !llvm.ptr
    llvm.return
  }
}

// -----

gpu.module @other {
  // expected-error@below {{is not of the llvm and nvvm dialects: run mlora-gpu-to-nvvm before}}
  gpu.func @kernel() kernel {
    gpu.return
  }
}

// -----

gpu.module @names {
  // expected-error@below {{and another one are both 'layer$0' in PTX}}
  llvm.func @layer.0() attributes {nvvm.kernel} {
    llvm.return
  }
  llvm.func @layer$0() attributes {nvvm.kernel} {
    llvm.return
  }
}
