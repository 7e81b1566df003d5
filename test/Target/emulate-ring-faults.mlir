// RUN: mlora-opt %s --mlora-emulate='seeds=100' -split-input-file -verify-diagnostics -o /dev/null

// The ring of emulate-ring.mlir, each with a fault.

// The producer does not wait until a stage is empty.
gpu.module @m {
  // Two stages of 10 KiB (x: 64 rows of 128 bytes, w: 16 rows), then the barriers: full 0 and 1, empty 0 and 1.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @full_again(%xmap: !llvm.ptr, %wmap: !llvm.ptr, %ymap: !llvm.ptr, %x: !llvm.ptr, %w: !llvm.ptr, %y: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %two = llvm.mlir.constant(2 : i32) : i32
    %three = llvm.mlir.constant(3 : i32) : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %six = llvm.mlir.constant(6 : i32) : i32
    %c128 = llvm.mlir.constant(128 : i32) : i32
    %stage_bytes = llvm.mlir.constant(10240 : i32) : i32
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %full = llvm.getelementptr %shared[20480] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %full1 = llvm.getelementptr %shared[20488] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %empty = llvm.getelementptr %shared[20496] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %empty1 = llvm.getelementptr %shared[20504] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %full, %one : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %full1, %one : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %empty, %c128 : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %empty1, %c128 : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    %consumes = llvm.icmp "ult" %t, %c128 : i32
    llvm.cond_br %consumes, ^consumer, ^producers

  // One thread of the second warpgroup copies.
  ^producers:
    nvvm.setmaxregister decrease 40
    %copies = llvm.icmp "eq" %t, %c128 : i32
    llvm.cond_br %copies, ^produce(%zero : i32), ^end
  ^produce(%pk: i32):
    %ps = llvm.and %pk, %one : i32
    %pf = llvm.getelementptr %full[%ps] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %pe = llvm.getelementptr %empty[%ps] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %reused = llvm.icmp "uge" %pk, %two : i32
    llvm.cond_br %reused, ^wait_empty, ^copy
  ^wait_empty:
    llvm.br ^copy
  ^copy:
    nvvm.mbarrier.arrive.expect_tx %pf, %stage_bytes : !llvm.ptr<3>, i32
    %pat = llvm.mul %ps, %stage_bytes : i32
    %px = llvm.getelementptr %shared[%pat] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %pw = llvm.getelementptr %px[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %pxc = llvm.addrspacecast %px : !llvm.ptr<3> to !llvm.ptr<7>
    %pwc = llvm.addrspacecast %pw : !llvm.ptr<3> to !llvm.ptr<7>
    %column = llvm.shl %pk, %six : i32
    // expected-error-re @below {{shared memory race: @m::@full_again{{.*}} writes 8192 bytes}}
    // expected-note @+1 {{the other access, a write}}
    nvvm.cp.async.bulk.tensor.shared.cluster.global %pxc, %xmap, %pf, box[%column, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %pwc, %wmap, %pf, box[%column, %zero] : !llvm.ptr<7>, !llvm.ptr
    %pnext = llvm.add %pk, %one : i32
    %pmore = llvm.icmp "ult" %pnext, %four : i32
    llvm.cond_br %pmore, ^produce(%pnext : i32), ^end

  // The first warpgroup multiplies.
  ^consumer:
    nvvm.setmaxregister increase 232
    %form = llvm.mlir.constant(4611686293305360384 : i64) : i64
    %l4 = llvm.mlir.constant(4 : i64) : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %sums = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    llvm.br ^consume(%zero, %sums : i32, !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>)
  ^consume(%k: i32, %d0: !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>):
    %s = llvm.and %k, %one : i32
    %f = llvm.getelementptr %full[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %e = llvm.getelementptr %empty[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %round = llvm.lshr %k, %one : i32
    %parity = llvm.and %round, %one : i32
    nvvm.mbarrier.try_wait.parity %f, %parity, %ticks : !llvm.ptr<3>, i32, i32
    %at = llvm.mul %s, %stage_bytes : i32
    %xs = llvm.getelementptr %shared[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %ws = llvm.getelementptr %xs[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xa = llvm.ptrtoint %xs : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xd = llvm.lshr %xa, %l4 : i64
    %wd = llvm.lshr %wa, %l4 : i64
    %a0 = llvm.or %xd, %form : i64
    %b0 = llvm.or %wd, %form : i64
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
    %state = nvvm.mbarrier.arrive %e : !llvm.ptr<3> -> i64
    %next = llvm.add %k, %one : i32
    %more = llvm.icmp "ult" %next, %four : i32
    llvm.cond_br %more, ^consume(%next, %d4 : i32, !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>), ^epilogue

  // y goes through shared memory (the first stage) and a tensor copy: rows of 64 bytes.
  ^epilogue:
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %w16 = llvm.shl %warp, %four : i32
    %g = llvm.lshr %lane, %two : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %four : i32
    %q = llvm.and %lane, %three : i32
    %q2 = llvm.shl %q, %one : i32
    %i = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    nvvm.barrier id = %one number_of_threads = %c128
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<3>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<3>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<3>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<3>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<3>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<3>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<3>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<3>
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier id = %one number_of_threads = %c128
    llvm.cond_br %leads, ^store, ^end
  ^store:
    nvvm.cp.async.bulk.tensor.global.shared.cta %ymap, %shared, box[%zero, %zero] : !llvm.ptr, !llvm.ptr<3>
    nvvm.cp.async.bulk.commit.group
    nvvm.cp.async.bulk.wait_group 0
    llvm.br ^end
  ^end:
    llvm.return
  }
}
func.func @product(%x: tensor<64x256xbf16>, %w: tensor<16x256xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x256xbf16>, tensor<16x256xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@full_again grid [1] block [256] dynamic_shared 20512 arguments [
  {tensor_map = 3, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 4, box = array<i64: 16, 64>, swizzle = 128},
  {tensor_map = 5, box = array<i64: 64, 16>},
  {type = tensor<64x256xbf16>, init = "random", seed = 1}, {type = tensor<16x256xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4}]

// -----

// The consumer calls a stage empty while wgmma still reads it.
gpu.module @m {
  // Two stages of 10 KiB (x: 64 rows of 128 bytes, w: 16 rows), then the barriers: full 0 and 1, empty 0 and 1.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @empty_too_early(%xmap: !llvm.ptr, %wmap: !llvm.ptr, %ymap: !llvm.ptr, %x: !llvm.ptr, %w: !llvm.ptr, %y: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %two = llvm.mlir.constant(2 : i32) : i32
    %three = llvm.mlir.constant(3 : i32) : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %six = llvm.mlir.constant(6 : i32) : i32
    %c128 = llvm.mlir.constant(128 : i32) : i32
    %stage_bytes = llvm.mlir.constant(10240 : i32) : i32
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %full = llvm.getelementptr %shared[20480] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %full1 = llvm.getelementptr %shared[20488] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %empty = llvm.getelementptr %shared[20496] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %empty1 = llvm.getelementptr %shared[20504] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %full, %one : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %full1, %one : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %empty, %c128 : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %empty1, %c128 : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    %consumes = llvm.icmp "ult" %t, %c128 : i32
    llvm.cond_br %consumes, ^consumer, ^producers

  // One thread of the second warpgroup copies.
  ^producers:
    nvvm.setmaxregister decrease 40
    %copies = llvm.icmp "eq" %t, %c128 : i32
    llvm.cond_br %copies, ^produce(%zero : i32), ^end
  ^produce(%pk: i32):
    %ps = llvm.and %pk, %one : i32
    %pf = llvm.getelementptr %full[%ps] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %pe = llvm.getelementptr %empty[%ps] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %reused = llvm.icmp "uge" %pk, %two : i32
    llvm.cond_br %reused, ^wait_empty, ^copy
  ^wait_empty:
    %pround = llvm.lshr %pk, %one : i32
    %pparity0 = llvm.sub %pround, %one : i32
    %pparity = llvm.and %pparity0, %one : i32
    nvvm.mbarrier.try_wait.parity %pe, %pparity, %ticks : !llvm.ptr<3>, i32, i32
    llvm.br ^copy
  ^copy:
    nvvm.mbarrier.arrive.expect_tx %pf, %stage_bytes : !llvm.ptr<3>, i32
    %pat = llvm.mul %ps, %stage_bytes : i32
    %px = llvm.getelementptr %shared[%pat] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %pw = llvm.getelementptr %px[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %pxc = llvm.addrspacecast %px : !llvm.ptr<3> to !llvm.ptr<7>
    %pwc = llvm.addrspacecast %pw : !llvm.ptr<3> to !llvm.ptr<7>
    %column = llvm.shl %pk, %six : i32
    // expected-error-re @below {{shared memory race: @m::@empty_too_early{{.*}} that an engine that copies or multiplies beside the threads has read}}
    nvvm.cp.async.bulk.tensor.shared.cluster.global %pxc, %xmap, %pf, box[%column, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %pwc, %wmap, %pf, box[%column, %zero] : !llvm.ptr<7>, !llvm.ptr
    %pnext = llvm.add %pk, %one : i32
    %pmore = llvm.icmp "ult" %pnext, %four : i32
    llvm.cond_br %pmore, ^produce(%pnext : i32), ^end

  // The first warpgroup multiplies.
  ^consumer:
    nvvm.setmaxregister increase 232
    %form = llvm.mlir.constant(4611686293305360384 : i64) : i64
    %l4 = llvm.mlir.constant(4 : i64) : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %sums = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    llvm.br ^consume(%zero, %sums : i32, !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>)
  ^consume(%k: i32, %d0: !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>):
    %s = llvm.and %k, %one : i32
    %f = llvm.getelementptr %full[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %e = llvm.getelementptr %empty[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %round = llvm.lshr %k, %one : i32
    %parity = llvm.and %round, %one : i32
    nvvm.mbarrier.try_wait.parity %f, %parity, %ticks : !llvm.ptr<3>, i32, i32
    %at = llvm.mul %s, %stage_bytes : i32
    %xs = llvm.getelementptr %shared[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %ws = llvm.getelementptr %xs[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xa = llvm.ptrtoint %xs : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xd = llvm.lshr %xa, %l4 : i64
    %wd = llvm.lshr %wa, %l4 : i64
    %a0 = llvm.or %xd, %form : i64
    %b0 = llvm.or %wd, %form : i64
    nvvm.wgmma.fence.aligned
    // expected-note @below {{the other access, a read}}
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
    %state = nvvm.mbarrier.arrive %e : !llvm.ptr<3> -> i64
    nvvm.wgmma.wait.group.sync.aligned 0
    %next = llvm.add %k, %one : i32
    %more = llvm.icmp "ult" %next, %four : i32
    llvm.cond_br %more, ^consume(%next, %d4 : i32, !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>), ^epilogue

  // y goes through shared memory (the first stage) and a tensor copy: rows of 64 bytes.
  ^epilogue:
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %w16 = llvm.shl %warp, %four : i32
    %g = llvm.lshr %lane, %two : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %four : i32
    %q = llvm.and %lane, %three : i32
    %q2 = llvm.shl %q, %one : i32
    %i = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    nvvm.barrier id = %one number_of_threads = %c128
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<3>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<3>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<3>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<3>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<3>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<3>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<3>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<3>
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier id = %one number_of_threads = %c128
    llvm.cond_br %leads, ^store, ^end
  ^store:
    nvvm.cp.async.bulk.tensor.global.shared.cta %ymap, %shared, box[%zero, %zero] : !llvm.ptr, !llvm.ptr<3>
    nvvm.cp.async.bulk.commit.group
    nvvm.cp.async.bulk.wait_group 0
    llvm.br ^end
  ^end:
    llvm.return
  }
}
func.func @product(%x: tensor<64x256xbf16>, %w: tensor<16x256xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x256xbf16>, tensor<16x256xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@empty_too_early grid [1] block [256] dynamic_shared 20512 arguments [
  {tensor_map = 3, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 4, box = array<i64: 16, 64>, swizzle = 128},
  {tensor_map = 5, box = array<i64: 64, 16>},
  {type = tensor<64x256xbf16>, init = "random", seed = 1}, {type = tensor<16x256xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4}]

// -----

// y is stored, and copied out without a proxy fence.
gpu.module @m {
  // Two stages of 10 KiB (x: 64 rows of 128 bytes, w: 16 rows), then the barriers: full 0 and 1, empty 0 and 1.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @store_fence_missing(%xmap: !llvm.ptr, %wmap: !llvm.ptr, %ymap: !llvm.ptr, %x: !llvm.ptr, %w: !llvm.ptr, %y: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %two = llvm.mlir.constant(2 : i32) : i32
    %three = llvm.mlir.constant(3 : i32) : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %six = llvm.mlir.constant(6 : i32) : i32
    %c128 = llvm.mlir.constant(128 : i32) : i32
    %stage_bytes = llvm.mlir.constant(10240 : i32) : i32
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %full = llvm.getelementptr %shared[20480] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %full1 = llvm.getelementptr %shared[20488] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %empty = llvm.getelementptr %shared[20496] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %empty1 = llvm.getelementptr %shared[20504] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %full, %one : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %full1, %one : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %empty, %c128 : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %empty1, %c128 : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    %consumes = llvm.icmp "ult" %t, %c128 : i32
    llvm.cond_br %consumes, ^consumer, ^producers

  // One thread of the second warpgroup copies.
  ^producers:
    nvvm.setmaxregister decrease 40
    %copies = llvm.icmp "eq" %t, %c128 : i32
    llvm.cond_br %copies, ^produce(%zero : i32), ^end
  ^produce(%pk: i32):
    %ps = llvm.and %pk, %one : i32
    %pf = llvm.getelementptr %full[%ps] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %pe = llvm.getelementptr %empty[%ps] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %reused = llvm.icmp "uge" %pk, %two : i32
    llvm.cond_br %reused, ^wait_empty, ^copy
  ^wait_empty:
    %pround = llvm.lshr %pk, %one : i32
    %pparity0 = llvm.sub %pround, %one : i32
    %pparity = llvm.and %pparity0, %one : i32
    nvvm.mbarrier.try_wait.parity %pe, %pparity, %ticks : !llvm.ptr<3>, i32, i32
    llvm.br ^copy
  ^copy:
    nvvm.mbarrier.arrive.expect_tx %pf, %stage_bytes : !llvm.ptr<3>, i32
    %pat = llvm.mul %ps, %stage_bytes : i32
    %px = llvm.getelementptr %shared[%pat] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %pw = llvm.getelementptr %px[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %pxc = llvm.addrspacecast %px : !llvm.ptr<3> to !llvm.ptr<7>
    %pwc = llvm.addrspacecast %pw : !llvm.ptr<3> to !llvm.ptr<7>
    %column = llvm.shl %pk, %six : i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %pxc, %xmap, %pf, box[%column, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %pwc, %wmap, %pf, box[%column, %zero] : !llvm.ptr<7>, !llvm.ptr
    %pnext = llvm.add %pk, %one : i32
    %pmore = llvm.icmp "ult" %pnext, %four : i32
    llvm.cond_br %pmore, ^produce(%pnext : i32), ^end

  // The first warpgroup multiplies.
  ^consumer:
    nvvm.setmaxregister increase 232
    %form = llvm.mlir.constant(4611686293305360384 : i64) : i64
    %l4 = llvm.mlir.constant(4 : i64) : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %sums = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    llvm.br ^consume(%zero, %sums : i32, !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>)
  ^consume(%k: i32, %d0: !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>):
    %s = llvm.and %k, %one : i32
    %f = llvm.getelementptr %full[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %e = llvm.getelementptr %empty[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %round = llvm.lshr %k, %one : i32
    %parity = llvm.and %round, %one : i32
    nvvm.mbarrier.try_wait.parity %f, %parity, %ticks : !llvm.ptr<3>, i32, i32
    %at = llvm.mul %s, %stage_bytes : i32
    %xs = llvm.getelementptr %shared[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %ws = llvm.getelementptr %xs[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xa = llvm.ptrtoint %xs : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xd = llvm.lshr %xa, %l4 : i64
    %wd = llvm.lshr %wa, %l4 : i64
    %a0 = llvm.or %xd, %form : i64
    %b0 = llvm.or %wd, %form : i64
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
    %state = nvvm.mbarrier.arrive %e : !llvm.ptr<3> -> i64
    %next = llvm.add %k, %one : i32
    %more = llvm.icmp "ult" %next, %four : i32
    llvm.cond_br %more, ^consume(%next, %d4 : i32, !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>), ^epilogue

  // y goes through shared memory (the first stage) and a tensor copy: rows of 64 bytes.
  ^epilogue:
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %w16 = llvm.shl %warp, %four : i32
    %g = llvm.lshr %lane, %two : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %four : i32
    %q = llvm.and %lane, %three : i32
    %q2 = llvm.shl %q, %one : i32
    %i = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    nvvm.barrier id = %one number_of_threads = %c128
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    // expected-note @below {{the store}}
    llvm.store %v0, %o0 : f32, !llvm.ptr<3>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<3>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<3>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<3>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<3>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<3>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<3>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<3>
    nvvm.barrier id = %one number_of_threads = %c128
    llvm.cond_br %leads, ^store, ^end
  ^store:
    // expected-error @below {{proxy fence missing: @m::@store_fence_missing}}
    nvvm.cp.async.bulk.tensor.global.shared.cta %ymap, %shared, box[%zero, %zero] : !llvm.ptr, !llvm.ptr<3>
    nvvm.cp.async.bulk.commit.group
    nvvm.cp.async.bulk.wait_group 0
    llvm.br ^end
  ^end:
    llvm.return
  }
}
func.func @product(%x: tensor<64x256xbf16>, %w: tensor<16x256xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x256xbf16>, tensor<16x256xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@store_fence_missing grid [1] block [256] dynamic_shared 20512 arguments [
  {tensor_map = 3, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 4, box = array<i64: 16, 64>, swizzle = 128},
  {tensor_map = 5, box = array<i64: 64, 16>},
  {type = tensor<64x256xbf16>, init = "random", seed = 1}, {type = tensor<16x256xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4}]

// -----

// Shared memory is used again before the copy out has read it.
gpu.module @m {
  // Two stages of 10 KiB (x: 64 rows of 128 bytes, w: 16 rows), then the barriers: full 0 and 1, empty 0 and 1.
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @overwritten(%xmap: !llvm.ptr, %wmap: !llvm.ptr, %ymap: !llvm.ptr, %x: !llvm.ptr, %w: !llvm.ptr, %y: !llvm.ptr) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %two = llvm.mlir.constant(2 : i32) : i32
    %three = llvm.mlir.constant(3 : i32) : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %six = llvm.mlir.constant(6 : i32) : i32
    %c128 = llvm.mlir.constant(128 : i32) : i32
    %stage_bytes = llvm.mlir.constant(10240 : i32) : i32
    %ticks = llvm.mlir.constant(1000 : i32) : i32
    %shared = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    %full = llvm.getelementptr %shared[20480] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %full1 = llvm.getelementptr %shared[20488] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %empty = llvm.getelementptr %shared[20496] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %empty1 = llvm.getelementptr %shared[20504] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %leads = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %leads, ^init, ^ready
  ^init:
    nvvm.mbarrier.init %full, %one : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %full1, %one : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %empty, %c128 : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %empty1, %c128 : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    %consumes = llvm.icmp "ult" %t, %c128 : i32
    llvm.cond_br %consumes, ^consumer, ^producers

  // One thread of the second warpgroup copies.
  ^producers:
    nvvm.setmaxregister decrease 40
    %copies = llvm.icmp "eq" %t, %c128 : i32
    llvm.cond_br %copies, ^produce(%zero : i32), ^end
  ^produce(%pk: i32):
    %ps = llvm.and %pk, %one : i32
    %pf = llvm.getelementptr %full[%ps] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %pe = llvm.getelementptr %empty[%ps] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %reused = llvm.icmp "uge" %pk, %two : i32
    llvm.cond_br %reused, ^wait_empty, ^copy
  ^wait_empty:
    %pround = llvm.lshr %pk, %one : i32
    %pparity0 = llvm.sub %pround, %one : i32
    %pparity = llvm.and %pparity0, %one : i32
    nvvm.mbarrier.try_wait.parity %pe, %pparity, %ticks : !llvm.ptr<3>, i32, i32
    llvm.br ^copy
  ^copy:
    nvvm.mbarrier.arrive.expect_tx %pf, %stage_bytes : !llvm.ptr<3>, i32
    %pat = llvm.mul %ps, %stage_bytes : i32
    %px = llvm.getelementptr %shared[%pat] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %pw = llvm.getelementptr %px[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %pxc = llvm.addrspacecast %px : !llvm.ptr<3> to !llvm.ptr<7>
    %pwc = llvm.addrspacecast %pw : !llvm.ptr<3> to !llvm.ptr<7>
    %column = llvm.shl %pk, %six : i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %pxc, %xmap, %pf, box[%column, %zero] : !llvm.ptr<7>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %pwc, %wmap, %pf, box[%column, %zero] : !llvm.ptr<7>, !llvm.ptr
    %pnext = llvm.add %pk, %one : i32
    %pmore = llvm.icmp "ult" %pnext, %four : i32
    llvm.cond_br %pmore, ^produce(%pnext : i32), ^end

  // The first warpgroup multiplies.
  ^consumer:
    nvvm.setmaxregister increase 232
    %form = llvm.mlir.constant(4611686293305360384 : i64) : i64
    %l4 = llvm.mlir.constant(4 : i64) : i64
    %step = llvm.mlir.constant(2 : i64) : i64
    %sums = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    llvm.br ^consume(%zero, %sums : i32, !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>)
  ^consume(%k: i32, %d0: !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>):
    %s = llvm.and %k, %one : i32
    %f = llvm.getelementptr %full[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %e = llvm.getelementptr %empty[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
    %round = llvm.lshr %k, %one : i32
    %parity = llvm.and %round, %one : i32
    nvvm.mbarrier.try_wait.parity %f, %parity, %ticks : !llvm.ptr<3>, i32, i32
    %at = llvm.mul %s, %stage_bytes : i32
    %xs = llvm.getelementptr %shared[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %ws = llvm.getelementptr %xs[8192] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %xa = llvm.ptrtoint %xs : !llvm.ptr<3> to i64
    %wa = llvm.ptrtoint %ws : !llvm.ptr<3> to i64
    %xd = llvm.lshr %xa, %l4 : i64
    %wd = llvm.lshr %wa, %l4 : i64
    %a0 = llvm.or %xd, %form : i64
    %b0 = llvm.or %wd, %form : i64
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
    %state = nvvm.mbarrier.arrive %e : !llvm.ptr<3> -> i64
    %next = llvm.add %k, %one : i32
    %more = llvm.icmp "ult" %next, %four : i32
    llvm.cond_br %more, ^consume(%next, %d4 : i32, !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>), ^epilogue

  // y goes through shared memory (the first stage) and a tensor copy: rows of 64 bytes.
  ^epilogue:
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %w16 = llvm.shl %warp, %four : i32
    %g = llvm.lshr %lane, %two : i32
    %r = llvm.add %w16, %g : i32
    %r16 = llvm.shl %r, %four : i32
    %q = llvm.and %lane, %three : i32
    %q2 = llvm.shl %q, %one : i32
    %i = llvm.add %r16, %q2 : i32
    %out = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    nvvm.barrier id = %one number_of_threads = %c128
    %v0 = llvm.extractvalue %d4[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o0 = llvm.getelementptr %out[0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v0, %o0 : f32, !llvm.ptr<3>
    %v1 = llvm.extractvalue %d4[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o1 = llvm.getelementptr %out[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v1, %o1 : f32, !llvm.ptr<3>
    %v2 = llvm.extractvalue %d4[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o2 = llvm.getelementptr %out[128] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v2, %o2 : f32, !llvm.ptr<3>
    %v3 = llvm.extractvalue %d4[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o3 = llvm.getelementptr %out[129] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v3, %o3 : f32, !llvm.ptr<3>
    %v4 = llvm.extractvalue %d4[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o4 = llvm.getelementptr %out[8] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v4, %o4 : f32, !llvm.ptr<3>
    %v5 = llvm.extractvalue %d4[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o5 = llvm.getelementptr %out[9] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v5, %o5 : f32, !llvm.ptr<3>
    %v6 = llvm.extractvalue %d4[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o6 = llvm.getelementptr %out[136] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v6, %o6 : f32, !llvm.ptr<3>
    %v7 = llvm.extractvalue %d4[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
    %o7 = llvm.getelementptr %out[137] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    llvm.store %v7, %o7 : f32, !llvm.ptr<3>
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier id = %one number_of_threads = %c128
    llvm.cond_br %leads, ^store, ^end
  ^store:
    // expected-note @below {{the other access, a read}}
    nvvm.cp.async.bulk.tensor.global.shared.cta %ymap, %shared, box[%zero, %zero] : !llvm.ptr, !llvm.ptr<3>
    nvvm.cp.async.bulk.commit.group
    %none = llvm.mlir.constant(0.0 : f32) : f32
    // expected-error @below {{source of an asynchronous copy overwritten: @m::@overwritten}}
    llvm.store %none, %shared : f32, !llvm.ptr<3>
    nvvm.cp.async.bulk.wait_group 0
    llvm.br ^end
  ^end:
    llvm.return
  }
}
func.func @product(%x: tensor<64x256xbf16>, %w: tensor<16x256xbf16>, %y: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %p = mlora.linear %x, %w : (tensor<64x256xbf16>, tensor<16x256xbf16>) -> tensor<64x16xf32>
  return %p : tensor<64x16xf32>
}
mlora.emulate @m::@overwritten grid [1] block [256] dynamic_shared 20512 arguments [
  {tensor_map = 3, box = array<i64: 64, 64>, swizzle = 128}, {tensor_map = 4, box = array<i64: 16, 64>, swizzle = 128},
  {tensor_map = 5, box = array<i64: 64, 16>},
  {type = tensor<64x256xbf16>, init = "random", seed = 1}, {type = tensor<16x256xbf16>, init = "random", seed = 2},
  {type = tensor<64x16xf32>, expect = @product, tolerance = 1.0e-4}]
