// RUN: mlora-opt %s --mlora-emulate='seeds=100' -o /dev/null | FileCheck %s
// RUN: sed '/break: empty/d' %s | not mlora-opt --mlora-emulate -o /dev/null 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: sed '/break: full/d' %s | not mlora-opt --mlora-emulate -o /dev/null 2>&1 | FileCheck %s --check-prefix=FULL
// RUN: sed '/break: init/d' %s | not mlora-opt --mlora-emulate -o /dev/null 2>&1 | FileCheck %s --check-prefix=INIT
// RUN: sed '/break: arrival/d' %s | not mlora-opt --mlora-emulate -o /dev/null 2>&1 | FileCheck %s --check-prefix=ARRIVAL

// A ring of two stages in the nvgpu dialect, and without each of the lines that order it.

// CHECK: @m::@ring: 1 block of 96 threads, 100 seeds: passed
// EMPTY: error: shared memory race: @m::@ring, block (0, 0, 0), thread (64, 0, 0), nvvm.cp.async.bulk.tensor.shared.cluster.global
// FULL: error: asynchronous copy not waited for: @m::@ring, block (0, 0, 0), thread (
// INIT: error: {{invalid mbarrier|shared memory race}}: @m::@ring, block (0, 0, 0), thread (
// ARRIVAL: error: deadlock: @m::@ring, block (0, 0, 0), thread (64, 0, 0), nvvm.mbarrier.try_wait.parity
!tile = memref<8x64xf32, #gpu.address_space<workgroup>>
!map = !nvgpu.tensormap.descriptor<tensor = !tile, swizzle = none, l2promo = none, oob = zero, interleave = none>
!bars = !nvgpu.mbarrier.group<memorySpace = #gpu.address_space<workgroup>, num_barriers = 2>
// A producer warp fills two stages of 8x64 f32 by TMA; 64 consumer threads sum columns over 48 rows.
gpu.module @m {
  gpu.func @ring(%x: memref<48x64xf32>, %y: memref<64xf32>, %map: !map) workgroup(%s: memref<2x8x64xf32, #gpu.address_space<workgroup>> {llvm.align = 128 : i64}) kernel {
    %t = gpu.thread_id x
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c5 = arith.constant 5 : index
    %c6 = arith.constant 6 : index
    %c8 = arith.constant 8 : index
    %c64 = arith.constant 64 : index
    %trips = arith.constant 6 : index
    %ec = arith.constant 64 : index
    %bytes = arith.constant 2048 : index
    %ticks = arith.constant 1000000 : index
    %full = nvgpu.mbarrier.create -> !bars
    %empty = nvgpu.mbarrier.create -> !bars
    %lead = arith.cmpi eq, %t, %c0 : index
    scf.if %lead {
      scf.for %i = %c0 to %c2 step %c1 {
        nvgpu.mbarrier.init %full[%i], %c1 : !bars
        nvgpu.mbarrier.init %empty[%i], %ec : !bars
      }
    }
    gpu.barrier // break: init
    %produces = arith.cmpi uge, %t, %c64 : index
    scf.if %produces {
      %first = arith.cmpi eq, %t, %c64 : index
      scf.if %first {
        scf.for %k = %c0 to %c6 step %c1 {
          %st = arith.remui %k, %c2 : index
          %rd0 = arith.divui %k, %c2 : index
          %rd = arith.remui %rd0, %c2 : index
          // The first round passes at once: parity of the phase before.
          %ph = arith.cmpi eq, %rd, %c0 : index
          nvgpu.mbarrier.try_wait.parity %empty[%st], %ph, %ticks : !bars // break: empty
          nvgpu.mbarrier.arrive.expect_tx %full[%st], %bytes : !bars
          %row = arith.muli %k, %c8 : index
          %dst = memref.subview %s[%st, 0, 0] [1, 8, 64] [1, 1, 1] : memref<2x8x64xf32, #gpu.address_space<workgroup>> to memref<8x64xf32, strided<[64, 1], offset: ?>, #gpu.address_space<workgroup>>
          nvgpu.tma.async.load %map[%c0, %row], %full[%st] to %dst : !map, !bars -> memref<8x64xf32, strided<[64, 1], offset: ?>, #gpu.address_space<workgroup>>
        }
      }
    } else {
      %z = arith.constant 0.0 : f32
      %sum = scf.for %k = %c0 to %trips step %c1 iter_args(%acc = %z) -> (f32) {
        %st = arith.remui %k, %c2 : index
        %stw = arith.remui %k, %c2 : index
        %rd0 = arith.divui %k, %c2 : index
        %rd = arith.remui %rd0, %c2 : index
        %ph = arith.cmpi eq, %rd, %c1 : index
        nvgpu.mbarrier.try_wait.parity %full[%stw], %ph, %ticks : !bars // break: full
        %part = scf.for %r = %c0 to %c8 step %c1 iter_args(%a = %acc) -> (f32) {
          %v = memref.load %s[%st, %r, %t] : memref<2x8x64xf32, #gpu.address_space<workgroup>>
          %b = arith.addf %a, %v : f32
          scf.yield %b : f32
        }
        %tok = nvgpu.mbarrier.arrive %empty[%stw] : !bars -> !nvgpu.mbarrier.token // break: arrival
        scf.yield %part : f32
      }
      memref.store %sum, %y[%t] : memref<64xf32>
    }
    gpu.return
  }
}
mlora.emulate @m::@ring grid [1] block [96] arguments [{type = tensor<48x64xf32>, init = "iota"}, {type = tensor<64xf32>, init = "uninitialised", expect = dense<[72192.0, 72240.0, 72288.0, 72336.0, 72384.0, 72432.0, 72480.0, 72528.0, 72576.0, 72624.0, 72672.0, 72720.0, 72768.0, 72816.0, 72864.0, 72912.0, 72960.0, 73008.0, 73056.0, 73104.0, 73152.0, 73200.0, 73248.0, 73296.0, 73344.0, 73392.0, 73440.0, 73488.0, 73536.0, 73584.0, 73632.0, 73680.0, 73728.0, 73776.0, 73824.0, 73872.0, 73920.0, 73968.0, 74016.0, 74064.0, 74112.0, 74160.0, 74208.0, 74256.0, 74304.0, 74352.0, 74400.0, 74448.0, 74496.0, 74544.0, 74592.0, 74640.0, 74688.0, 74736.0, 74784.0, 74832.0, 74880.0, 74928.0, 74976.0, 75024.0, 75072.0, 75120.0, 75168.0, 75216.0]> : tensor<64xf32>, tolerance = 1.0e-5}, {tensor_map = 0, box = array<i64: 8, 64>}]
