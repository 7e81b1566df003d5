// REQUIRES: ptxas
// RUN: mlora-opt %s --mlora-to-gpu | sed -n '/gpu.module/,/^  }$/p' | sed 's/gpu.module @kernels/module/' > %t.mlir
// RUN: mlir-translate --mlir-to-llvmir %t.mlir | opt -O3 -mtriple=nvptx64-nvidia-cuda -o %t.bc
// RUN: llc -O3 -mcpu=sm_80 %t.bc -o %t.sm_80.ptx
// RUN: llc -O3 -mcpu=sm_90 %t.bc -o %t.sm_90.ptx
// RUN: FileCheck %s --check-prefix=PTX --implicit-check-not=__nv_ --implicit-check-not=.local < %t.sm_80.ptx
// RUN: ptxas -arch=sm_80 -v %t.sm_80.ptx -o %t.cubin 2>&1 | FileCheck %s
// RUN: ptxas -arch=sm_90 -v %t.sm_90.ptx -o %t.cubin 2>&1 | FileCheck %s
// RUN: rm -rf %t.sm_100 && mkdir %t.sm_100
// RUN: mlora-opt %s --mlora-attention-to-gpu=chip=sm_100 --mlora-to-gpu --mlora-emit-ptx='path=%t.sm_100 chip=sm_100 report' -o /dev/null | FileCheck %s --check-prefix=SM100

// Each schedule of attention, assembled. It uses what it is meant to use, calls nothing, and ptxas keeps everything in registers.

// PTX: .extern .shared .align 512 .b8 shared[];
// PTX-LABEL: .entry forward_64(
// PTX: .maxntid 128
// PTX: cp.async.cg.shared.global
// PTX: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// PTX: ex2.approx.ftz.f32
// PTX: cvt.rn.bf16x2.f32
// PTX: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16

// For sm_100 by its own schedules.
// SM100-COUNT-38: {{(forward|cached|query_grad|key_value_grad)_[0-9]+(_plain|_turned|_windows)?}} for sm_100: {{[0-9]+}} registers, {{[0-9]+}} bytes of shared memory, 0 bytes of local memory, 0 bytes spilled

// CHECK-NOT: {{[1-9][0-9]*}} bytes stack frame
// CHECK: 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
// CHECK-NOT: {{[1-9][0-9]*}} bytes stack frame
// CHECK-NOT: {{[1-9][0-9]*}} bytes spill

mlora.kernel @forward_64(%q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x4xf32>
}

mlora.kernel @forward_32(%q: tensor<?x128xbf16>, %k: tensor<?x64xbf16>, %v: tensor<?x64xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x128xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x128xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x128xbf16>, tensor<?x4xf32>
}

mlora.kernel @forward_80(%q: tensor<?x320xbf16>, %k: tensor<?x160xbf16>, %v: tensor<?x160xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x320xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x320xbf16>, tensor<?x160xbf16>, tensor<?x160xbf16>, tensor<?xi32>) -> (tensor<?x320xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x320xbf16>, tensor<?x4xf32>
}

mlora.kernel @forward_128(%q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x512xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?xi32>) -> (tensor<?x512xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x512xbf16>, tensor<?x4xf32>
}

mlora.kernel @forward_256(%q: tensor<?x1024xbf16>, %k: tensor<?x512xbf16>, %v: tensor<?x512xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x1024xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x1024xbf16>, tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?xi32>) -> (tensor<?x1024xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x1024xbf16>, tensor<?x4xf32>
}

mlora.kernel @forward_64_plain(%q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>)
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x4xf32>
}

mlora.kernel @forward_128_plain(%q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>)
    -> (tensor<?x512xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>) -> (tensor<?x512xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x512xbf16>, tensor<?x4xf32>
}

