// REQUIRES: ptxas
// RUN: rm -rf %t && mkdir %t
// RUN: mlora-opt %s --mlora-rows-to-gpu=chip=sm_90a --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_90a report' -o /dev/null | FileCheck %s
// RUN: FileCheck %s --check-prefix=PTX --implicit-check-not=__nv_ --implicit-check-not=.local < %t/kernels.ptx
// RUN: ptxas -arch=sm_90a -v %t/kernels.ptx -o %t/kernels.cubin 2>&1 | FileCheck %s --check-prefix=PTXAS --implicit-check-not=warning --implicit-check-not=erialized

// Rows and their products with wgmma, assembled, in 8B's shapes: ptxas keeps elements and sums in registers, also behind setmaxnreg, and says nothing of products
// that it had to wait for one by one.

// CHECK-COUNT-6: for sm_90a: 168 registers, {{[0-9]+}} bytes of shared memory, 0 bytes of local memory, 0 bytes spilled

// SwiGLU and m of 96 ranks: elements, a fence, a barrier, a tensor store, two products of 64 ranks in four times 16 columns.
// PTX-LABEL: .entry swiglu(
// PTX: .maxntid 384
// PTX: .minnctapersm 1
// PTX: setmaxnreg.inc.sync.aligned.u32 224
// PTX: mbarrier.try_wait.parity
// PTX-COUNT-4: ld.shared.v4.b32
// PTX: ex2.approx.ftz.f32
// PTX: cvt.rn.bf16x2.f32
// PTX-COUNT-2: st.shared.v4.b32
// PTX: fence.proxy.async.shared::cta
// PTX: bar{{(rier)?}}.sync
// PTX: cp.async.bulk.tensor.2d.global.shared::cta
// PTX: cp.async.bulk.commit_group
// PTX: wgmma.fence.sync.aligned
// PTX-COUNT-8: wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16
// PTX: wgmma.wait_group.sync.aligned 0
// PTX: cp.async.bulk.wait_group.read 1
// PTX: mbarrier.arrive
// PTX: stmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// PTX-DAG: setmaxnreg.dec.sync.aligned.u32 56
// PTX-DAG: cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes
// PTXAS: Used 168 registers

