// REQUIRES: ptxas
// RUN: rm -rf %t && mkdir %t
// RUN: mlora-opt %s --mlora-sums-to-gpu=chip=sm_90a --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_90a report' -o /dev/null | FileCheck %s
// RUN: FileCheck %s --check-prefix=PTX --implicit-check-not=__nv_ --implicit-check-not=.local < %t/kernels.ptx
// RUN: ptxas -arch=sm_90a -v %t/kernels.ptx -o %t/kernels.cubin 2>&1 | FileCheck %s --check-prefix=PTXAS --implicit-check-not=warning --implicit-check-not=erialized

// Sums over tokens with wgmma, assembled: 128 sums a thread at most, two products' or one's; ptxas keeps them in registers, also behind setmaxnreg,
// and says nothing of products that it had to wait for one by one.

// CHECK-COUNT-4: for sm_90a: 168 registers, {{[0-9]+}} bytes of shared memory, 0 bytes of local memory, 0 bytes spilled

// PTX-LABEL: .entry wide(
// PTX: .maxntid 384
// PTX: .minnctapersm 1
// PTX: setmaxnreg.inc.sync.aligned.u32 232
// PTX-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// PTX: wgmma.wait_group.sync.aligned 0
// PTX: st.global.v2
// PTX-DAG: setmaxnreg.dec.sync.aligned.u32 40
// PTX-DAG: cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes
// PTXAS: Used 168 registers

mlora.kernel @wide(%dy: tensor<?x67584xbf16> {mlora.extent = "rows"}, %m: tensor<?x128xbf16> {mlora.extent = "rows"}) -> tensor<67584x128xf32>
    grid ["1 by 1"] {
  %g = mlora.token_outer %dy, %m : (tensor<?x67584xbf16>, tensor<?x128xbf16>) -> tensor<67584x128xf32>
  mlora.yield %g : tensor<67584x128xf32>
}
// A weight's gradient: tiles of 128 by 256.
mlora.kernel @square(%dy: tensor<?x4096xbf16> {mlora.extent = "rows"}, %x: tensor<?x4096xbf16> {mlora.extent = "rows"}) -> tensor<4096x4096xf32>
    grid ["1 by 1"] {
  %dw = mlora.token_outer %dy, %x : (tensor<?x4096xbf16>, tensor<?x4096xbf16>) -> tensor<4096x4096xf32>
  mlora.yield %dw : tensor<4096x4096xf32>
}
// A factor's, whose rows are the narrow dimension: stored the other way around.
mlora.kernel @factor(%u: tensor<?x480xbf16> {mlora.extent = "rows"}, %x: tensor<?x4096xbf16> {mlora.extent = "rows"}) -> tensor<480x4096xf32>
    grid ["1 by 1"] {
  %da = mlora.token_outer %u, %x : (tensor<?x480xbf16>, tensor<?x4096xbf16>) -> tensor<480x4096xf32>
  mlora.yield %da : tensor<480x4096xf32>
}
// Several, of three tiles, into sums of chunks before.
mlora.kernel @several(%u: tensor<?x288xbf16> {mlora.extent = "rows"}, %x: tensor<?x4096xbf16> {mlora.extent = "rows"},
                      %dy: tensor<?x14336xbf16> {mlora.extent = "rows"}) -> (tensor<288x4096xf32>, tensor<14336x96xf32>, tensor<16x14336xf32>)
    grid ["1 by 1"] attributes {mlora.accumulate} {
  %r = mlora.window %u at [0, 0] : (tensor<?x288xbf16>) -> tensor<?x16xbf16>
  %da = mlora.token_outer %u, %x : (tensor<?x288xbf16>, tensor<?x4096xbf16>) -> tensor<288x4096xf32>
  %g = mlora.token_outer %dy, %u from 96 : (tensor<?x14336xbf16>, tensor<?x288xbf16>) -> tensor<14336x96xf32>
  %small = mlora.token_outer %r, %dy : (tensor<?x16xbf16>, tensor<?x14336xbf16>) -> tensor<16x14336xf32>
  mlora.yield %da, %g, %small : tensor<288x4096xf32>, tensor<14336x96xf32>, tensor<16x14336xf32>
}