mlora.kernel @query_grad_64(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x256xbf16> grid ["4 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  mlora.yield %rdq : tensor<?x256xbf16>
}

mlora.kernel @query_grad_32(%do: tensor<?x128xbf16>, %q: tensor<?x128xbf16>, %k: tensor<?x64xbf16>, %v: tensor<?x64xbf16>, %o: tensor<?x128xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x128xbf16> grid ["4 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x128xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x128xbf16>
  mlora.yield %rdq : tensor<?x128xbf16>
}

mlora.kernel @query_grad_80(%do: tensor<?x320xbf16>, %q: tensor<?x320xbf16>, %k: tensor<?x160xbf16>, %v: tensor<?x160xbf16>, %o: tensor<?x320xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x320xbf16> grid ["4 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x320xbf16>, tensor<?x320xbf16>, tensor<?x160xbf16>, tensor<?x160xbf16>, tensor<?x320xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x320xbf16>
  mlora.yield %rdq : tensor<?x320xbf16>
}

mlora.kernel @query_grad_128(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x512xbf16> grid ["4 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x512xbf16>
  mlora.yield %rdq : tensor<?x512xbf16>
}

mlora.kernel @query_grad_256(%do: tensor<?x1024xbf16>, %q: tensor<?x1024xbf16>, %k: tensor<?x512xbf16>, %v: tensor<?x512xbf16>, %o: tensor<?x1024xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x1024xbf16> grid ["4 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x1024xbf16>, tensor<?x1024xbf16>, tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x1024xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x1024xbf16>
  mlora.yield %rdq : tensor<?x1024xbf16>
}

mlora.kernel @query_grad_64_plain(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>)
    -> tensor<?x256xbf16> grid ["4 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>) -> tensor<?x256xbf16>
  mlora.yield %rdq : tensor<?x256xbf16>
}

mlora.kernel @query_grad_128_plain(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>)
    -> tensor<?x512xbf16> grid ["4 by 1", "rows by 64"] {
  %rdq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>) -> tensor<?x512xbf16>
  mlora.yield %rdq : tensor<?x512xbf16>
}

mlora.kernel @key_value_grad_64(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x128xbf16>, tensor<?x128xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x128xbf16>, tensor<?x128xbf16>
}

mlora.kernel @key_value_grad_32(%do: tensor<?x128xbf16>, %q: tensor<?x128xbf16>, %k: tensor<?x64xbf16>, %v: tensor<?x64xbf16>, %o: tensor<?x128xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x64xbf16>, tensor<?x64xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x128xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x64xbf16>, tensor<?x64xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x64xbf16>, tensor<?x64xbf16>
}

mlora.kernel @key_value_grad_80(%do: tensor<?x320xbf16>, %q: tensor<?x320xbf16>, %k: tensor<?x160xbf16>, %v: tensor<?x160xbf16>, %o: tensor<?x320xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x160xbf16>, tensor<?x160xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x320xbf16>, tensor<?x320xbf16>, tensor<?x160xbf16>, tensor<?x160xbf16>, tensor<?x320xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x160xbf16>, tensor<?x160xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x160xbf16>, tensor<?x160xbf16>
}

mlora.kernel @key_value_grad_128(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x256xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x256xbf16>, tensor<?x256xbf16>
}

mlora.kernel @key_value_grad_256(%do: tensor<?x1024xbf16>, %q: tensor<?x1024xbf16>, %k: tensor<?x512xbf16>, %v: tensor<?x512xbf16>, %o: tensor<?x1024xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x512xbf16>, tensor<?x512xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x1024xbf16>, tensor<?x1024xbf16>, tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x1024xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x512xbf16>, tensor<?x512xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x512xbf16>, tensor<?x512xbf16>
}

mlora.kernel @key_value_grad_64_plain(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>)
    -> (tensor<?x128xbf16>, tensor<?x128xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x128xbf16>, tensor<?x128xbf16>
}

mlora.kernel @key_value_grad_128_plain(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>)
    -> (tensor<?x256xbf16>, tensor<?x256xbf16>) grid ["2 by 1", "rows by 64"] {
  %rdk, %rdv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  mlora.yield %rdk, %rdv : tensor<?x256xbf16>, tensor<?x256xbf16>
}

// With what results go through on their way out.
mlora.kernel @query_grad_32_turned(%do: tensor<?x64xbf16>, %q: tensor<?x64xbf16>, %k: tensor<?x32xbf16>, %v: tensor<?x32xbf16>, %o: tensor<?x64xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>, %r: tensor<?x32xf32>)
    -> tensor<?x144xbf16> grid ["2 by 1", "rows by 64"] {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x64xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<?x64xbf16>, tensor<?x32xf32>) -> tensor<?x64xbf16>
  %p = mlora.place %dq at [0, 0] : (tensor<?x64xbf16>) -> tensor<?x144xbf16>
  mlora.yield %p : tensor<?x144xbf16>
}

mlora.kernel @query_grad_64_turned(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>, %r: tensor<?x64xf32>)
    -> tensor<?x528xbf16> grid ["4 by 1", "rows by 64"] {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  %dq = mlora.rope %dqr, %r heads 4 inverse : (tensor<?x256xbf16>, tensor<?x64xf32>) -> tensor<?x256xbf16>
  %p = mlora.place %dq at [0, 0] : (tensor<?x256xbf16>) -> tensor<?x528xbf16>
  mlora.yield %p : tensor<?x528xbf16>
}

mlora.kernel @query_grad_128_turned(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>, %r: tensor<?x128xf32>)
    -> tensor<?x528xbf16> grid ["2 by 1", "rows by 64"] {
  %dqr = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  %dq = mlora.rope %dqr, %r heads 2 inverse : (tensor<?x256xbf16>, tensor<?x128xf32>) -> tensor<?x256xbf16>
  %p = mlora.place %dq at [0, 0] : (tensor<?x256xbf16>) -> tensor<?x528xbf16>
  mlora.yield %p : tensor<?x528xbf16>
}

mlora.kernel @key_value_grad_32_turned(%do: tensor<?x64xbf16>, %q: tensor<?x64xbf16>, %k: tensor<?x32xbf16>, %v: tensor<?x32xbf16>, %o: tensor<?x64xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>, %r: tensor<?x32xf32>, %dyu: tensor<?x144xbf16>)
    -> tensor<?x144xbf16> grid ["1 by 1", "kv_rows by 64"] {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> (tensor<?x32xbf16>, tensor<?x32xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<?x32xbf16>, tensor<?x32xf32>) -> tensor<?x32xbf16>
  %p0 = mlora.place %dk in %dyu at [0, 64] : (tensor<?x32xbf16>, tensor<?x144xbf16>) -> tensor<?x144xbf16>
  %p = mlora.place %dv in %p0 at [0, 96] : (tensor<?x32xbf16>, tensor<?x144xbf16>) -> tensor<?x144xbf16>
  mlora.yield %p : tensor<?x144xbf16>
}

mlora.kernel @key_value_grad_64_turned(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>, %r: tensor<?x64xf32>, %dyu: tensor<?x528xbf16>)
    -> tensor<?x528xbf16> grid ["2 by 1", "kv_rows by 64"] {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  %dk = mlora.rope %dkr, %r heads 2 inverse : (tensor<?x128xbf16>, tensor<?x64xf32>) -> tensor<?x128xbf16>
  %p0 = mlora.place %dk in %dyu at [0, 256] : (tensor<?x128xbf16>, tensor<?x528xbf16>) -> tensor<?x528xbf16>
  %p = mlora.place %dv in %p0 at [0, 384] : (tensor<?x128xbf16>, tensor<?x528xbf16>) -> tensor<?x528xbf16>
  mlora.yield %p : tensor<?x528xbf16>
}

mlora.kernel @key_value_grad_128_turned(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x2xf32>, %start: tensor<?xi32>, %r: tensor<?x128xf32>, %dyu: tensor<?x528xbf16>)
    -> tensor<?x528xbf16> grid ["1 by 1", "kv_rows by 64"] {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<?x128xbf16>, tensor<?x128xf32>) -> tensor<?x128xbf16>
  %p0 = mlora.place %dk in %dyu at [0, 256] : (tensor<?x128xbf16>, tensor<?x528xbf16>) -> tensor<?x528xbf16>
  %p = mlora.place %dv in %p0 at [0, 384] : (tensor<?x128xbf16>, tensor<?x528xbf16>) -> tensor<?x528xbf16>
  mlora.yield %p : tensor<?x528xbf16>
}

// With q, k and v as columns of one buffer.
mlora.kernel @forward_32_windows(%qkv: tensor<?x128xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x64xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %q = mlora.window %qkv at [0, 0] : (tensor<?x128xbf16>) -> tensor<?x64xbf16>
  %k = mlora.window %qkv at [0, 64] : (tensor<?x128xbf16>) -> tensor<?x32xbf16>
  %v = mlora.window %qkv at [0, 96] : (tensor<?x128xbf16>) -> tensor<?x32xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<?x64xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?xi32>) -> (tensor<?x64xbf16>, tensor<?x2xf32>)
  mlora.yield %x0, %x1 : tensor<?x64xbf16>, tensor<?x2xf32>
}

mlora.kernel @forward_64_windows(%qkv: tensor<?x512xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %q = mlora.window %qkv at [0, 0] : (tensor<?x512xbf16>) -> tensor<?x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %x0, %x1 : tensor<?x256xbf16>, tensor<?x4xf32>
}

mlora.kernel @forward_128_windows(%qkv: tensor<?x512xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x2xf32>) grid ["2 by 1", "rows by 64"] {
  %q = mlora.window %qkv at [0, 0] : (tensor<?x512xbf16>) -> tensor<?x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %x0, %x1 = mlora.attention %q, %k, %v document %start heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x2xf32>)
  mlora.yield %x0, %x1 : tensor<?x256xbf16>, tensor<?x2xf32>
}

