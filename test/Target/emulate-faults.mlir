// RUN: mlora-opt %s --mlora-emulate -split-input-file -verify-diagnostics -o /dev/null

// Broken kernels, each caught by the name of its fault, at the operation.

// A barrier is missing between a write and another thread's read.
gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<64 x f32>
  llvm.func @barrier_missing(%out: !llvm.ptr) attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %last = llvm.mlir.constant(63 : i32) : i32
    %other = llvm.sub %last, %t : i32
    %one = llvm.mlir.constant(1.0 : f32) : f32
    %mine = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %theirs = llvm.getelementptr %tile[%other] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    llvm.store %one, %mine : f32, !llvm.ptr<3>
    nvvm.barrier0
    %x = llvm.load %theirs : !llvm.ptr<3> -> f32
    // expected-error @above {{shared memory race: @m::@barrier_missing, block (0, 0, 0), thread (}}
    llvm.store %x, %mine : f32, !llvm.ptr<3>
    // expected-note @above {{the other access, a write}}
    llvm.return
  }
}
mlora.emulate @m::@barrier_missing grid [1] block [64] arguments [{type = tensor<64xf32>}]

// -----

// Two threads write one place.
gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<64 x f32>
  llvm.func @racing_write() attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %one = llvm.mlir.constant(1.0 : f32) : f32
    // expected-error @below {{shared memory race}}
    llvm.store %one, %tile : f32, !llvm.ptr<3>
    // expected-note @above {{the other access, a write}}
    llvm.return
  }
}
mlora.emulate @m::@racing_write grid [1] block [2] arguments []

// -----

// Half a word each: no race. One byte more: a race.
gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<64 x i8>
  llvm.func @halves() attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %one = llvm.mlir.constant(1 : i16) : i16
    %byte = llvm.mlir.constant(1 : i8) : i8
    %mine = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i16
    // expected-error-re @below {{shared memory race: {{.*}} writes 2 bytes of shared memory at 0x402}}
    llvm.store %one, %mine : i16, !llvm.ptr<3>
    %next = llvm.getelementptr %mine[2] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    // expected-note @below {{the other access, a write}}
    llvm.store %byte, %next : i8, !llvm.ptr<3>
    llvm.return
  }
}
mlora.emulate @m::@halves grid [1] block [2] arguments []

// -----

gpu.module @m {
  llvm.func @index_off_by_one(%x: !llvm.ptr) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %one = llvm.mlir.constant(1.0 : f32) : f32
    %place = llvm.getelementptr %x[%t] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    %next = llvm.getelementptr %place[1] : (!llvm.ptr) -> !llvm.ptr, f32
    // expected-error @below {{out-of-bounds access: @m::@index_off_by_one, block (0, 0, 0), thread (63, 0, 0), llvm.store: writes 4 bytes 0 bytes after the end of argument 0 (256 bytes)}}
    llvm.store %one, %next : f32, !llvm.ptr
    llvm.return
  }
}
mlora.emulate @m::@index_off_by_one grid [1] block [64] arguments [{type = tensor<64xf32>}]

// -----

