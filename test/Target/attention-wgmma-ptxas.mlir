// REQUIRES: ptxas
// RUN: rm -rf %t && mkdir %t
// RUN: mlora-opt %s --mlora-attention-to-gpu=chip=sm_90a --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_90a report' -o /dev/null | FileCheck %s
// RUN: FileCheck %s --check-prefix=PTX --implicit-check-not=__nv_ --implicit-check-not=.local < %t/kernels.ptx
// RUN: ptxas -arch=sm_90a -v %t/kernels.ptx -o %t/kernels.cubin 2>&1 | FileCheck %s --check-prefix=PTXAS --implicit-check-not=warning --implicit-check-not=erialized

// The wgmma tier, assembled. 384 threads may have 168 registers each, and do at their entry; setmaxnreg moves them to those that compute. ptxas keeps
// everything in registers, also behind setmaxnreg, and says nothing of products that it had to wait for one by one.

// CHECK-COUNT-16: {{(forward|query_grad|key_value_grad)_(64|128)(_plain|_turned)?}} for sm_90a: {{[0-9]+}} registers, {{[0-9]+}} bytes of shared memory, 0 bytes of local memory, 0 bytes spilled

// Maps are parameters, where the launch has copied them.
// PTX: .extern .shared .align 1024 .b8 shared[];
// PTX-LABEL: .entry forward_64(
// PTX: .param .align 128 .b8 forward_64_param_8[128],
// PTX: .maxntid 384
// PTX: .minnctapersm 1
// PTX: mbarrier.init.shared.b64
// PTX: fence.mbarrier_init.release.cluster
// PTX: setmaxnreg.inc.sync.aligned.u32 232
// PTX: mbarrier.try_wait.parity.shared.b64
// PTX: wgmma.fence.sync.aligned
// PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// PTX: wgmma.commit_group.sync.aligned
// PTX: wgmma.wait_group.sync.aligned 0
// PTX: ex2.approx.ftz.f32
// PTX: stmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX: fence.proxy.async.shared::cta
// PTX: bar.sync
// PTX-DAG: setmaxnreg.dec.sync.aligned.u32 40
// PTX-DAG: cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes
// PTX-DAG: cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group

// PTXAS: Used 168 registers

mlora.kernel @forward_64(%q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x256xbf16>, tensor<?x4xf32>
}
mlora.kernel @forward_128(%q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %start: tensor<?xi32>)
    -> (tensor<?x512xbf16>, tensor<?x4xf32>) grid ["4 by 1", "rows by 64"] {
  %o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?xi32>) -> (tensor<?x512xbf16>, tensor<?x4xf32>)
  mlora.yield %o, %lse : tensor<?x512xbf16>, tensor<?x4xf32>
}
mlora.kernel @query_grad_64(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x256xbf16> grid ["4 by 1", "rows by 64"] {
  %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x256xbf16>
  mlora.yield %dq : tensor<?x256xbf16>
}
mlora.kernel @query_grad_128(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> tensor<?x512xbf16> grid ["4 by 1", "rows by 64"] {
  %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x512xbf16>
  mlora.yield %dq : tensor<?x512xbf16>
}
mlora.kernel @key_value_grad_64(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x128xbf16>, tensor<?x128xbf16>) grid ["2 by 1", "rows by 64"] {
  %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  mlora.yield %dk, %dv : tensor<?x128xbf16>, tensor<?x128xbf16>
}
mlora.kernel @key_value_grad_128(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>, %start: tensor<?xi32>)
    -> (tensor<?x256xbf16>, tensor<?x256xbf16>) grid ["2 by 1", "rows by 64"] {
  %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  mlora.yield %dk, %dv : tensor<?x256xbf16>, tensor<?x256xbf16>
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
mlora.kernel @query_grad_64_plain(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>)
    -> tensor<?x256xbf16> grid ["4 by 1", "rows by 64"] {
  %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>) -> tensor<?x256xbf16>
  mlora.yield %dq : tensor<?x256xbf16>
}
mlora.kernel @query_grad_128_plain(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>)
    -> tensor<?x512xbf16> grid ["4 by 1", "rows by 64"] {
  %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>) -> tensor<?x512xbf16>
  mlora.yield %dq : tensor<?x512xbf16>
}
mlora.kernel @key_value_grad_64_plain(%do: tensor<?x256xbf16>, %q: tensor<?x256xbf16>, %k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %o: tensor<?x256xbf16>, %lse: tensor<?x4xf32>)
    -> (tensor<?x128xbf16>, tensor<?x128xbf16>) grid ["2 by 1", "rows by 64"] {
  %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x4xf32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  mlora.yield %dk, %dv : tensor<?x128xbf16>, tensor<?x128xbf16>
}
mlora.kernel @key_value_grad_128_plain(%do: tensor<?x512xbf16>, %q: tensor<?x512xbf16>, %k: tensor<?x256xbf16>, %v: tensor<?x256xbf16>, %o: tensor<?x512xbf16>, %lse: tensor<?x4xf32>)
    -> (tensor<?x256xbf16>, tensor<?x256xbf16>) grid ["2 by 1", "rows by 64"] {
  %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse heads 4 kv_heads 2
    : (tensor<?x512xbf16>, tensor<?x512xbf16>, tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x512xbf16>, tensor<?x4xf32>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  mlora.yield %dk, %dv : tensor<?x256xbf16>, tensor<?x256xbf16>
}

// With what results go through on their way out.
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
    -> tensor<?x528xbf16> grid ["2 by 1", "kv_rows by 64"] {
  %dkr, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 2 kv_heads 1
    : (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>, tensor<?x256xbf16>, tensor<?x2xf32>, tensor<?xi32>) -> (tensor<?x128xbf16>, tensor<?x128xbf16>)
  %dk = mlora.rope %dkr, %r heads 1 inverse : (tensor<?x128xbf16>, tensor<?x128xf32>) -> tensor<?x128xbf16>
  %p0 = mlora.place %dk in %dyu at [0, 256] : (tensor<?x128xbf16>, tensor<?x528xbf16>) -> tensor<?x528xbf16>
  %p = mlora.place %dv in %p0 at [0, 384] : (tensor<?x128xbf16>, tensor<?x528xbf16>) -> tensor<?x528xbf16>
  mlora.yield %p : tensor<?x528xbf16>
}
