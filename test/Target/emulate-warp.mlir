// RUN: mlora-opt %s --mlora-emulate='seeds=20' -o /dev/null | FileCheck %s

// Collectives of a warp, named barriers and mathematics, each against values worked out by hand.

// CHECK-COUNT-7: passed
gpu.module @m {
  // out[t] = value: every kernel ends so.
  llvm.func @put(%out: !llvm.ptr, %value: i32) {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %place = llvm.getelementptr %out[%t] : (!llvm.ptr, i32) -> !llvm.ptr, i32
    llvm.store %value, %place : i32, !llvm.ptr
    llvm.return
  }

  // Each shuffle in segments of eight lanes (mask_and_clamp: segment mask 0x18, clamp 7; up clamps at 0).
  llvm.func @shuffles(%out: !llvm.ptr) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %all = llvm.mlir.constant(-1 : i32) : i32
    %three = llvm.mlir.constant(3 : i32) : i32
    %segment = llvm.mlir.constant(6151 : i32) : i32
    %segment_up = llvm.mlir.constant(6144 : i32) : i32
    %up = nvvm.shfl.sync up %all, %t, %three, %segment_up : i32 -> i32
    %down = nvvm.shfl.sync down %all, %t, %three, %segment : i32 -> i32
    %idx = nvvm.shfl.sync idx %all, %t, %three, %segment : i32 -> i32
    %both = nvvm.shfl.sync bfly %all, %t, %three, %segment {return_value_and_is_valid} : i32 -> !llvm.struct<(i32, i1)>
    %bfly = llvm.extractvalue %both[0] : !llvm.struct<(i32, i1)>
    %c5 = llvm.mlir.constant(5 : i32) : i32
    %c10 = llvm.mlir.constant(10 : i32) : i32
    %c15 = llvm.mlir.constant(15 : i32) : i32
    %a = llvm.shl %down, %c5 : i32
    %b = llvm.shl %idx, %c10 : i32
    %c = llvm.shl %bfly, %c15 : i32
    %ab = llvm.or %a, %b : i32
    %abc = llvm.or %ab, %c : i32
    %abcd = llvm.or %abc, %up : i32
    llvm.call @put(%out, %abcd) : (!llvm.ptr, i32) -> ()
    llvm.return
  }

  // Lanes 0 to 3: ballot of odd lanes, leaders, a sum and a match among themselves.
  llvm.func @votes(%out: !llvm.ptr) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %mask = llvm.mlir.constant(15 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %odd = llvm.and %t, %one : i32
    %is_odd = llvm.icmp "eq" %odd, %one : i32
    %ballot = nvvm.vote.sync ballot %mask, %is_odd -> i32
    %any = nvvm.vote.sync any %mask, %is_odd -> i1
    %every = nvvm.vote.sync all %mask, %is_odd -> i1
    %elected = nvvm.elect.sync -> i1
    %leaders = nvvm.vote.sync ballot %mask, %elected -> i32
    %sum = nvvm.redux.sync add %t, %mask : i32 -> i32
    %match = nvvm.match.sync any %mask, %odd : i32 -> i32
    %e = llvm.zext %any : i1 to i32
    %f = llvm.zext %every : i1 to i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %c8 = llvm.mlir.constant(8 : i32) : i32
    %c12 = llvm.mlir.constant(12 : i32) : i32
    %c13 = llvm.mlir.constant(13 : i32) : i32
    %c14 = llvm.mlir.constant(14 : i32) : i32
    %l = llvm.intr.ctpop(%leaders) : (i32) -> i32 // one, whoever it is
    %s4 = llvm.shl %sum, %c4 : i32
    %m8 = llvm.shl %match, %c8 : i32
    %m = llvm.add %s4, %m8 : i32
    %e12 = llvm.shl %e, %c12 : i32
    %f13 = llvm.shl %f, %c13 : i32
    %l14 = llvm.shl %l, %c14 : i32
    %x = llvm.add %ballot, %m : i32
    %y = llvm.add %x, %e12 : i32
    %z = llvm.add %y, %f13 : i32
    %v = llvm.add %z, %l14 : i32
    llvm.call @put(%out, %v) : (!llvm.ptr, i32) -> ()
    llvm.return
  }

  // Warp 0 fills, warp 1 reads: bar.arrive and bar.sync of 64 threads, then a reduction over the block.
  llvm.mlir.global internal @slots() {addr_space = 3 : i32} : !llvm.array<32 x i32>
  llvm.func @producer(%out: !llvm.ptr) attributes {nvvm.kernel} {
    %slots = llvm.mlir.addressof @slots : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %id = llvm.mlir.constant(3 : i32) : i32
    %count = llvm.mlir.constant(64 : i32) : i32
    %place = llvm.getelementptr %slots[%lane] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %fills = llvm.icmp "eq" %warp, %zero : i32
    llvm.cond_br %fills, ^fill, ^read
  ^fill:
    llvm.store %t, %place : i32, !llvm.ptr<3>
    nvvm.barrier.arrive id = %id number_of_threads = %count
    llvm.br ^end(%zero : i32)
  ^read:
    nvvm.barrier id = %id number_of_threads = %count
    %value = llvm.load %place : !llvm.ptr<3> -> i32
    llvm.br ^end(%value : i32)
  ^end(%v: i32):
    %total = nvvm.barrier #nvvm.reduction<popc> %v -> i32
    %sum = llvm.add %v, %total : i32
    llvm.call @put(%out, %sum) : (!llvm.ptr, i32) -> ()
    llvm.return
  }

  // Order within a warp comes from bar.warp.sync.
  llvm.func @warp_sync(%out: !llvm.ptr) attributes {nvvm.kernel} {
    %slots = llvm.mlir.addressof @slots : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %last = llvm.mlir.constant(31 : i32) : i32
    %all = llvm.mlir.constant(-1 : i32) : i32
    %other = llvm.sub %last, %t : i32
    %mine = llvm.getelementptr %slots[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %theirs = llvm.getelementptr %slots[%other] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %t, %mine : i32, !llvm.ptr<3>
    nvvm.bar.warp.sync %all : i32
    // The same memory by a generic address.
    %generic = llvm.addrspacecast %theirs : !llvm.ptr<3> to !llvm.ptr
    %v = llvm.load %generic : !llvm.ptr -> i32
    llvm.call @put(%out, %v) : (!llvm.ptr, i32) -> ()
    llvm.return
  }

  // A constant table, a local array, bf16 rounding and approximations.
  llvm.mlir.global internal constant @table(dense<[1.0, 2.0, 4.0, 8.0]> : tensor<4xf32>) {addr_space = 4 : i32} : !llvm.array<4 x f32>
  llvm.func @mathematics(%out: !llvm.ptr) attributes {nvvm.kernel} {
    %table = llvm.mlir.addressof @table : !llvm.ptr<4>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %entry = llvm.getelementptr %table[%t] : (!llvm.ptr<4>, i32) -> !llvm.ptr<4>, f32
    %x = llvm.load %entry : !llvm.ptr<4> -> f32
    %log = llvm.call_intrinsic "llvm.nvvm.lg2.approx.f"(%x) : (f32) -> f32
    %exp = llvm.intr.exp2(%log) : (f32) -> f32
    %rsqrt = llvm.call_intrinsic "llvm.nvvm.rsqrt.approx.f"(%x) : (f32) -> f32
    %rsqrt2 = llvm.fmul %rsqrt, %rsqrt : f32
    %rcp = nvvm.rcp.approx.ftz.f %rsqrt2 : f32
    // 1 + 2^-8 lies in the middle of two bf16s: to the even one, 1.
    %c = llvm.mlir.constant(1.00390625 : f32) : f32
    %narrow = llvm.fptrunc %c : f32 to bf16
    %square = llvm.fmul %narrow, %narrow : bf16
    %wide = llvm.fpext %square : bf16 to f32
    %count = llvm.mlir.constant(4 : i32) : i32
    %local = llvm.alloca %count x f32 : (i32) -> !llvm.ptr
    %slot = llvm.getelementptr %local[%t] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    llvm.store %wide, %slot : f32, !llvm.ptr
    %one = llvm.load %slot : !llvm.ptr -> f32
    %sum0 = llvm.fadd %exp, %rcp : f32
    %sum = llvm.fadd %sum0, %one : f32
    %place = llvm.getelementptr %out[%t] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    llvm.store %sum, %place : f32, !llvm.ptr
    llvm.return
  }

  // stmatrix, transposed, then ldmatrix, plain: a lane gets the pair of the turned matrix.
  llvm.mlir.global internal @matrix() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<128 x i8>
  llvm.func @turn(%out: !llvm.ptr) attributes {nvvm.kernel} {
    %matrix = llvm.mlir.addressof @matrix : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %seven = llvm.mlir.constant(7 : i32) : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %c16 = llvm.mlir.constant(16 : i32) : i32
    %all = llvm.mlir.constant(-1 : i32) : i32
    %r = llvm.and %t, %seven : i32
    %bytes = llvm.shl %r, %c4 : i32
    %row = llvm.getelementptr %matrix[%bytes] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    // Lane t holds elements 2t and 2t + 1 of 64.
    %low = llvm.shl %t, %c1 : i32
    %high = llvm.add %low, %c1 : i32
    %up = llvm.shl %high, %c16 : i32
    %pair = llvm.or %low, %up : i32
    nvvm.stmatrix %row, %pair {layout = #nvvm.mma_layout<col>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : !llvm.ptr<3>, i32
    nvvm.bar.warp.sync %all : i32
    %v = nvvm.ldmatrix %row {num = 1 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> i32
    llvm.call @put(%out, %v) : (!llvm.ptr, i32) -> ()
    llvm.return
  }

  // tf32: rows of A are their numbers, B is all ones.
  llvm.func @tf32(%out: !llvm.ptr) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.laneid : i32
    %c2 = llvm.mlir.constant(2 : i32) : i32
    %g = llvm.lshr %t, %c2 : i32
    %eight = llvm.mlir.constant(8 : i32) : i32
    %g8 = llvm.add %g, %eight : i32
    %x = llvm.uitofp %g : i32 to f32
    %y = llvm.uitofp %g8 : i32 to f32
    %a = nvvm.convert.float.to.tf32 %x {rnd = #nvvm.fp_rnd_mode<rna>}
    %b = nvvm.convert.float.to.tf32 %y {rnd = #nvvm.fp_rnd_mode<rna>}
    %one = llvm.mlir.constant(1065353216 : i32) : i32
    %zero = llvm.mlir.constant(0.0 : f32) : f32
    %d = nvvm.mma.sync A[%a, %b, %a, %b] B[%one, %one] C[%zero, %zero, %zero, %zero]
      {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 8>,
       multiplicandAPtxType = #nvvm.mma_type<tf32>, multiplicandBPtxType = #nvvm.mma_type<tf32>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    %d0 = llvm.extractvalue %d[1] : !llvm.struct<(f32, f32, f32, f32)>
    %d2 = llvm.extractvalue %d[2] : !llvm.struct<(f32, f32, f32, f32)>
    %sum = llvm.fadd %d0, %d2 : f32
    %i = llvm.fptosi %sum : f32 to i32
    llvm.call @put(%out, %i) : (!llvm.ptr, i32) -> ()
    llvm.return
  }
}

mlora.emulate @m::@shuffles grid [1] block [32] arguments [{type = tensor<32xi32>, expect = dense<[101472, 68737, 36002, 3264, 232673, 199842, 167107, 134372, 372072, 339337, 306602, 273864, 503273, 470442, 437707, 404972, 642672, 609937, 577202, 544464, 773873, 741042, 708307, 675572, 913272, 880537, 847802, 815064, 1044473, 1011642, 978907, 946172]> : tensor<32xi32>}]
mlora.emulate @m::@votes grid [1] block [4] arguments [{type = tensor<4xi32>, expect = dense<[21866, 23146, 21866, 23146]> : tensor<4xi32>}]
mlora.emulate @m::@producer grid [1] block [64] arguments [{type = tensor<64xi32>, expect = dense<[31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62]> : tensor<64xi32>}]
mlora.emulate @m::@warp_sync grid [1] block [32] arguments [{type = tensor<32xi32>, expect = dense<[31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]> : tensor<32xi32>}]
mlora.emulate @m::@mathematics grid [1] block [4] arguments [{type = tensor<4xf32>, expect = dense<[3.0, 5.0, 9.0, 17.0]> : tensor<4xf32>}]
mlora.emulate @m::@turn grid [1] block [32] arguments [{type = tensor<32xi32>, expect = dense<[524288, 1572880, 2621472, 3670064, 589825, 1638417, 2687009, 3735601, 655362, 1703954, 2752546, 3801138, 720899, 1769491, 2818083, 3866675, 786436, 1835028, 2883620, 3932212, 851973, 1900565, 2949157, 3997749, 917510, 1966102, 3014694, 4063286, 983047, 2031639, 3080231, 4128823]> : tensor<32xi32>}]
mlora.emulate @m::@tf32 grid [1] block [32] arguments [{type = tensor<32xi32>, expect = dense<[64, 64, 64, 64, 80, 80, 80, 80, 96, 96, 96, 96, 112, 112, 112, 112, 128, 128, 128, 128, 144, 144, 144, 144, 160, 160, 160, 160, 176, 176, 176, 176]> : tensor<32xi32>}]
