// RUN: rm -rf %t && mkdir %t
// RUN: mlora-opt %s --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_80' -o /dev/null
// RUN: FileCheck %s --input-file=%t/kernels.ptx --check-prefixes=CHECK,SM80 '--implicit-check-not=__nv_' '--implicit-check-not=.extern .func' '--implicit-check-not=.local'
// RUN: mlora-opt %s --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_90' -o /dev/null
// RUN: FileCheck %s --input-file=%t/kernels.ptx --check-prefixes=CHECK,SM90 '--implicit-check-not=__nv_' '--implicit-check-not=.extern .func' '--implicit-check-not=.local'
// RUN: mlora-opt %s --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_90a' -o /dev/null
// RUN: FileCheck %s --input-file=%t/kernels.ptx --check-prefixes=SM90A
// RUN: mlora-opt %s --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_100' -o /dev/null
// RUN: FileCheck %s --input-file=%t/kernels.ptx --check-prefixes=CHECK,SM100 '--implicit-check-not=__nv_' '--implicit-check-not=.extern .func' '--implicit-check-not=.local'

// One file a gpu.module, for the chip.
// SM80: .version 8.0
// SM80: .target sm_80
// SM90: .version 8.0
// SM90: .target sm_90
// SM90A: .target sm_90a
// SM100: .version 8.6
// SM100: .target sm_100

// Dynamic shared memory is the launch's, never a static object that others could overlap.
// CHECK: .extern .shared .align 512 .b8 __dynamic_shmem__0[];

// Global memory is addressed as such; roots are correctly rounded, and a·b + c is one instruction. The blocks' sizes are known.
// CHECK: .visible .entry norm_linear(
// CHECK: .maxntid 128, 1, 1
// CHECK: .minnctapersm 2
// CHECK: cvta.to.global.u64
// CHECK: shfl.sync.bfly.b32
// CHECK: sqrt.rn.f32
// CHECK: ld.global.nc.v{{4.b32|2.b64}}
// CHECK: st.shared.v{{4.b32|2.b64}}
// CHECK: cp.async.cg.shared.global
// CHECK: bar.sync
// CHECK: .pragma "nounroll";
// CHECK: ld.shared.v{{4.b32|2.b64}}
// SM80-COUNT-32: fma.rn.f32
// SM90-COUNT-32: fma.rn.f32
// SM100-COUNT-16: fma.rn.f32x2
// CHECK: st.global.b32
mlora.kernel @norm_linear(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %m: tensor<32x64xf32>) -> tensor<?x32xf32> grid ["rows by 32"] {
  %n = mlora.rms_norm %x, %w eps 1.0e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %y = mlora.linear %n, %m : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  mlora.yield %y : tensor<?x32xf32>
}

// exp is a polynomial and the quotient correctly rounded: nothing is called, nothing approximated. PTX has no dots in names.
// CHECK: .visible .entry layer$0$gate(
// CHECK-NOT: ex2.approx
// CHECK: div.rn.f32
mlora.kernel @layer.0.gate(%g: tensor<?x64xf32>, %u: tensor<?x64xf32>) -> tensor<?x64xf32> grid ["rows by 32"] {
  %h = mlora.swiglu %g, %u : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  mlora.yield %h : tensor<?x64xf32>
}

// Of results in bf16, which have 8 bits, both are instructions.
// CHECK: .visible .entry layer$1$gate(
// CHECK-NOT: div.rn.f32
// CHECK: ex2.approx.ftz.f32
// CHECK: rcp.approx.ftz.f32
// CHECK-NOT: div.rn.f32
// CHECK: st.global.v{{4.b32|2.b64}}
mlora.kernel @layer.1.gate(%g: tensor<?x64xbf16>, %u: tensor<?x64xbf16>) -> tensor<?x64xbf16> grid ["rows by 32"] {
  %h = mlora.swiglu %g, %u : (tensor<?x64xbf16>, tensor<?x64xbf16>) -> tensor<?x64xbf16>
  mlora.yield %h : tensor<?x64xbf16>
}
