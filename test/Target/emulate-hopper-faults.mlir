// RUN: mlora-opt %s --mlora-emulate -split-input-file -verify-diagnostics -o /dev/null

// The kernels of emulate-hopper.mlir, each with a fault.

// The stores are not made visible to the async proxy.
gpu.module @m {
  // x: 64 rows of 128 bytes; w: 16 rows; then the mbarrier.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @fence_missing(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %y: !llvm.ptr<1>, %xmap: !llvm.ptr, %wmap: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %ws = llvm.getelementptr %shared[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %bar = llvm.getelementptr %shared[10240] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xto = llvm.addrspacecast %shared : !llvm.ptr<3> to !llvm.ptr<7>
    %wto = llvm.addrspacecast %ws : !llvm.ptr<3> to !llvm.ptr<7>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %bar, %one : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    llvm.cond_br %leads, ^load, ^wait
  ^load:
    %bytes = llvm.mlir.constant(2048 : i32) : i32
    nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %wto, %wmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    llvm.br ^wait
  ^wait:
    // Half a row each, 16 bytes at a time, to where the swizzle wants them: piece ^ (row & 7).
    %c1024 = llvm.mlir.constant(1024 : i64) : i64
    %two = llvm.mlir.constant(2 : i32) : i32
    %seven = llvm.mlir.constant(7 : i32) : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %c6 = llvm.mlir.constant(6 : i32) : i32
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %c7 = llvm.mlir.constant(7 : i32) : i32
    %row = llvm.lshr %t, %one : i32
    %half = llvm.and %t, %one : i32
    %first = llvm.shl %half, %two : i32
    %turn = llvm.and %row, %seven : i32
    %rowbytes = llvm.shl %row, %c7 : i32
    %rowelements = llvm.shl %row, %c6 : i32
    llvm.br ^pieces(%zero : i32)
  ^pieces(%i: i32):
    %piece = llvm.add %first, %i : i32
    %turned = llvm.xor %piece, %turn : i32
    %within = llvm.shl %turned, %c4 : i32
    %to = llvm.add %rowbytes, %within : i32
    %eight = llvm.shl %piece, %c3 : i32
    %from = llvm.add %rowelements, %eight : i32
    %source = llvm.getelementptr %x[%from] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, bf16
    %place = llvm.getelementptr %shared[%to] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %data = llvm.load %source {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
    // expected-note @below {{the store}}
    llvm.store %data, %place {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
    %next = llvm.add %i, %one : i32
    %more = llvm.icmp "ult" %next, %c4 : i32
    llvm.cond_br %more, ^pieces(%next : i32), ^stored
  ^stored:
    nvvm.barrier0
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    nvvm.mbarrier.try_wait.parity %bar, %zero, %ticks : !llvm.ptr<3>, i32, i32
    // Start address / 16; rows of eight every 1024 bytes; swizzle of 128 bytes.
    %form = llvm.mlir.constant(4611686293305360384 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %xa = llvm.ptrtoint %shared : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xs = llvm.lshr %xa, %four : i64
    %wss = llvm.lshr %wa, %four : i64
    %a0 = llvm.or %xs, %form : i64
    %b0 = llvm.or %wss, %form : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %d0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    // expected-error @below {{proxy fence missing: @m::@fence_missing, block (0, 0, 0), thread (}}
    %d1 = nvvm.wgmma.mma_async %a0, %b0, %d0, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a1 = llvm.add %a0, %step : i64
    %b1 = llvm.add %b0, %step : i64
    %d2 = nvvm.wgmma.mma_async %a1, %b1, %d1, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a2 = llvm.add %a1, %step : i64
    %b2 = llvm.add %b1, %step : i64
    %d3 = nvvm.wgmma.mma_async %a2, %b2, %d2, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a3 = llvm.add %a2, %step : i64
    %b3 = llvm.add %b2, %step : i64
    %d4 = nvvm.wgmma.mma_async %a3, %b3, %d3, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    // Rows 16 · warp + lane / 4 (and 8 more), columns 2 · (lane % 4) (and 8 more).
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %i2 = llvm.mlir.constant(2 : i32) : i32
    %i3 = llvm.mlir.constant(3 : i32) : i32
    %i4 = llvm.mlir.constant(4 : i32) : i32
    %w16 = llvm.shl %warp, %i4 : i32
    %g = llvm.lshr %lane, %i2 : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %i4 : i32
    %q = llvm.and %lane, %i3 : i32
    %q2 = llvm.shl %q, %one : i32
    %at = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<1>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<1>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<1>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<1>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<1>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<1>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<1>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<1>
    llvm.return
  }
}
func.func @product(%x: tensor<64x64xbf16>, %w: tensor<16x64xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x64xbf16>, tensor<16x64xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@fence_missing grid [1] block [128] dynamic_shared 10248 arguments [
  {type = tensor<64x64xbf16>, init = "random", seed = 1}, {type = tensor<16x64xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 1, box = array<i64: 16, 64>, swizzle = 128}]

// -----

// Parity 1 is that of the phase before the first: the wait is over at once for who comes early, and never for who comes late.
gpu.module @m {
  // x: 64 rows of 128 bytes; w: 16 rows; then the mbarrier.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @wrong_phase(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %y: !llvm.ptr<1>, %xmap: !llvm.ptr, %wmap: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %ws = llvm.getelementptr %shared[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %bar = llvm.getelementptr %shared[10240] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xto = llvm.addrspacecast %shared : !llvm.ptr<3> to !llvm.ptr<7>
    %wto = llvm.addrspacecast %ws : !llvm.ptr<3> to !llvm.ptr<7>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %bar, %one : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    llvm.cond_br %leads, ^load, ^wait
  ^load:
    %bytes = llvm.mlir.constant(10240 : i32) : i32
    nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %xto, %xmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %wto, %wmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    llvm.br ^wait
  ^wait:
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    // expected-error-re @below {{deadlock: @m::@wrong_phase{{.*}} waits for the mbarrier at 0x2c00, in whose phase 1 (parity 1)}}
    nvvm.mbarrier.try_wait.parity %bar, %one, %ticks : !llvm.ptr<3>, i32, i32
    // Start address / 16; rows of eight every 1024 bytes; swizzle of 128 bytes.
    %form = llvm.mlir.constant(4611686293305360384 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %xa = llvm.ptrtoint %shared : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xs = llvm.lshr %xa, %four : i64
    %wss = llvm.lshr %wa, %four : i64
    %a0 = llvm.or %xs, %form : i64
    %b0 = llvm.or %wss, %form : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %d0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    %d1 = nvvm.wgmma.mma_async %a0, %b0, %d0, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a1 = llvm.add %a0, %step : i64
    %b1 = llvm.add %b0, %step : i64
    %d2 = nvvm.wgmma.mma_async %a1, %b1, %d1, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a2 = llvm.add %a1, %step : i64
    %b2 = llvm.add %b1, %step : i64
    %d3 = nvvm.wgmma.mma_async %a2, %b2, %d2, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a3 = llvm.add %a2, %step : i64
    %b3 = llvm.add %b2, %step : i64
    %d4 = nvvm.wgmma.mma_async %a3, %b3, %d3, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    // Rows 16 · warp + lane / 4 (and 8 more), columns 2 · (lane % 4) (and 8 more).
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %i2 = llvm.mlir.constant(2 : i32) : i32
    %i3 = llvm.mlir.constant(3 : i32) : i32
    %i4 = llvm.mlir.constant(4 : i32) : i32
    %w16 = llvm.shl %warp, %i4 : i32
    %g = llvm.lshr %lane, %i2 : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %i4 : i32
    %q = llvm.and %lane, %i3 : i32
    %q2 = llvm.shl %q, %one : i32
    %at = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<1>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<1>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<1>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<1>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<1>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<1>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<1>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<1>
    llvm.return
  }
}
func.func @product(%x: tensor<64x64xbf16>, %w: tensor<16x64xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x64xbf16>, tensor<16x64xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@wrong_phase grid [1] block [128] dynamic_shared 10248 arguments [
  {type = tensor<64x64xbf16>, init = "random", seed = 1}, {type = tensor<16x64xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 1, box = array<i64: 16, 64>, swizzle = 128}]

// -----

// Nobody ends the second phase.
gpu.module @m {
  // x: 64 rows of 128 bytes; w: 16 rows; then the mbarrier.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @phase_without_end(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %y: !llvm.ptr<1>, %xmap: !llvm.ptr, %wmap: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %ws = llvm.getelementptr %shared[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %bar = llvm.getelementptr %shared[10240] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xto = llvm.addrspacecast %shared : !llvm.ptr<3> to !llvm.ptr<7>
    %wto = llvm.addrspacecast %ws : !llvm.ptr<3> to !llvm.ptr<7>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %bar, %one : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    llvm.cond_br %leads, ^load, ^wait
  ^load:
    %bytes = llvm.mlir.constant(10240 : i32) : i32
    nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %xto, %xmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %wto, %wmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    llvm.br ^wait
  ^wait:
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    nvvm.mbarrier.try_wait.parity %bar, %zero, %ticks : !llvm.ptr<3>, i32, i32
    // expected-error-re @below {{deadlock: @m::@phase_without_end{{.*}} waits for the mbarrier at 0x2c00, in whose phase 1 (parity 1) 1 of 1 arrivals and 0 bytes are missing}}
    nvvm.mbarrier.try_wait.parity %bar, %one, %ticks : !llvm.ptr<3>, i32, i32
    // Start address / 16; rows of eight every 1024 bytes; swizzle of 128 bytes.
    %form = llvm.mlir.constant(4611686293305360384 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %xa = llvm.ptrtoint %shared : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xs = llvm.lshr %xa, %four : i64
    %wss = llvm.lshr %wa, %four : i64
    %a0 = llvm.or %xs, %form : i64
    %b0 = llvm.or %wss, %form : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %d0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    %d1 = nvvm.wgmma.mma_async %a0, %b0, %d0, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a1 = llvm.add %a0, %step : i64
    %b1 = llvm.add %b0, %step : i64
    %d2 = nvvm.wgmma.mma_async %a1, %b1, %d1, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a2 = llvm.add %a1, %step : i64
    %b2 = llvm.add %b1, %step : i64
    %d3 = nvvm.wgmma.mma_async %a2, %b2, %d2, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a3 = llvm.add %a2, %step : i64
    %b3 = llvm.add %b2, %step : i64
    %d4 = nvvm.wgmma.mma_async %a3, %b3, %d3, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    // Rows 16 · warp + lane / 4 (and 8 more), columns 2 · (lane % 4) (and 8 more).
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %i2 = llvm.mlir.constant(2 : i32) : i32
    %i3 = llvm.mlir.constant(3 : i32) : i32
    %i4 = llvm.mlir.constant(4 : i32) : i32
    %w16 = llvm.shl %warp, %i4 : i32
    %g = llvm.lshr %lane, %i2 : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %i4 : i32
    %q = llvm.and %lane, %i3 : i32
    %q2 = llvm.shl %q, %one : i32
    %at = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<1>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<1>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<1>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<1>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<1>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<1>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<1>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<1>
    llvm.return
  }
}
func.func @product(%x: tensor<64x64xbf16>, %w: tensor<16x64xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x64xbf16>, tensor<16x64xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@phase_without_end grid [1] block [128] dynamic_shared 10248 arguments [
  {type = tensor<64x64xbf16>, init = "random", seed = 1}, {type = tensor<16x64xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 1, box = array<i64: 16, 64>, swizzle = 128}]

// -----

// More bytes announced than copied.
gpu.module @m {
  // x: 64 rows of 128 bytes; w: 16 rows; then the mbarrier.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @too_many_bytes(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %y: !llvm.ptr<1>, %xmap: !llvm.ptr, %wmap: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %ws = llvm.getelementptr %shared[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %bar = llvm.getelementptr %shared[10240] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xto = llvm.addrspacecast %shared : !llvm.ptr<3> to !llvm.ptr<7>
    %wto = llvm.addrspacecast %ws : !llvm.ptr<3> to !llvm.ptr<7>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %bar, %one : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    llvm.cond_br %leads, ^load, ^wait
  ^load:
    %bytes = llvm.mlir.constant(10256 : i32) : i32
    nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %xto, %xmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %wto, %wmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    llvm.br ^wait
  ^wait:
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    // expected-error-re @below {{deadlock: {{.*}} 0 of 1 arrivals and 16 bytes are missing}}
    nvvm.mbarrier.try_wait.parity %bar, %zero, %ticks : !llvm.ptr<3>, i32, i32
    // Start address / 16; rows of eight every 1024 bytes; swizzle of 128 bytes.
    %form = llvm.mlir.constant(4611686293305360384 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %xa = llvm.ptrtoint %shared : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xs = llvm.lshr %xa, %four : i64
    %wss = llvm.lshr %wa, %four : i64
    %a0 = llvm.or %xs, %form : i64
    %b0 = llvm.or %wss, %form : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %d0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    %d1 = nvvm.wgmma.mma_async %a0, %b0, %d0, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a1 = llvm.add %a0, %step : i64
    %b1 = llvm.add %b0, %step : i64
    %d2 = nvvm.wgmma.mma_async %a1, %b1, %d1, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a2 = llvm.add %a1, %step : i64
    %b2 = llvm.add %b1, %step : i64
    %d3 = nvvm.wgmma.mma_async %a2, %b2, %d2, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a3 = llvm.add %a2, %step : i64
    %b3 = llvm.add %b2, %step : i64
    %d4 = nvvm.wgmma.mma_async %a3, %b3, %d3, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    // Rows 16 · warp + lane / 4 (and 8 more), columns 2 · (lane % 4) (and 8 more).
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %i2 = llvm.mlir.constant(2 : i32) : i32
    %i3 = llvm.mlir.constant(3 : i32) : i32
    %i4 = llvm.mlir.constant(4 : i32) : i32
    %w16 = llvm.shl %warp, %i4 : i32
    %g = llvm.lshr %lane, %i2 : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %i4 : i32
    %q = llvm.and %lane, %i3 : i32
    %q2 = llvm.shl %q, %one : i32
    %at = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<1>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<1>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<1>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<1>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<1>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<1>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<1>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<1>
    llvm.return
  }
}
func.func @product(%x: tensor<64x64xbf16>, %w: tensor<16x64xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x64xbf16>, tensor<16x64xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@too_many_bytes grid [1] block [128] dynamic_shared 10248 arguments [
  {type = tensor<64x64xbf16>, init = "random", seed = 1}, {type = tensor<16x64xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 1, box = array<i64: 16, 64>, swizzle = 128}]

// -----

// The descriptors' stride is 512 bytes: rows of other eights.
gpu.module @m {
  // x: 64 rows of 128 bytes; w: 16 rows; then the mbarrier.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @wrong_stride(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %y: !llvm.ptr<1>, %xmap: !llvm.ptr, %wmap: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %ws = llvm.getelementptr %shared[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %bar = llvm.getelementptr %shared[10240] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xto = llvm.addrspacecast %shared : !llvm.ptr<3> to !llvm.ptr<7>
    %wto = llvm.addrspacecast %ws : !llvm.ptr<3> to !llvm.ptr<7>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %bar, %one : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    llvm.cond_br %leads, ^load, ^wait
  ^load:
    %bytes = llvm.mlir.constant(10240 : i32) : i32
    nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %xto, %xmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %wto, %wmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    llvm.br ^wait
  ^wait:
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    nvvm.mbarrier.try_wait.parity %bar, %zero, %ticks : !llvm.ptr<3>, i32, i32
    // Start address / 16; rows of eight every 1024 bytes; swizzle of 128 bytes.
    %form = llvm.mlir.constant(4611686155866406912 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %xa = llvm.ptrtoint %shared : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xs = llvm.lshr %xa, %four : i64
    %wss = llvm.lshr %wa, %four : i64
    %a0 = llvm.or %xs, %form : i64
    %b0 = llvm.or %wss, %form : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %d0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    %d1 = nvvm.wgmma.mma_async %a0, %b0, %d0, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a1 = llvm.add %a0, %step : i64
    %b1 = llvm.add %b0, %step : i64
    %d2 = nvvm.wgmma.mma_async %a1, %b1, %d1, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a2 = llvm.add %a1, %step : i64
    %b2 = llvm.add %b1, %step : i64
    %d3 = nvvm.wgmma.mma_async %a2, %b2, %d2, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a3 = llvm.add %a2, %step : i64
    %b3 = llvm.add %b2, %step : i64
    %d4 = nvvm.wgmma.mma_async %a3, %b3, %d3, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    // Rows 16 · warp + lane / 4 (and 8 more), columns 2 · (lane % 4) (and 8 more).
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %i2 = llvm.mlir.constant(2 : i32) : i32
    %i3 = llvm.mlir.constant(3 : i32) : i32
    %i4 = llvm.mlir.constant(4 : i32) : i32
    %w16 = llvm.shl %warp, %i4 : i32
    %g = llvm.lshr %lane, %i2 : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %i4 : i32
    %q = llvm.and %lane, %i3 : i32
    %q2 = llvm.shl %q, %one : i32
    %at = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<1>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<1>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<1>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<1>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<1>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<1>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<1>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<1>
    llvm.return
  }
}
func.func @product(%x: tensor<64x64xbf16>, %w: tensor<16x64xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x64xbf16>, tensor<16x64xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
// expected-error @below {{wrong values: @m::@wrong_stride}}
mlora.emulate @m::@wrong_stride grid [1] block [128] dynamic_shared 10248 arguments [
  {type = tensor<64x64xbf16>, init = "random", seed = 1}, {type = tensor<16x64xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 1, box = array<i64: 16, 64>, swizzle = 128}]

// -----

// The descriptors say 64 bytes where the copies swizzle by 128.
gpu.module @m {
  // x: 64 rows of 128 bytes; w: 16 rows; then the mbarrier.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @wrong_swizzle(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %y: !llvm.ptr<1>, %xmap: !llvm.ptr, %wmap: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %ws = llvm.getelementptr %shared[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %bar = llvm.getelementptr %shared[10240] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xto = llvm.addrspacecast %shared : !llvm.ptr<3> to !llvm.ptr<7>
    %wto = llvm.addrspacecast %ws : !llvm.ptr<3> to !llvm.ptr<7>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %bar, %one : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    llvm.cond_br %leads, ^load, ^wait
  ^load:
    %bytes = llvm.mlir.constant(10240 : i32) : i32
    nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %xto, %xmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %wto, %wmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    llvm.br ^wait
  ^wait:
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    nvvm.mbarrier.try_wait.parity %bar, %zero, %ticks : !llvm.ptr<3>, i32, i32
    // Start address / 16; rows of eight every 1024 bytes; swizzle of 128 bytes.
    %form = llvm.mlir.constant(-9223371761976803328 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %xa = llvm.ptrtoint %shared : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xs = llvm.lshr %xa, %four : i64
    %wss = llvm.lshr %wa, %four : i64
    %a0 = llvm.or %xs, %form : i64
    %b0 = llvm.or %wss, %form : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %d0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    %d1 = nvvm.wgmma.mma_async %a0, %b0, %d0, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a1 = llvm.add %a0, %step : i64
    %b1 = llvm.add %b0, %step : i64
    %d2 = nvvm.wgmma.mma_async %a1, %b1, %d1, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a2 = llvm.add %a1, %step : i64
    %b2 = llvm.add %b1, %step : i64
    %d3 = nvvm.wgmma.mma_async %a2, %b2, %d2, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a3 = llvm.add %a2, %step : i64
    %b3 = llvm.add %b2, %step : i64
    %d4 = nvvm.wgmma.mma_async %a3, %b3, %d3, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    // Rows 16 · warp + lane / 4 (and 8 more), columns 2 · (lane % 4) (and 8 more).
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %i2 = llvm.mlir.constant(2 : i32) : i32
    %i3 = llvm.mlir.constant(3 : i32) : i32
    %i4 = llvm.mlir.constant(4 : i32) : i32
    %w16 = llvm.shl %warp, %i4 : i32
    %g = llvm.lshr %lane, %i2 : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %i4 : i32
    %q = llvm.and %lane, %i3 : i32
    %q2 = llvm.shl %q, %one : i32
    %at = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<1>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<1>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<1>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<1>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<1>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<1>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<1>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<1>
    llvm.return
  }
}
func.func @product(%x: tensor<64x64xbf16>, %w: tensor<16x64xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x64xbf16>, tensor<16x64xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
// expected-error @below {{wrong values: @m::@wrong_swizzle}}
mlora.emulate @m::@wrong_swizzle grid [1] block [128] dynamic_shared 10248 arguments [
  {type = tensor<64x64xbf16>, init = "random", seed = 1}, {type = tensor<16x64xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 1, box = array<i64: 16, 64>, swizzle = 128}]

// -----

// The descriptors lead out of shared memory.
gpu.module @m {
  // x: 64 rows of 128 bytes; w: 16 rows; then the mbarrier.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @wild_descriptor(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %y: !llvm.ptr<1>, %xmap: !llvm.ptr, %wmap: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %ws = llvm.getelementptr %shared[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %bar = llvm.getelementptr %shared[10240] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xto = llvm.addrspacecast %shared : !llvm.ptr<3> to !llvm.ptr<7>
    %wto = llvm.addrspacecast %ws : !llvm.ptr<3> to !llvm.ptr<7>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %bar, %one : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    llvm.cond_br %leads, ^load, ^wait
  ^load:
    %bytes = llvm.mlir.constant(10240 : i32) : i32
    nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %xto, %xmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %wto, %wmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    llvm.br ^wait
  ^wait:
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    nvvm.mbarrier.try_wait.parity %bar, %zero, %ticks : !llvm.ptr<3>, i32, i32
    // Start address / 16; rows of eight every 1024 bytes; swizzle of 128 bytes.
    %form = llvm.mlir.constant(4611690416473964544 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %xa = llvm.ptrtoint %shared : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xs = llvm.lshr %xa, %four : i64
    %wss = llvm.lshr %wa, %four : i64
    %a0 = llvm.or %xs, %form : i64
    %b0 = llvm.or %wss, %form : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %d0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    // expected-error @below {{invalid descriptor: @m::@wild_descriptor}}
    %d1 = nvvm.wgmma.mma_async %a0, %b0, %d0, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a1 = llvm.add %a0, %step : i64
    %b1 = llvm.add %b0, %step : i64
    %d2 = nvvm.wgmma.mma_async %a1, %b1, %d1, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a2 = llvm.add %a1, %step : i64
    %b2 = llvm.add %b1, %step : i64
    %d3 = nvvm.wgmma.mma_async %a2, %b2, %d2, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a3 = llvm.add %a2, %step : i64
    %b3 = llvm.add %b2, %step : i64
    %d4 = nvvm.wgmma.mma_async %a3, %b3, %d3, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    // Rows 16 · warp + lane / 4 (and 8 more), columns 2 · (lane % 4) (and 8 more).
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %i2 = llvm.mlir.constant(2 : i32) : i32
    %i3 = llvm.mlir.constant(3 : i32) : i32
    %i4 = llvm.mlir.constant(4 : i32) : i32
    %w16 = llvm.shl %warp, %i4 : i32
    %g = llvm.lshr %lane, %i2 : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %i4 : i32
    %q = llvm.and %lane, %i3 : i32
    %q2 = llvm.shl %q, %one : i32
    %at = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<1>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<1>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<1>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<1>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<1>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<1>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<1>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<1>
    llvm.return
  }
}
func.func @product(%x: tensor<64x64xbf16>, %w: tensor<16x64xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x64xbf16>, tensor<16x64xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@wild_descriptor grid [1] block [128] dynamic_shared 10248 arguments [
  {type = tensor<64x64xbf16>, init = "random", seed = 1}, {type = tensor<16x64xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 1, box = array<i64: 16, 64>, swizzle = 128}]

// -----

gpu.module @m {
  // x: 64 rows of 128 bytes; w: 16 rows; then the mbarrier.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @no_wgmma_fence(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %y: !llvm.ptr<1>, %xmap: !llvm.ptr, %wmap: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %ws = llvm.getelementptr %shared[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %bar = llvm.getelementptr %shared[10240] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xto = llvm.addrspacecast %shared : !llvm.ptr<3> to !llvm.ptr<7>
    %wto = llvm.addrspacecast %ws : !llvm.ptr<3> to !llvm.ptr<7>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %bar, %one : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    llvm.cond_br %leads, ^load, ^wait
  ^load:
    %bytes = llvm.mlir.constant(10240 : i32) : i32
    nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %xto, %xmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %wto, %wmap, %bar, box[%zero, %zero] : !llvm.ptr<7>, !llvm.ptr
    llvm.br ^wait
  ^wait:
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    nvvm.mbarrier.try_wait.parity %bar, %zero, %ticks : !llvm.ptr<3>, i32, i32
    // Start address / 16; rows of eight every 1024 bytes; swizzle of 128 bytes.
    %form = llvm.mlir.constant(4611686293305360384 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %xa = llvm.ptrtoint %shared : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xs = llvm.lshr %xa, %four : i64
    %wss = llvm.lshr %wa, %four : i64
    %a0 = llvm.or %xs, %form : i64
    %b0 = llvm.or %wss, %form : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %d0 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    // expected-error @below {{wgmma fence missing}}
    %d1 = nvvm.wgmma.mma_async %a0, %b0, %d0, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a1 = llvm.add %a0, %step : i64
    %b1 = llvm.add %b0, %step : i64
    %d2 = nvvm.wgmma.mma_async %a1, %b1, %d1, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a2 = llvm.add %a1, %step : i64
    %b2 = llvm.add %b1, %step : i64
    %d3 = nvvm.wgmma.mma_async %a2, %b2, %d2, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %a3 = llvm.add %a2, %step : i64
    %b3 = llvm.add %b2, %step : i64
    %d4 = nvvm.wgmma.mma_async %a3, %b3, %d3, <m = 64, n = 16, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
      : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    // Rows 16 · warp + lane / 4 (and 8 more), columns 2 · (lane % 4) (and 8 more).
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %i2 = llvm.mlir.constant(2 : i32) : i32
    %i3 = llvm.mlir.constant(3 : i32) : i32
    %i4 = llvm.mlir.constant(4 : i32) : i32
    %w16 = llvm.shl %warp, %i4 : i32
    %g = llvm.lshr %lane, %i2 : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %i4 : i32
    %q = llvm.and %lane, %i3 : i32
    %q2 = llvm.shl %q, %one : i32
    %at = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<1>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<1>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<1>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<1>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<1>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<1>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<1>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<1>
    llvm.return
  }
}
func.func @product(%x: tensor<64x64xbf16>, %w: tensor<16x64xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x64xbf16>, tensor<16x64xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@no_wgmma_fence grid [1] block [128] dynamic_shared 10248 arguments [
  {type = tensor<64x64xbf16>, init = "random", seed = 1}, {type = tensor<16x64xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4},
  {tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 1, box = array<i64: 16, 64>, swizzle = 128}]
