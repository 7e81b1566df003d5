// RUN: mlora-opt %s --mlora-emulate='seeds=100' -o /dev/null | FileCheck %s
// RUN: sed 's/6 : index .. FULL[S]/3 : index/' %s | not mlora-opt --mlora-emulate=seeds=5 -o /dev/null 2>&1 | FileCheck %s --check-prefix=SHARED

// A ring of three stages whose steps two warps take in turn. A stage is a warp's and the other one's by turns, so that of an mbarrier a stage each would see every
// second phase, all of one parity: while the other one's copy has not landed the wait is over at once, as if for the phase before. With an mbarrier for each of six
// steps a warp sees all phases of its own. Only copies that land late and out of order show it.

// CHECK: @m::@ring: 1 block of 96 threads, 100 seeds: passed
// SHARED: error: {{asynchronous copy not waited for|shared memory race}}: @m::@ring, block (0, 0, 0), thread (
!tile = memref<8x32xf32, #gpu.address_space<workgroup>>
!part = memref<8x32xf32, strided<[32, 1], offset: ?>, #gpu.address_space<workgroup>>
!map = !nvgpu.tensormap.descriptor<tensor = !tile, swizzle = none, l2promo = none, oob = zero, interleave = none>
!fulls = !nvgpu.mbarrier.group<memorySpace = #gpu.address_space<workgroup>, num_barriers = 6>
!empties = !nvgpu.mbarrier.group<memorySpace = #gpu.address_space<workgroup>, num_barriers = 3>
gpu.module @m {
  gpu.func @ring(%x: memref<96x32xf32>, %y: memref<64xf32>, %map: !map) workgroup(%s: memref<3x8x32xf32, #gpu.address_space<workgroup>> {llvm.align = 128 : i64}) kernel {
    %t = gpu.thread_id x
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %stages = arith.constant 3 : index
    %fulls = arith.constant 6 : index // FULLS
    %six = arith.constant 6 : index
    %steps = arith.constant 12 : index
    %c8 = arith.constant 8 : index
    %lanes = arith.constant 32 : index
    %c64 = arith.constant 64 : index
    %bytes = arith.constant 1024 : index
    %ticks = arith.constant 1000000 : index
    %full = nvgpu.mbarrier.create -> !fulls
    %empty = nvgpu.mbarrier.create -> !empties
    %lead = arith.cmpi eq, %t, %c0 : index
    scf.if %lead {
      scf.for %i = %c0 to %six step %c1 {
        nvgpu.mbarrier.init %full[%i], %c1 : !fulls
      }
      scf.for %i = %c0 to %stages step %c1 {
        nvgpu.mbarrier.init %empty[%i], %lanes : !empties
      }
    }
    gpu.barrier
    %produces = arith.cmpi uge, %t, %c64 : index
    scf.if %produces {
      %first = arith.cmpi eq, %t, %c64 : index
      scf.if %first {
        scf.for %k = %c0 to %steps step %c1 {
          %st = arith.remui %k, %stages : index
          %fu = arith.remui %k, %fulls : index
          %lap0 = arith.divui %k, %stages : index
          %lap = arith.remui %lap0, %c2 : index
          %ph = arith.cmpi eq, %lap, %c0 : index
          nvgpu.mbarrier.try_wait.parity %empty[%st], %ph, %ticks : !empties
          nvgpu.mbarrier.arrive.expect_tx %full[%fu], %bytes : !fulls
          %row = arith.muli %k, %c8 : index
          %to = memref.subview %s[%st, 0, 0] [1, 8, 32] [1, 1, 1] : memref<3x8x32xf32, #gpu.address_space<workgroup>> to !part
          nvgpu.tma.async.load %map[%c0, %row], %full[%fu] to %to : !map, !fulls -> !part
        }
      }
    } else {
      %warp = arith.divui %t, %lanes : index
      %lane = arith.remui %t, %lanes : index
      %z = arith.constant 0.0 : f32
      %sum = scf.for %k = %warp to %steps step %c2 iter_args(%acc = %z) -> (f32) {
        %st = arith.remui %k, %stages : index
        %fu = arith.remui %k, %fulls : index
        %lap0 = arith.divui %k, %fulls : index
        %lap = arith.remui %lap0, %c2 : index
        %ph = arith.cmpi eq, %lap, %c1 : index
        nvgpu.mbarrier.try_wait.parity %full[%fu], %ph, %ticks : !fulls
        %part = scf.for %r = %c0 to %c8 step %c1 iter_args(%a = %acc) -> (f32) {
          %v = memref.load %s[%st, %r, %lane] : memref<3x8x32xf32, #gpu.address_space<workgroup>>
          %b = arith.addf %a, %v : f32
          scf.yield %b : f32
        }
        %tok = nvgpu.mbarrier.arrive %empty[%st] : !empties -> !nvgpu.mbarrier.token
        scf.yield %part : f32
      }
      memref.store %sum, %y[%t] : memref<64xf32>
    }
    gpu.return
  }
}
mlora.emulate @m::@ring grid [1] block [96] arguments [{type = tensor<96x32xf32>, init = "iota"}, {type = tensor<64xf32>, init = "uninitialised", expect = dense<[66816.0, 66864.0, 66912.0, 66960.0, 67008.0, 67056.0, 67104.0, 67152.0, 67200.0, 67248.0, 67296.0, 67344.0, 67392.0, 67440.0, 67488.0, 67536.0, 67584.0, 67632.0, 67680.0, 67728.0, 67776.0, 67824.0, 67872.0, 67920.0, 67968.0, 68016.0, 68064.0, 68112.0, 68160.0, 68208.0, 68256.0, 68304.0, 79104.0, 79152.0, 79200.0, 79248.0, 79296.0, 79344.0, 79392.0, 79440.0, 79488.0, 79536.0, 79584.0, 79632.0, 79680.0, 79728.0, 79776.0, 79824.0, 79872.0, 79920.0, 79968.0, 80016.0, 80064.0, 80112.0, 80160.0, 80208.0, 80256.0, 80304.0, 80352.0, 80400.0, 80448.0, 80496.0, 80544.0, 80592.0]> : tensor<64xf32>, tolerance = 1.0e-5}, {tensor_map = 0, box = array<i64: 8, 32>}]
