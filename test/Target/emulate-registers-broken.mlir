// RUN: mlora-opt %s --mlora-emulate='seeds=100' -split-input-file -verify-diagnostics -o /dev/null

// setmaxnreg: the warps of a warpgroup execute the same one, and synchronise before the next. The first kernel is right.

gpu.module @m {
  llvm.func @synchronised() attributes {nvvm.kernel, nvvm.maxnreg = 168 : i32} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %c128 = llvm.mlir.constant(128 : i32) : i32
    %produces = llvm.icmp "ult" %t, %c128 : i32
    llvm.cond_br %produces, ^producer, ^consumer
  ^producer:
    nvvm.setmaxregister decrease 40
    nvvm.barrier id = %one number_of_threads = %c128
    nvvm.setmaxregister decrease 32
    llvm.return
  ^consumer:
    nvvm.setmaxregister increase 232
    llvm.return
  }
}
mlora.emulate @m::@synchronised grid [1] block [384] arguments []

// -----

gpu.module @m {
  llvm.func @unsynchronised() attributes {nvvm.kernel} {
    // expected-note @below {{the last setmaxnreg}}
    nvvm.setmaxregister decrease 40
    // expected-error-re @below {{invalid setmaxnreg: @m::@unsynchronised, block (0, 0, 0), thread ({{.*}}, nvvm.setmaxregister: comes with nothing that synchronises the warpgroup since its warps' last setmaxnreg}}
    nvvm.setmaxregister decrease 32
    llvm.return
  }
}
mlora.emulate @m::@unsynchronised grid [1] block [128] arguments []

// -----

// Half of the warps wait for each other, and not the whole group.
gpu.module @m {
  llvm.func @half_synchronised() attributes {nvvm.kernel} {
    %w = nvvm.read.ptx.sreg.warpid : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %c64 = llvm.mlir.constant(64 : i32) : i32
    %id = llvm.lshr %w, %one : i32
    // expected-note @below {{the last setmaxnreg}}
    nvvm.setmaxregister decrease 40
    nvvm.barrier id = %id number_of_threads = %c64
    // expected-error @below {{comes with nothing that synchronises the warpgroup}}
    nvvm.setmaxregister decrease 32
    llvm.return
  }
}
mlora.emulate @m::@half_synchronised grid [1] block [128] arguments []

// -----

// The warps of one group at two instructions.
gpu.module @m {
  llvm.func @two_places() attributes {nvvm.kernel} {
    %w = nvvm.read.ptx.sreg.warpid : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %first = llvm.icmp "eq" %w, %zero : i32
    llvm.cond_br %first, ^a, ^b
  ^a:
    // expected-error @below {{divergent warp collective}}
    nvvm.setmaxregister decrease 40
    llvm.return
  ^b:
    // expected-note @below {{where the other warp is}}
    nvvm.setmaxregister decrease 40
    llvm.return
  }
}
mlora.emulate @m::@two_places grid [1] block [128] arguments []

// -----

// Nobody gives registers back, and the kernel begins with what it states.
gpu.module @m {
  llvm.func @no_decrease() attributes {nvvm.kernel, nvvm.maxnreg = 128 : i32} {
    // expected-error @below {{waits for 232 registers a thread, of which the block's warps have 32768 of 32768}}
    nvvm.setmaxregister increase 232
    llvm.return
  }
}
mlora.emulate @m::@no_decrease grid [1] block [256] arguments []

// -----

gpu.module @m {
  llvm.func @raises() attributes {nvvm.kernel} {
    // expected-error @below {{invalid setmaxnreg: @m::@raises, block (0, 0, 0), thread (}}
    nvvm.setmaxregister decrease 200
    llvm.return
  }
  llvm.func @lowers() attributes {nvvm.kernel, nvvm.maxnreg = 128 : i32} {
    // expected-error @below {{increases the registers of a thread from 128 to 40}}
    nvvm.setmaxregister increase 40
    llvm.return
  }
}
mlora.emulate @m::@raises grid [1] block [384] arguments []
mlora.emulate @m::@lowers grid [1] block [128] arguments []
// expected-error @below {{@m::@lowers is launched with blocks of 1024 threads of 128 registers (nvvm.maxnreg); a device has 65536}}
mlora.emulate @m::@lowers grid [1] block [1024] arguments []

// -----

// One warp of the group gives nothing back.
gpu.module @m {
  llvm.func @one_warp_only() attributes {nvvm.kernel} {
    %w = nvvm.read.ptx.sreg.warpid : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %isFirst = llvm.icmp "eq" %w, %zero : i32
    %consumes = llvm.icmp "uge" %w, %four : i32
    llvm.cond_br %consumes, ^consumer, ^producer
  ^producer:
    llvm.cond_br %isFirst, ^give, ^end
  ^give:
    // expected-error @below {{divergent warp collective: @m::@one_warp_only, block (0, 0, 0), thread (32, 0, 0), nvvm.setmaxregister: its warp has executed setmaxnreg 0 times, and another warp of its warpgroup 1 times}}
    nvvm.setmaxregister decrease 40
    llvm.br ^end
  ^consumer:
    nvvm.setmaxregister increase 240
    llvm.br ^end
  ^end:
    llvm.return
  }
}
mlora.emulate @m::@one_warp_only grid [1] block [384] arguments []
