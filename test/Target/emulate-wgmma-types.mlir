// RUN: mlora-opt %s --mlora-emulate='seeds=10' -o /dev/null | FileCheck %s

// wgmma of the types beside bf16 and f16: every element of A is the same, and every element of B. What is stored is the sum of two
// elements of the product.

// CHECK: @m::@tf32: 1 block of 128 threads, 10 seeds: passed
// CHECK: @m::@s8: 1 block of 128 threads, 10 seeds: passed
// CHECK: @m::@u8_s8: 1 block of 128 threads, 10 seeds: passed
// CHECK: @m::@e4m3: 1 block of 128 threads, 10 seeds: passed
// CHECK: @m::@e5m2_e4m3: 1 block of 128 threads, 10 seeds: passed
gpu.module @m {
  llvm.mlir.global internal @as() {addr_space = 3 : i32, alignment = 128 : i64} : !llvm.array<512 x i32>
  llvm.mlir.global internal @bs() {addr_space = 3 : i32, alignment = 128 : i64} : !llvm.array<64 x i32>
  llvm.func @tf32(%a: i32, %b: i32, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %as = llvm.mlir.addressof @as : !llvm.ptr<3>
    %bs = llvm.mlir.addressof @bs : !llvm.ptr<3>
    %form = llvm.mlir.constant(68720001024 : i64) : i64 // 128 bytes between cores along k, 256 along rows
    %c4 = llvm.mlir.constant(4 : i64) : i64
    %two = llvm.mlir.constant(2 : i32) : i32
    %few = llvm.mlir.constant(64 : i32) : i32
    %quad = llvm.shl %t, %two : i32
    %pa = llvm.getelementptr %as[%quad] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %v0 = llvm.mlir.poison : vector<4xi32>
    %zero = llvm.mlir.constant(0 : i32) : i32
    %v1 = llvm.insertelement %a, %v0[%zero : i32] : vector<4xi32>
    %v2 = llvm.shufflevector %v1, %v0 [0, 0, 0, 0] : vector<4xi32>
    llvm.store %v2, %pa {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
    %isFew = llvm.icmp "ult" %t, %few : i32
    llvm.cond_br %isFew, ^b, ^multiply
  ^b:
    %pb = llvm.getelementptr %bs[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %b, %pb : i32, !llvm.ptr<3>
    llvm.br ^multiply
  ^multiply:
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier0
    %ai = llvm.ptrtoint %as : !llvm.ptr<3> to i64
    %bi = llvm.ptrtoint %bs : !llvm.ptr<3> to i64
    %ac = llvm.lshr %ai, %c4 : i64
    %bc = llvm.lshr %bi, %c4 : i64
    %da = llvm.or %ac, %form : i64
    %db = llvm.or %bc, %form : i64
    %sums = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    %d = nvvm.wgmma.mma_async %da, %db, %sums, <m = 64, n = 8, k = 8>, D[<f32>, <one>], A[<tf32>, <one>, <row>], B[<tf32>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    %d0 = llvm.extractvalue %d[0] : !llvm.struct<(f32, f32, f32, f32)>
    %d3 = llvm.extractvalue %d[3] : !llvm.struct<(f32, f32, f32, f32)>
    %place = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %sum = llvm.fadd %d0, %d3 : f32
    llvm.store %sum, %place : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @s8(%a: i32, %b: i32, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %as = llvm.mlir.addressof @as : !llvm.ptr<3>
    %bs = llvm.mlir.addressof @bs : !llvm.ptr<3>
    %form = llvm.mlir.constant(68720001024 : i64) : i64 // 128 bytes between cores along k, 256 along rows
    %c4 = llvm.mlir.constant(4 : i64) : i64
    %two = llvm.mlir.constant(2 : i32) : i32
    %few = llvm.mlir.constant(64 : i32) : i32
    %quad = llvm.shl %t, %two : i32
    %pa = llvm.getelementptr %as[%quad] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %v0 = llvm.mlir.poison : vector<4xi32>
    %zero = llvm.mlir.constant(0 : i32) : i32
    %v1 = llvm.insertelement %a, %v0[%zero : i32] : vector<4xi32>
    %v2 = llvm.shufflevector %v1, %v0 [0, 0, 0, 0] : vector<4xi32>
    llvm.store %v2, %pa {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
    %isFew = llvm.icmp "ult" %t, %few : i32
    llvm.cond_br %isFew, ^b, ^multiply
  ^b:
    %pb = llvm.getelementptr %bs[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %b, %pb : i32, !llvm.ptr<3>
    llvm.br ^multiply
  ^multiply:
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier0
    %ai = llvm.ptrtoint %as : !llvm.ptr<3> to i64
    %bi = llvm.ptrtoint %bs : !llvm.ptr<3> to i64
    %ac = llvm.lshr %ai, %c4 : i64
    %bc = llvm.lshr %bi, %c4 : i64
    %da = llvm.or %ac, %form : i64
    %db = llvm.or %bc, %form : i64
    %sums = llvm.mlir.zero : !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.fence.aligned
    %d = nvvm.wgmma.mma_async %da, %db, %sums, <m = 64, n = 8, k = 32>, D[<s32>, <one>], A[<s8>, <one>, <row>], B[<s8>, <one>, <col>] : !llvm.struct<(i32, i32, i32, i32)> -> !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    %d0 = llvm.extractvalue %d[0] : !llvm.struct<(i32, i32, i32, i32)>
    %d3 = llvm.extractvalue %d[3] : !llvm.struct<(i32, i32, i32, i32)>
    %place = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %sum = llvm.add %d0, %d3 : i32
    llvm.store %sum, %place : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @u8_s8(%a: i32, %b: i32, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %as = llvm.mlir.addressof @as : !llvm.ptr<3>
    %bs = llvm.mlir.addressof @bs : !llvm.ptr<3>
    %form = llvm.mlir.constant(68720001024 : i64) : i64 // 128 bytes between cores along k, 256 along rows
    %c4 = llvm.mlir.constant(4 : i64) : i64
    %two = llvm.mlir.constant(2 : i32) : i32
    %few = llvm.mlir.constant(64 : i32) : i32
    %quad = llvm.shl %t, %two : i32
    %pa = llvm.getelementptr %as[%quad] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %v0 = llvm.mlir.poison : vector<4xi32>
    %zero = llvm.mlir.constant(0 : i32) : i32
    %v1 = llvm.insertelement %a, %v0[%zero : i32] : vector<4xi32>
    %v2 = llvm.shufflevector %v1, %v0 [0, 0, 0, 0] : vector<4xi32>
    llvm.store %v2, %pa {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
    %isFew = llvm.icmp "ult" %t, %few : i32
    llvm.cond_br %isFew, ^b, ^multiply
  ^b:
    %pb = llvm.getelementptr %bs[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %b, %pb : i32, !llvm.ptr<3>
    llvm.br ^multiply
  ^multiply:
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier0
    %ai = llvm.ptrtoint %as : !llvm.ptr<3> to i64
    %bi = llvm.ptrtoint %bs : !llvm.ptr<3> to i64
    %ac = llvm.lshr %ai, %c4 : i64
    %bc = llvm.lshr %bi, %c4 : i64
    %da = llvm.or %ac, %form : i64
    %db = llvm.or %bc, %form : i64
    %sums = llvm.mlir.zero : !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.fence.aligned
    %d = nvvm.wgmma.mma_async %da, %db, %sums, <m = 64, n = 8, k = 32>, D[<s32>, <one>], A[<u8>, <one>, <row>], B[<s8>, <one>, <col>] : !llvm.struct<(i32, i32, i32, i32)> -> !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    %d0 = llvm.extractvalue %d[0] : !llvm.struct<(i32, i32, i32, i32)>
    %d3 = llvm.extractvalue %d[3] : !llvm.struct<(i32, i32, i32, i32)>
    %place = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %sum = llvm.add %d0, %d3 : i32
    llvm.store %sum, %place : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @e4m3(%a: i32, %b: i32, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %as = llvm.mlir.addressof @as : !llvm.ptr<3>
    %bs = llvm.mlir.addressof @bs : !llvm.ptr<3>
    %form = llvm.mlir.constant(68720001024 : i64) : i64 // 128 bytes between cores along k, 256 along rows
    %c4 = llvm.mlir.constant(4 : i64) : i64
    %two = llvm.mlir.constant(2 : i32) : i32
    %few = llvm.mlir.constant(64 : i32) : i32
    %quad = llvm.shl %t, %two : i32
    %pa = llvm.getelementptr %as[%quad] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %v0 = llvm.mlir.poison : vector<4xi32>
    %zero = llvm.mlir.constant(0 : i32) : i32
    %v1 = llvm.insertelement %a, %v0[%zero : i32] : vector<4xi32>
    %v2 = llvm.shufflevector %v1, %v0 [0, 0, 0, 0] : vector<4xi32>
    llvm.store %v2, %pa {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
    %isFew = llvm.icmp "ult" %t, %few : i32
    llvm.cond_br %isFew, ^b, ^multiply
  ^b:
    %pb = llvm.getelementptr %bs[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %b, %pb : i32, !llvm.ptr<3>
    llvm.br ^multiply
  ^multiply:
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier0
    %ai = llvm.ptrtoint %as : !llvm.ptr<3> to i64
    %bi = llvm.ptrtoint %bs : !llvm.ptr<3> to i64
    %ac = llvm.lshr %ai, %c4 : i64
    %bc = llvm.lshr %bi, %c4 : i64
    %da = llvm.or %ac, %form : i64
    %db = llvm.or %bc, %form : i64
    %sums = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    %d = nvvm.wgmma.mma_async %da, %db, %sums, <m = 64, n = 8, k = 32>, D[<f32>, <one>], A[<e4m3>, <one>, <row>], B[<e4m3>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    %d0 = llvm.extractvalue %d[0] : !llvm.struct<(f32, f32, f32, f32)>
    %d3 = llvm.extractvalue %d[3] : !llvm.struct<(f32, f32, f32, f32)>
    %place = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %sum = llvm.fadd %d0, %d3 : f32
    llvm.store %sum, %place : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @e5m2_e4m3(%a: i32, %b: i32, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %as = llvm.mlir.addressof @as : !llvm.ptr<3>
    %bs = llvm.mlir.addressof @bs : !llvm.ptr<3>
    %form = llvm.mlir.constant(68720001024 : i64) : i64 // 128 bytes between cores along k, 256 along rows
    %c4 = llvm.mlir.constant(4 : i64) : i64
    %two = llvm.mlir.constant(2 : i32) : i32
    %few = llvm.mlir.constant(64 : i32) : i32
    %quad = llvm.shl %t, %two : i32
    %pa = llvm.getelementptr %as[%quad] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %v0 = llvm.mlir.poison : vector<4xi32>
    %zero = llvm.mlir.constant(0 : i32) : i32
    %v1 = llvm.insertelement %a, %v0[%zero : i32] : vector<4xi32>
    %v2 = llvm.shufflevector %v1, %v0 [0, 0, 0, 0] : vector<4xi32>
    llvm.store %v2, %pa {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
    %isFew = llvm.icmp "ult" %t, %few : i32
    llvm.cond_br %isFew, ^b, ^multiply
  ^b:
    %pb = llvm.getelementptr %bs[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %b, %pb : i32, !llvm.ptr<3>
    llvm.br ^multiply
  ^multiply:
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier0
    %ai = llvm.ptrtoint %as : !llvm.ptr<3> to i64
    %bi = llvm.ptrtoint %bs : !llvm.ptr<3> to i64
    %ac = llvm.lshr %ai, %c4 : i64
    %bc = llvm.lshr %bi, %c4 : i64
    %da = llvm.or %ac, %form : i64
    %db = llvm.or %bc, %form : i64
    %sums = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.fence.aligned
    %d = nvvm.wgmma.mma_async %da, %db, %sums, <m = 64, n = 8, k = 32>, D[<f32>, <one>], A[<e5m2>, <one>, <row>], B[<e4m3>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    %d0 = llvm.extractvalue %d[0] : !llvm.struct<(f32, f32, f32, f32)>
    %d3 = llvm.extractvalue %d[3] : !llvm.struct<(f32, f32, f32, f32)>
    %place = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %sum = llvm.fadd %d0, %d3 : f32
    llvm.store %sum, %place : f32, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@tf32 grid [1] block [128] arguments [1069547520 : i32, -1073741824 : i32, {type = tensor<128xf32>, init = "uninitialised", expect = dense<-48.00000000> : tensor<128xf32>, tolerance = 0.0}]
mlora.emulate @m::@s8 grid [1] block [128] arguments [50529027 : i32, -16843010 : i32, {type = tensor<128xi32>, init = "uninitialised", expect = dense<-384> : tensor<128xi32>, tolerance = 0.0}]
mlora.emulate @m::@u8_s8 grid [1] block [128] arguments [-1 : i32, -1 : i32, {type = tensor<128xi32>, init = "uninitialised", expect = dense<-16320> : tensor<128xi32>, tolerance = 0.0}]
mlora.emulate @m::@e4m3 grid [1] block [128] arguments [1010580540 : i32, 16843009 : i32, {type = tensor<128xf32>, init = "uninitialised", expect = dense<0.18750000> : tensor<128xf32>, tolerance = 0.0}]
mlora.emulate @m::@e5m2_e4m3 grid [1] block [128] arguments [1044266558 : i32, 943208504 : i32, {type = tensor<128xf32>, init = "uninitialised", expect = dense<96.00000000> : tensor<128xf32>, tolerance = 0.0}]