mlora.kernel @query_grad_64_windows(%do: tensor<?x256xbf16>, %qkv: tensor<?x512xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x256xbf16> grid ["4 by 1", "rows by 64"] {
  %q = mlora.window %qkv at [0, 0] : (tensor<?x512xbf16>) -> tensor<?x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %x0 = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  mlora.yield %x0 : tensor<?x256xbf16>
}

mlora.kernel @key_value_grad_64_windows(%do: tensor<?x256xbf16>, %qkv: tensor<?x512xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x128xbf16>, tensor<?x128xbf16>) grid ["2 by 1", "rows by 64"] {
  %q = mlora.window %qkv at [0, 0] : (tensor<?x512xbf16>) -> tensor<?x256xbf16>
  %k = mlora.window %qkv at [0, 256] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %v = mlora.window %qkv at [0, 384] : (tensor<?x512xbf16>) -> tensor<?x128xbf16>
  %x0, %x1 = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  mlora.yield %x0, %x1 : tensor<?x128xbf16>, tensor<?x128xbf16>
}

// Over a cache.
mlora.kernel @cached_32(%q: tensor<?x128xbf16> {mlora.extent = "rows"}, %k: tensor<?x32xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x32xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x128xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 4 kv_heads 1
    : (tensor<?x128xbf16>, tensor<?x32xbf16>, tensor<?x32xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x128xbf16>, tensor<?x4xf32>
}

mlora.kernel @cached_64(%q: tensor<?x256xbf16> {mlora.extent = "rows"}, %k: tensor<?x64xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x64xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 4 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x4xf32>
}

mlora.kernel @cached_80(%q: tensor<?x320xbf16> {mlora.extent = "rows"}, %k: tensor<?x80xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x80xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x320xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 4 kv_heads 1
    : (tensor<?x320xbf16>, tensor<?x80xbf16>, tensor<?x80xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x320xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x320xbf16>, tensor<?x4xf32>
}

mlora.kernel @cached_128(%q: tensor<?x512xbf16> {mlora.extent = "rows"}, %k: tensor<?x256xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x256xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x512xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x512xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x512xbf16>, tensor<?x4xf32>
}

mlora.kernel @cached_256(%q: tensor<?x1024xbf16> {mlora.extent = "rows"}, %k: tensor<?x256xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x256xbf16> {mlora.extent = "kv_rows"}, %start: tensor<?xi32> {mlora.extent = "rows"}, %at: tensor<?xi32> {mlora.extent = "rows"}, %from: tensor<?xi32> {mlora.extent = "rows"}, %to: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x1024xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to heads 4 kv_heads 1
    : (tensor<?x1024xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x1024xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x1024xbf16>, tensor<?x4xf32>
}

mlora.kernel @cached_128_plain(%q: tensor<?x512xbf16> {mlora.extent = "rows"}, %k: tensor<?x128xbf16> {mlora.extent = "kv_rows"}, %v: tensor<?x128xbf16> {mlora.extent = "kv_rows"}, %at: tensor<?xi32> {mlora.extent = "rows"})
    -> (tensor<?x512xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 32"] {
  %o, %lse = mlora.attention %q, %k, %v at %at heads 4 kv_heads 1
    : (tensor<?x512xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x512xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x512xbf16>, tensor<?x4xf32>
}