gpu.module @m {
  llvm.func @misaligned_vector(%x: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %next = llvm.getelementptr %x[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
    // expected-error @below {{misaligned access: @m::@misaligned_vector, block (0, 0, 0), thread (0, 0, 0), llvm.load: reads 16 bytes at byte 4 of argument 0 (256 bytes), which is no multiple of 16}}
    %v = llvm.load %next {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
    llvm.store %v, %x {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@misaligned_vector grid [1] block [1] arguments [{type = tensor<64xf32>}]

// -----

gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x f32>
  llvm.func @shared_bounds() attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %one = llvm.mlir.constant(1.0 : f32) : f32
    %end = llvm.getelementptr %tile[64] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    // expected-error-re @below {{out-of-bounds access{{.*}} writes 4 bytes of shared memory at 0x500, which is outside the block's 256 bytes}}
    llvm.store %one, %end : f32, !llvm.ptr<3>
    llvm.return
  }
}
mlora.emulate @m::@shared_bounds grid [1] block [1] arguments []

// -----

gpu.module @m {
  llvm.func @local_bounds(%i: i64, %x: !llvm.ptr) attributes {nvvm.kernel} {
    %count = llvm.mlir.constant(4 : i32) : i32
    %one = llvm.mlir.constant(1.0 : f32) : f32
    %local = llvm.alloca %count x f32 : (i32) -> !llvm.ptr
    %place = llvm.getelementptr %local[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    // expected-error-re @below {{out-of-bounds access{{.*}} writes 4 bytes of local memory}}
    llvm.store %one, %place : f32, !llvm.ptr
    %y = llvm.load %local : !llvm.ptr -> f32
    llvm.store %y, %x : f32, !llvm.ptr
    llvm.return
  }
}
mlora.emulate @m::@local_bounds grid [1] block [1] arguments [4 : i64, {type = tensor<1xf32>}]

// -----

gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<64 x f32>
  llvm.func @uninitialised(%x: !llvm.ptr) attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    // expected-error-re @below {{uninitialised shared memory{{.*}} reads 4 bytes}}
    %y = llvm.load %tile : !llvm.ptr<3> -> f32
    llvm.store %y, %x : f32, !llvm.ptr
    llvm.return
  }
}
mlora.emulate @m::@uninitialised grid [1] block [1] arguments [{type = tensor<1xf32>}]

// -----

// Half of the warp shuffles with the mask of the whole.
gpu.module @m {
  llvm.func @divergent_shuffle(%x: !llvm.ptr) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %half = llvm.mlir.constant(16 : i32) : i32
    %all = llvm.mlir.constant(-1 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %clamp = llvm.mlir.constant(31 : i32) : i32
    %low = llvm.icmp "ult" %t, %half : i32
    llvm.cond_br %low, ^shuffle, ^end
  ^shuffle:
    // expected-error-re @below {{divergent warp collective: {{.*}}, nvvm.shfl.sync: }}
    %v = nvvm.shfl.sync bfly %all, %t, %one, %clamp : i32 -> i32
    llvm.br ^end
  ^end:
    llvm.return
  }
}
mlora.emulate @m::@divergent_shuffle grid [1] block [32] arguments [{type = tensor<1xf32>}]

// -----

// Both halves shuffle, each at an instruction of its own.
gpu.module @m {
  llvm.func @two_shuffles(%x: !llvm.ptr) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %half = llvm.mlir.constant(16 : i32) : i32
    %all = llvm.mlir.constant(-1 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %clamp = llvm.mlir.constant(31 : i32) : i32
    %low = llvm.icmp "ult" %t, %half : i32
    llvm.cond_br %low, ^a, ^b
  ^a:
    // expected-error-re @below {{divergent warp collective: {{.*}} at another instruction}}
    %v = nvvm.shfl.sync bfly %all, %t, %one, %clamp : i32 -> i32
    llvm.br ^end
  ^b:
    // expected-note @below {{where the other lane is}}
    %w = nvvm.shfl.sync idx %all, %half, %one, %clamp : i32 -> i32
    llvm.br ^end
  ^end:
    llvm.return
  }
}
mlora.emulate @m::@two_shuffles grid [1] block [32] arguments [{type = tensor<1xf32>}]

// -----

gpu.module @m {
  llvm.func @divergent_barrier() attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %some = llvm.mlir.constant(32 : i32) : i32
    %low = llvm.icmp "ult" %t, %some : i32
    llvm.cond_br %low, ^wait, ^end
  ^wait:
    // expected-error-re @below {{barrier not reached by all threads: {{.*}} waits at barrier 0, which 32 of 64 threads have reached (nvvm.barrier0 at {{.*}}has exited}}
    nvvm.barrier0
    llvm.br ^end
  ^end:
    llvm.return
  }
}
mlora.emulate @m::@divergent_barrier grid [1] block [64] arguments []

// -----

// Two warps wait at different named barriers for each other.
gpu.module @m {
  llvm.func @cross_wait() attributes {nvvm.kernel} {
    %warp = nvvm.read.ptx.sreg.warpid : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %two = llvm.mlir.constant(2 : i32) : i32
    %count = llvm.mlir.constant(64 : i32) : i32
    %id = llvm.add %warp, %one : i32
    // expected-error-re @below {{deadlock: {{.*}} waits at barrier 1, which 32 of 64 threads have reached{{.*}} waits at barrier 2}}
    nvvm.barrier id = %id number_of_threads = %count
    llvm.return
  }
}
mlora.emulate @m::@cross_wait grid [1] block [64] arguments []

// -----

// An asynchronous copy that is read before its wait.
gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<4 x f32>
  llvm.func @wait_missing(%x: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    // expected-note @below {{the copy}}
    nvvm.cp.async.shared.global %tile, %x, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 1
    nvvm.barrier0
    // expected-error-re @below {{asynchronous copy not waited for{{.*}} reads 4 bytes}}
    %y = llvm.load %tile : !llvm.ptr<3> -> f32
    llvm.store %y, %x : f32, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@wait_missing grid [1] block [1] arguments [{type = tensor<4xf32>}]

// -----

// Each thread waits for its own copies; the others' need a barrier too.
gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<8 x f32>
  llvm.func @wait_without_barrier(%x: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %other = llvm.sub %one, %t : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %i = llvm.mul %t, %four : i32
    %j = llvm.mul %other, %four : i32
    %to = llvm.getelementptr %tile[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    nvvm.cp.async.shared.global %to, %from, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    // expected-note @-2 {{the other access, a write}}
    nvvm.cp.async.wait.group 0
    %theirs = llvm.getelementptr %tile[%j] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    // expected-error @below {{shared memory race: @m::@wait_without_barrier}}
    %y = llvm.load %theirs : !llvm.ptr<3> -> f32
    llvm.store %y, %out : f32, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@wait_without_barrier grid [1] block [2] arguments [{type = tensor<8xf32>}, {type = tensor<1xf32>}]

// -----

gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<4 x f32>
  llvm.func @source_overwritten(%x: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %one = llvm.mlir.constant(1.0 : f32) : f32
    // expected-error @below {{source of an asynchronous copy overwritten}}
    nvvm.cp.async.shared.global %tile, %x, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    llvm.store %one, %x : f32, !llvm.ptr<1>
    nvvm.cp.async.wait.group 0
    llvm.return
  }
}
mlora.emulate @m::@source_overwritten grid [1] block [1] arguments [{type = tensor<4xf32>}]

// -----

// Half of each of two warps, as many threads as the barrier counts.
gpu.module @m {
  llvm.func @half_warps() attributes {nvvm.kernel} {
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %half = llvm.mlir.constant(16 : i32) : i32
    %warp = llvm.mlir.constant(32 : i32) : i32
    %low = llvm.icmp "ult" %lane, %half : i32
    llvm.cond_br %low, ^meet, ^end
  ^meet:
    // expected-error @below {{of its warp has not; all threads of a warp must reach an aligned barrier}}
    nvvm.barrier id = %one number_of_threads = %warp
    llvm.br ^end
  ^end:
    llvm.return
  }
}
mlora.emulate @m::@half_warps grid [1] block [64] arguments []

// -----

gpu.module @m {
  llvm.func @unreachable(%n: i32) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %less = llvm.icmp "ult" %t, %n : i32
    llvm.cond_br %less, ^never, ^end
  ^never:
    // expected-error @below {{trap: @m::@unreachable}}
    llvm.unreachable
  ^end:
    llvm.return
  }
}
mlora.emulate @m::@unreachable grid [1] block [4] arguments [2 : i32]

// -----

// A function that calls itself, as often as the stack has room for and more.
gpu.module @m {
  // expected-error @below {{stack overflow: @m::@deep}}
  llvm.func @f(%n: i32) -> i32 {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %isLast = llvm.icmp "eq" %n, %zero : i32
    llvm.cond_br %isLast, ^end(%zero : i32), ^again
  ^again:
    %less = llvm.sub %n, %one : i32
    %below = llvm.call @f(%less) : (i32) -> i32
    %product = llvm.mul %below, %n : i32
    %sum = llvm.add %product, %one : i32
    llvm.br ^end(%sum : i32)
  ^end(%result: i32):
    llvm.return %result : i32
  }
  llvm.func @deep(%y: !llvm.ptr<1>, %n: i32) attributes {nvvm.kernel} {
    %v = llvm.call @f(%n) : (i32) -> i32
    llvm.store %v, %y : i32, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@deep grid [1] block [1] arguments [{type = tensor<1xi32>, expect = "same"}, 100 : i32]
mlora.emulate @m::@deep grid [1] block [1] arguments [{type = tensor<1xi32>, expect = "same"}, 100000 : i32]

// -----

// Local memory in a loop lasts until the function returns.
gpu.module @m {
  llvm.func @allocates(%y: !llvm.ptr<1>, %n: i32) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %size = llvm.mlir.constant(64 : i32) : i32
    llvm.br ^loop(%zero : i32)
  ^loop(%i: i32):
    // expected-error @below {{stack overflow: @m::@allocates}}
    %a = llvm.alloca %size x f32 : (i32) -> !llvm.ptr
    llvm.store volatile %i, %a : i32, !llvm.ptr
    %next = llvm.add %i, %one : i32
    %more = llvm.icmp "ult" %next, %n : i32
    llvm.cond_br %more, ^loop(%next : i32), ^end
  ^end:
    llvm.return
  }
}
mlora.emulate @m::@allocates grid [1] block [32] arguments [{type = tensor<32xf32>}, 20 : i32]
mlora.emulate @m::@allocates grid [1] block [32] arguments [{type = tensor<32xf32>}, 100000 : i32]

// -----

// What is not built says so, and is never ignored.
gpu.module @m {
  llvm.func @atomic(%y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %one = llvm.mlir.constant(1.0 : bf16) : bf16
    // expected-error @below {{mlora-emulate: 'llvm.atomicrmw' is not built yet: anything but xchg, fadd, fsub, fmax and fmin of small floats and vectors}}
    %old = llvm.atomicrmw fmaximum %y, %one monotonic : !llvm.ptr<1>, bf16
    llvm.return
  }
}
mlora.emulate @m::@atomic grid [1] block [1] arguments [{type = tensor<1xbf16>}]

// -----

gpu.module @m {
  llvm.func @cluster() attributes {nvvm.kernel} {
    // expected-error @below {{mlora-emulate: 'nvvm.breakpoint' is not built yet}}
    nvvm.breakpoint
    llvm.return
  }
}
mlora.emulate @m::@cluster grid [1] block [1] arguments []

// -----

gpu.module @m {
  llvm.func @__nv_j0f(f32) -> f32
  llvm.func @library_call(%x: f32) attributes {nvvm.kernel} {
    // expected-error @below {{calls '__nv_j0f', which the module does not define and NVPTX does not have}}
    %y = llvm.call @__nv_j0f(%x) : (f32) -> f32
    llvm.return
  }
}
mlora.emulate @m::@library_call grid [1] block [1] arguments [1.0 : f32]

// -----

gpu.module @m {
  llvm.func @wrong_values(%x: !llvm.ptr) attributes {nvvm.kernel} {
    %one = llvm.mlir.constant(1.0 : f32) : f32
    llvm.store %one, %x : f32, !llvm.ptr
    llvm.return
  }
}
// expected-error @below {{wrong values: @m::@wrong_values, argument 0, element [0, 0] is 1, expected 2; 1 of 4 elements are off}}
mlora.emulate @m::@wrong_values grid [1] block [1] arguments [
  {type = tensor<2x2xf32>, expect = dense<[[2.0, 0.0], [0.0, 0.0]]> : tensor<2x2xf32>}]

// -----

// One element behind an array of shared memory is not the first of the next.
gpu.module @m {
  llvm.mlir.global internal @a() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x i32>
  llvm.mlir.global internal @b() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x i32>
  llvm.func @neighbours() attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %a = llvm.mlir.addressof @a : !llvm.ptr<3>
    %b = llvm.mlir.addressof @b : !llvm.ptr<3>
    %next = llvm.getelementptr %a[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i32
    %mine = llvm.getelementptr %next[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    // expected-error @below {{writes 4 bytes of shared memory at 0x500, part of which lies behind the end of one array and before the next}}
    llvm.store %t, %mine : i32, !llvm.ptr<3>
    nvvm.barrier0
    %other = llvm.getelementptr %b[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %t, %other : i32, !llvm.ptr<3>
    llvm.return
  }
}
mlora.emulate @m::@neighbours grid [1] block [64] arguments []
