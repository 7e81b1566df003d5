// RUN: mkdir -p %t
// RUN: mlora-opt %s --split-input-file --verify-diagnostics --mlora-emit-ptx='path=%t chip=sm_90a' -o /dev/null

// Sums of wgmma are in flight until a wait: code that reads them before is refused, whatever order it would be assembled in.

gpu.module @no_wait {
  llvm.func @f(%y: !llvm.ptr<1>, %a: i64, %b: i64) attributes {nvvm.kernel} {
    %zeros = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    // expected-error @+1 {{has sums that are read with no wgmma.wait_group in front, in the block of what reads them}}
    %d = nvvm.wgmma.mma_async %a, %b, %zeros, <m = 64, n = 8, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    %x = llvm.extractvalue %d[0] : !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.wait.group.sync.aligned 0
    llvm.store %x, %y : f32, !llvm.ptr<1>
    llvm.return
  }
}

// -----

gpu.module @two_places {
  llvm.func @f(%y: !llvm.ptr<1>, %a: i64, %b: i64, %which: i1) attributes {nvvm.kernel} {
    %zeros = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    // expected-error @+1 {{is read in two places: its sums are to be read behind one wgmma.wait_group}}
    %d = nvvm.wgmma.mma_async %a, %b, %zeros, <m = 64, n = 8, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    %x = llvm.extractvalue %d[0] : !llvm.struct<(f32, f32, f32, f32)>
    llvm.store %x, %y : f32, !llvm.ptr<1>
    llvm.cond_br %which, ^more, ^end
  ^more:
    %z = llvm.extractvalue %d[1] : !llvm.struct<(f32, f32, f32, f32)>
    llvm.store %z, %y : f32, !llvm.ptr<1>
    llvm.br ^end
  ^end:
    llvm.return
  }
}