mlora.kernel @swiglu(%gate_up: tensor<?x28672xbf16> {mlora.extent = "rows"}, %w: tensor<4192x14432xbf16>)
    -> (tensor<?x14432xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %gate = mlora.window %gate_up at [0, 0] : (tensor<?x28672xbf16>) -> tensor<?x14336xbf16>
  %up = mlora.window %gate_up at [0, 14336] : (tensor<?x28672xbf16>) -> tensor<?x14336xbf16>
  %active = mlora.swiglu %gate, %up : (tensor<?x14336xbf16>, tensor<?x14336xbf16>) -> tensor<?x14336xbf16>
  %a = mlora.window %w at [4096, 0] : (tensor<4192x14432xbf16>) -> tensor<96x14336xbf16>
  %m = mlora.linear %active, %a : (tensor<?x14336xbf16>, tensor<96x14336xbf16>) -> tensor<?x96xbf16>
  %all = mlora.join %active, %m : (tensor<?x14336xbf16>, tensor<?x96xbf16>) -> tensor<?x14432xbf16>
  mlora.yield %all : tensor<?x14432xbf16>
}
// n=5 r=32: 480 ranks of q, k and v, eight products.
mlora.kernel @norm(%h: tensor<?x4096xbf16> {mlora.extent = "rows"}, %n: tensor<4096xbf16>, %w: tensor<6624x4576xbf16>)
    -> (tensor<?x4576xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %x = mlora.rms_norm %h, %n eps 1.000000e-05 : (tensor<?x4096xbf16>, tensor<4096xbf16>) -> tensor<?x4096xbf16>
  %a = mlora.window %w at [6144, 0] : (tensor<6624x4576xbf16>) -> tensor<480x4096xbf16>
  %m = mlora.linear %x, %a : (tensor<?x4096xbf16>, tensor<480x4096xbf16>) -> tensor<?x480xbf16>
  %all = mlora.join %x, %m : (tensor<?x4096xbf16>, tensor<?x480xbf16>) -> tensor<?x4576xbf16>
  mlora.yield %all : tensor<?x4576xbf16>
}
mlora.kernel @add_norm(%h: tensor<?x4096xbf16> {mlora.extent = "rows"}, %y: tensor<?x4096xbf16> {mlora.extent = "rows"}, %n: tensor<4096xbf16>, %w: tensor<28992x4416xbf16>)
    -> (tensor<?x4096xbf16> {mlora.extent = "rows"}, tensor<?x4416xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %h1 = mlora.add %h, %y : tensor<?x4096xbf16>
  %x = mlora.rms_norm %h1, %n eps 1.000000e-05 : (tensor<?x4096xbf16>, tensor<4096xbf16>) -> tensor<?x4096xbf16>
  %a = mlora.window %w at [28672, 0] : (tensor<28992x4416xbf16>) -> tensor<320x4096xbf16>
  %m = mlora.linear %x, %a : (tensor<?x4096xbf16>, tensor<320x4096xbf16>) -> tensor<?x320xbf16>
  %all = mlora.join %x, %m : (tensor<?x4096xbf16>, tensor<?x320xbf16>) -> tensor<?x4416xbf16>
  mlora.yield %h1, %all : tensor<?x4096xbf16>, tensor<?x4416xbf16>
}
mlora.kernel @swiglu_grad(%gate_up: tensor<?x28672xbf16> {mlora.extent = "rows"}, %dy: tensor<?x14336xbf16> {mlora.extent = "rows"}, %w: tensor<28992x4416xbf16>)
    -> (tensor<?x28992xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %gate = mlora.window %gate_up at [0, 0] : (tensor<?x28672xbf16>) -> tensor<?x14336xbf16>
  %up = mlora.window %gate_up at [0, 14336] : (tensor<?x28672xbf16>) -> tensor<?x14336xbf16>
  %dgate, %dup = mlora.swiglu.grad %dy, %gate, %up : (tensor<?x14336xbf16>, tensor<?x14336xbf16>, tensor<?x14336xbf16>) -> (tensor<?x14336xbf16>, tensor<?x14336xbf16>)
  %bg = mlora.window %w at [0, 4096] : (tensor<28992x4416xbf16>) -> tensor<14336x160xbf16>
  %ug = mlora.linear.input_grad %dgate, %bg : (tensor<?x14336xbf16>, tensor<14336x160xbf16>) -> tensor<?x160xbf16>
  %bu = mlora.window %w at [14336, 4256] : (tensor<28992x4416xbf16>) -> tensor<14336x160xbf16>
  %uu = mlora.linear.input_grad %dup, %bu : (tensor<?x14336xbf16>, tensor<14336x160xbf16>) -> tensor<?x160xbf16>
  %all = mlora.join %dgate, %dup, %ug, %uu : (tensor<?x14336xbf16>, tensor<?x14336xbf16>, tensor<?x160xbf16>, tensor<?x160xbf16>) -> tensor<?x28992xbf16>
  mlora.yield %all : tensor<?x28992xbf16>
}
mlora.kernel @norm_grad(%dx: tensor<?x4096xbf16> {mlora.extent = "rows"}, %h: tensor<?x4096xbf16> {mlora.extent = "rows"}, %n: tensor<4096xbf16>,
                        %dh: tensor<?x4096xbf16> {mlora.extent = "rows"}, %w: tensor<4192x4192xbf16>)
    -> (tensor<?x4192xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %d = mlora.rms_norm.input_grad %dx, %h, %n eps 1.000000e-05 : (tensor<?x4096xbf16>, tensor<?x4096xbf16>, tensor<4096xbf16>) -> tensor<?x4096xbf16>
  %s = mlora.add %dh, %d : tensor<?x4096xbf16>
  %b = mlora.window %w at [0, 4096] : (tensor<4192x4192xbf16>) -> tensor<4096x96xbf16>
  %u = mlora.linear.input_grad %s, %b : (tensor<?x4096xbf16>, tensor<4096x96xbf16>) -> tensor<?x96xbf16>
  %all = mlora.join %s, %u : (tensor<?x4096xbf16>, tensor<?x96xbf16>) -> tensor<?x4192xbf16>
  mlora.yield %all : tensor<?x4192xbf16>
}
// Nine products, a segment's three at a time.
mlora.kernel @of_three(%dq: tensor<?x4096xbf16> {mlora.extent = "rows"}, %dk: tensor<?x1024xbf16> {mlora.extent = "rows"}, %dv: tensor<?x1024xbf16> {mlora.extent = "rows"},
                       %w: tensor<6624x4576xbf16>) -> (tensor<?x480xbf16> {mlora.extent = "rows"}) grid ["rows by 32"] {
  %bq = mlora.window %w at [0, 4096] : (tensor<6624x4576xbf16>) -> tensor<4096x160xbf16>
  %uq = mlora.linear.input_grad %dq, %bq : (tensor<?x4096xbf16>, tensor<4096x160xbf16>) -> tensor<?x160xbf16>
  %bk = mlora.window %w at [4096, 4256] : (tensor<6624x4576xbf16>) -> tensor<1024x160xbf16>
  %uk = mlora.linear.input_grad %dk, %bk : (tensor<?x1024xbf16>, tensor<1024x160xbf16>) -> tensor<?x160xbf16>
  %bv = mlora.window %w at [5120, 4416] : (tensor<6624x4576xbf16>) -> tensor<1024x160xbf16>
  %uv = mlora.linear.input_grad %dv, %bv : (tensor<?x1024xbf16>, tensor<1024x160xbf16>) -> tensor<?x160xbf16>
  %u = mlora.join %uq, %uk, %uv : (tensor<?x160xbf16>, tensor<?x160xbf16>, tensor<?x160xbf16>) -> tensor<?x480xbf16>
  mlora.yield %u : tensor<?x480xbf16>
}
