// RUN: mlora-opt %s --mlora-emulate='seeds=100' -o /dev/null | FileCheck %s
// RUN: not mlora-opt %S/Inputs/emulate-gemm-wrong-swizzle.mlir --mlora-emulate -o /dev/null 2>&1 | FileCheck %s --check-prefix=SWIZZLE

// y = x wᵀ in bf16 with f32 sums: tiles of 32x32, two warps of 16 rows each, K in steps of 16 through two stages of shared
// memory that cp.async fills; x and w by ldmatrix, the products by mma.sync. Rows of a stage are 32 bytes; the two
// 16-byte halves of a row change places by bit 2 of the row (so that eight rows touch all banks).

// CHECK: @kernels::@gemm: 4 blocks of 64 threads, 100 seeds: passed
// SWIZZLE: error: wrong values: @kernels::@gemm, argument 2

gpu.module @kernels {
  // Stage s: x at s · 2048, w at s · 2048 + 1024; 32 rows of 32 bytes each.
  llvm.mlir.global external @stages() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>

  // A row and a half (0 or 1) to bytes: row · 32 + (half ^ (row >> 2 & 1)) · 16.
  llvm.func @place(%row: i32, %half: i32) -> i32 {
    %one = llvm.mlir.constant(1 : i32) : i32
    %two = llvm.mlir.constant(2 : i32) : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %five = llvm.mlir.constant(5 : i32) : i32
    %base = llvm.shl %row, %five : i32
    %high = llvm.lshr %row, %two : i32
    %bit = llvm.and %high, %one : i32
    %turned = llvm.xor %half, %bit : i32
    %offset = llvm.shl %turned, %four : i32
    %bytes = llvm.add %base, %offset : i32
    llvm.return %bytes : i32
  }

  // Copies step k of both operands to its stage: 64 threads, one 16-byte piece of x and one of w each.
  llvm.func @fetch(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %k: i32) {
    %one = llvm.mlir.constant(1 : i32) : i32
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %c5 = llvm.mlir.constant(5 : i32) : i32
    %c6 = llvm.mlir.constant(6 : i32) : i32
    %c11 = llvm.mlir.constant(11 : i32) : i32
    %stages = llvm.mlir.addressof @stages : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %bx = nvvm.read.ptx.sreg.ctaid.x : i32
    %by = nvvm.read.ptx.sreg.ctaid.y : i32
    %row = llvm.lshr %t, %one : i32
    %half = llvm.and %t, %one : i32
    %place = llvm.call @place(%row, %half) : (i32, i32) -> i32
    %parity = llvm.and %k, %one : i32
    %stage = llvm.shl %parity, %c11 : i32
    %to = llvm.add %stage, %place : i32
    %xto = llvm.getelementptr %stages[%to] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %wto = llvm.getelementptr %xto[1024] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %kk = llvm.shl %k, %c4 : i32
    %h8 = llvm.shl %half, %c3 : i32
    %column = llvm.add %kk, %h8 : i32
    %y0 = llvm.shl %by, %c5 : i32
    %x0 = llvm.shl %bx, %c5 : i32
    %xrow = llvm.add %y0, %row : i32
    %wrow = llvm.add %x0, %row : i32
    %xat = llvm.shl %xrow, %c6 : i32
    %wat = llvm.shl %wrow, %c6 : i32
    %xi = llvm.add %xat, %column : i32
    %wi = llvm.add %wat, %column : i32
    %xfrom = llvm.getelementptr %x[%xi] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, bf16
    %wfrom = llvm.getelementptr %w[%wi] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, bf16
    nvvm.cp.async.shared.global %xto, %xfrom, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.shared.global %wto, %wfrom, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    llvm.return
  }

  // x is 64x64, w is 64x64, y is 64x64.
  llvm.func @gemm(%x: !llvm.ptr<1>, %w: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %c2 = llvm.mlir.constant(2 : i32) : i32
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %c5 = llvm.mlir.constant(5 : i32) : i32
    %c6 = llvm.mlir.constant(6 : i32) : i32
    %c7 = llvm.mlir.constant(7 : i32) : i32
    %c11 = llvm.mlir.constant(11 : i32) : i32
    %c15 = llvm.mlir.constant(15 : i32) : i32
    %none = llvm.mlir.constant(0.0 : f32) : f32
    %stages = llvm.mlir.addressof @stages : !llvm.ptr<3>
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %bx = nvvm.read.ptx.sreg.ctaid.x : i32
    %by = nvvm.read.ptx.sreg.ctaid.y : i32
    llvm.call @fetch(%x, %w, %zero) : (!llvm.ptr<1>, !llvm.ptr<1>, i32) -> ()
    nvvm.cp.async.commit.group
    // Rows that this lane names for ldmatrix: of x, 16 · warp + lane % 16, half lane / 16; of w, lane % 8 of a block of 8
    // columns of y, half lane / 8.
    %w16 = llvm.shl %warp, %c4 : i32
    %l15 = llvm.and %lane, %c15 : i32
    %arow = llvm.add %w16, %l15 : i32
    %ahalf = llvm.lshr %lane, %c4 : i32
    %aplace = llvm.call @place(%arow, %ahalf) : (i32, i32) -> i32
    %brow = llvm.and %lane, %c7 : i32
    %beight = llvm.lshr %lane, %c3 : i32
    %bhalf = llvm.and %beight, %one : i32
    %bblock = llvm.lshr %lane, %c4 : i32
    %bblock8 = llvm.shl %bblock, %c3 : i32
    %brow0 = llvm.add %bblock8, %brow : i32
    %c16 = llvm.mlir.constant(16 : i32) : i32
    %brow1 = llvm.add %brow0, %c16 : i32
    %bplace0 = llvm.call @place(%brow0, %bhalf) : (i32, i32) -> i32
    %bplace1 = llvm.call @place(%brow1, %bhalf) : (i32, i32) -> i32
    %start = llvm.mlir.undef : !llvm.struct<(f32, f32, f32, f32)>
    %s0 = llvm.insertvalue %none, %start[0] : !llvm.struct<(f32, f32, f32, f32)>
    %s1 = llvm.insertvalue %none, %s0[1] : !llvm.struct<(f32, f32, f32, f32)>
    %s2 = llvm.insertvalue %none, %s1[2] : !llvm.struct<(f32, f32, f32, f32)>
    %zeros = llvm.insertvalue %none, %s2[3] : !llvm.struct<(f32, f32, f32, f32)>
    llvm.br ^loop(%zero, %zeros, %zeros, %zeros, %zeros : i32, !llvm.struct<(f32, f32, f32, f32)>, !llvm.struct<(f32, f32, f32, f32)>, !llvm.struct<(f32, f32, f32, f32)>, !llvm.struct<(f32, f32, f32, f32)>)
  ^loop(%k: i32, %d0: !llvm.struct<(f32, f32, f32, f32)>, %d1: !llvm.struct<(f32, f32, f32, f32)>, %d2: !llvm.struct<(f32, f32, f32, f32)>, %d3: !llvm.struct<(f32, f32, f32, f32)>):
    %next = llvm.add %k, %one : i32
    %more = llvm.icmp "ult" %next, %c4 : i32
    llvm.cond_br %more, ^prefetch, ^wait
  ^prefetch:
    llvm.call @fetch(%x, %w, %next) : (!llvm.ptr<1>, !llvm.ptr<1>, i32) -> ()
    llvm.br ^wait
  ^wait:
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 1
    nvvm.barrier0
    %parity = llvm.and %k, %one : i32
    %stage = llvm.shl %parity, %c11 : i32
    %base = llvm.getelementptr %stages[%stage] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %wbase = llvm.getelementptr %base[1024] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %ap = llvm.getelementptr %base[%aplace] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %bp0 = llvm.getelementptr %wbase[%bplace0] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %bp1 = llvm.getelementptr %wbase[%bplace1] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %a = nvvm.ldmatrix %ap {num = 4 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
    %b = nvvm.ldmatrix %bp0 {num = 4 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
    %c = nvvm.ldmatrix %bp1 {num = 4 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
    %a0 = llvm.extractvalue %a[0] : !llvm.struct<(i32, i32, i32, i32)>
    %a1 = llvm.extractvalue %a[1] : !llvm.struct<(i32, i32, i32, i32)>
    %a2 = llvm.extractvalue %a[2] : !llvm.struct<(i32, i32, i32, i32)>
    %a3 = llvm.extractvalue %a[3] : !llvm.struct<(i32, i32, i32, i32)>
    %b0l = llvm.extractvalue %b[0] : !llvm.struct<(i32, i32, i32, i32)>
    %b0h = llvm.extractvalue %b[1] : !llvm.struct<(i32, i32, i32, i32)>
    %b1l = llvm.extractvalue %b[2] : !llvm.struct<(i32, i32, i32, i32)>
    %b1h = llvm.extractvalue %b[3] : !llvm.struct<(i32, i32, i32, i32)>
    %b2l = llvm.extractvalue %c[0] : !llvm.struct<(i32, i32, i32, i32)>
    %b2h = llvm.extractvalue %c[1] : !llvm.struct<(i32, i32, i32, i32)>
    %b3l = llvm.extractvalue %c[2] : !llvm.struct<(i32, i32, i32, i32)>
    %b3h = llvm.extractvalue %c[3] : !llvm.struct<(i32, i32, i32, i32)>
    %d00 = llvm.extractvalue %d0[0] : !llvm.struct<(f32, f32, f32, f32)>
    %d01 = llvm.extractvalue %d0[1] : !llvm.struct<(f32, f32, f32, f32)>
    %d02 = llvm.extractvalue %d0[2] : !llvm.struct<(f32, f32, f32, f32)>
    %d03 = llvm.extractvalue %d0[3] : !llvm.struct<(f32, f32, f32, f32)>
    %e0 = nvvm.mma.sync A[%a0, %a1, %a2, %a3] B[%b0l, %b0h] C[%d00, %d01, %d02, %d03]
      {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>,
       multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    %d10 = llvm.extractvalue %d1[0] : !llvm.struct<(f32, f32, f32, f32)>
    %d11 = llvm.extractvalue %d1[1] : !llvm.struct<(f32, f32, f32, f32)>
    %d12 = llvm.extractvalue %d1[2] : !llvm.struct<(f32, f32, f32, f32)>
    %d13 = llvm.extractvalue %d1[3] : !llvm.struct<(f32, f32, f32, f32)>
    %e1 = nvvm.mma.sync A[%a0, %a1, %a2, %a3] B[%b1l, %b1h] C[%d10, %d11, %d12, %d13]
      {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>,
       multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    %d20 = llvm.extractvalue %d2[0] : !llvm.struct<(f32, f32, f32, f32)>
    %d21 = llvm.extractvalue %d2[1] : !llvm.struct<(f32, f32, f32, f32)>
    %d22 = llvm.extractvalue %d2[2] : !llvm.struct<(f32, f32, f32, f32)>
    %d23 = llvm.extractvalue %d2[3] : !llvm.struct<(f32, f32, f32, f32)>
    %e2 = nvvm.mma.sync A[%a0, %a1, %a2, %a3] B[%b2l, %b2h] C[%d20, %d21, %d22, %d23]
      {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>,
       multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    %d30 = llvm.extractvalue %d3[0] : !llvm.struct<(f32, f32, f32, f32)>
    %d31 = llvm.extractvalue %d3[1] : !llvm.struct<(f32, f32, f32, f32)>
    %d32 = llvm.extractvalue %d3[2] : !llvm.struct<(f32, f32, f32, f32)>
    %d33 = llvm.extractvalue %d3[3] : !llvm.struct<(f32, f32, f32, f32)>
    %e3 = nvvm.mma.sync A[%a0, %a1, %a2, %a3] B[%b3l, %b3h] C[%d30, %d31, %d32, %d33]
      {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>,
       multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    nvvm.barrier0
    llvm.cond_br %more, ^loop(%next, %e0, %e1, %e2, %e3 : i32, !llvm.struct<(f32, f32, f32, f32)>, !llvm.struct<(f32, f32, f32, f32)>, !llvm.struct<(f32, f32, f32, f32)>, !llvm.struct<(f32, f32, f32, f32)>), ^store
  ^store:
    %g = llvm.lshr %lane, %c2 : i32
    %t3 = llvm.and %lane, %c3 : i32
    %t2 = llvm.shl %t3, %one : i32
    %y0 = llvm.shl %by, %c5 : i32
    %x0 = llvm.shl %bx, %c5 : i32
    %r0 = llvm.add %y0, %w16 : i32
    %r = llvm.add %r0, %g : i32
    %at0 = llvm.shl %r, %c6 : i32
    %at1 = llvm.add %at0, %x0 : i32
    %at = llvm.add %at1, %t2 : i32
    %out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %p00 = llvm.mlir.undef : vector<2xf32>
    %v000 = llvm.extractvalue %e0[0] : !llvm.struct<(f32, f32, f32, f32)>
    %v001 = llvm.extractvalue %e0[1] : !llvm.struct<(f32, f32, f32, f32)>
    %q00 = llvm.insertelement %v000, %p00[%zero : i32] : vector<2xf32>
    %u00 = llvm.insertelement %v001, %q00[%one : i32] : vector<2xf32>
    %o00 = llvm.getelementptr %out[0] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %u00, %o00 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %p01 = llvm.mlir.undef : vector<2xf32>
    %v010 = llvm.extractvalue %e0[2] : !llvm.struct<(f32, f32, f32, f32)>
    %v011 = llvm.extractvalue %e0[3] : !llvm.struct<(f32, f32, f32, f32)>
    %q01 = llvm.insertelement %v010, %p01[%zero : i32] : vector<2xf32>
    %u01 = llvm.insertelement %v011, %q01[%one : i32] : vector<2xf32>
    %o01 = llvm.getelementptr %out[512] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %u01, %o01 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %p10 = llvm.mlir.undef : vector<2xf32>
    %v100 = llvm.extractvalue %e1[0] : !llvm.struct<(f32, f32, f32, f32)>
    %v101 = llvm.extractvalue %e1[1] : !llvm.struct<(f32, f32, f32, f32)>
    %q10 = llvm.insertelement %v100, %p10[%zero : i32] : vector<2xf32>
    %u10 = llvm.insertelement %v101, %q10[%one : i32] : vector<2xf32>
    %o10 = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %u10, %o10 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %p11 = llvm.mlir.undef : vector<2xf32>
    %v110 = llvm.extractvalue %e1[2] : !llvm.struct<(f32, f32, f32, f32)>
    %v111 = llvm.extractvalue %e1[3] : !llvm.struct<(f32, f32, f32, f32)>
    %q11 = llvm.insertelement %v110, %p11[%zero : i32] : vector<2xf32>
    %u11 = llvm.insertelement %v111, %q11[%one : i32] : vector<2xf32>
    %o11 = llvm.getelementptr %out[520] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %u11, %o11 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %p20 = llvm.mlir.undef : vector<2xf32>
    %v200 = llvm.extractvalue %e2[0] : !llvm.struct<(f32, f32, f32, f32)>
    %v201 = llvm.extractvalue %e2[1] : !llvm.struct<(f32, f32, f32, f32)>
    %q20 = llvm.insertelement %v200, %p20[%zero : i32] : vector<2xf32>
    %u20 = llvm.insertelement %v201, %q20[%one : i32] : vector<2xf32>
    %o20 = llvm.getelementptr %out[16] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %u20, %o20 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %p21 = llvm.mlir.undef : vector<2xf32>
    %v210 = llvm.extractvalue %e2[2] : !llvm.struct<(f32, f32, f32, f32)>
    %v211 = llvm.extractvalue %e2[3] : !llvm.struct<(f32, f32, f32, f32)>
    %q21 = llvm.insertelement %v210, %p21[%zero : i32] : vector<2xf32>
    %u21 = llvm.insertelement %v211, %q21[%one : i32] : vector<2xf32>
    %o21 = llvm.getelementptr %out[528] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %u21, %o21 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %p30 = llvm.mlir.undef : vector<2xf32>
    %v300 = llvm.extractvalue %e3[0] : !llvm.struct<(f32, f32, f32, f32)>
    %v301 = llvm.extractvalue %e3[1] : !llvm.struct<(f32, f32, f32, f32)>
    %q30 = llvm.insertelement %v300, %p30[%zero : i32] : vector<2xf32>
    %u30 = llvm.insertelement %v301, %q30[%one : i32] : vector<2xf32>
    %o30 = llvm.getelementptr %out[24] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %u30, %o30 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %p31 = llvm.mlir.undef : vector<2xf32>
    %v310 = llvm.extractvalue %e3[2] : !llvm.struct<(f32, f32, f32, f32)>
    %v311 = llvm.extractvalue %e3[3] : !llvm.struct<(f32, f32, f32, f32)>
    %q31 = llvm.insertelement %v310, %p31[%zero : i32] : vector<2xf32>
    %u31 = llvm.insertelement %v311, %q31[%one : i32] : vector<2xf32>
    %o31 = llvm.getelementptr %out[536] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    llvm.store %u31, %o31 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    llvm.return
  }
}

func.func @product(%x: tensor<64x64xbf16>, %w: tensor<64x64xbf16>, %y: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %p = mlora.linear %x, %w : (tensor<64x64xbf16>, tensor<64x64xbf16>) -> tensor<64x64xf32>
  return %p : tensor<64x64xf32>
}
mlora.emulate @kernels::@gemm grid [2, 2] block [64] dynamic_shared 4096 arguments [
  {type = tensor<64x64xbf16>, init = "random", seed = 1}, {type = tensor<64x64xbf16>, init = "random", seed = 2},
  {type = tensor<64x64xf32>, expect = @product, tolerance = 1.0e-4}]
