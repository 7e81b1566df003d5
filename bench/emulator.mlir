// How fast the emulator is (docs/emulator.md): mlora-opt bench/emulator.mlir --mlora-emulate=print-statistics -o /dev/null
gpu.module @m {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<1024 x f32>
  llvm.func @barriers(%n: i32) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    llvm.br ^l(%zero : i32)
  ^l(%i: i32):
    nvvm.barrier0
    %next = llvm.add %i, %one : i32
    %more = llvm.icmp "ult" %next, %n : i32
    llvm.cond_br %more, ^l(%next : i32), ^e
  ^e:
    llvm.return
  }
  llvm.func @shared(%n: i32) attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %p = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %o = llvm.mlir.constant(1.0 : f32) : f32
    llvm.store %o, %p : f32, !llvm.ptr<3>
    llvm.br ^l(%zero : i32)
  ^l(%i: i32):
    %x = llvm.load %p : !llvm.ptr<3> -> f32
    %y = llvm.fadd %x, %o : f32
    llvm.store %y, %p : f32, !llvm.ptr<3>
    %next = llvm.add %i, %one : i32
    %more = llvm.icmp "ult" %next, %n : i32
    llvm.cond_br %more, ^l(%next : i32), ^e
  ^e:
    llvm.return
  }
  llvm.func @broadcast(%n: i32, %out: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %mask = llvm.mlir.constant(255 : i32) : i32
    %p = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %o = llvm.mlir.constant(1.0 : f32) : f32
    llvm.store %o, %p : f32, !llvm.ptr<3>
    nvvm.barrier0
    llvm.br ^l(%zero, %o : i32, f32)
  ^l(%i: i32, %s: f32):
    %j = llvm.and %i, %mask : i32
    %q = llvm.getelementptr %tile[%j] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %x = llvm.load %q : !llvm.ptr<3> -> f32
    %y = llvm.fadd %x, %s : f32
    %next = llvm.add %i, %one : i32
    %more = llvm.icmp "ult" %next, %n : i32
    llvm.cond_br %more, ^l(%next, %y : i32, f32), ^e
  ^e:
    %r = llvm.getelementptr %out[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    llvm.store %y, %r : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @global(%n: i32, %x: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %w = llvm.mlir.constant(256 : i32) : i32
    %o = llvm.mlir.constant(1.0 : f32) : f32
    llvm.br ^l(%zero : i32)
  ^l(%i: i32):
    %k = llvm.mul %i, %w : i32
    %j = llvm.add %k, %t : i32
    %p = llvm.getelementptr %x[%j] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %p : !llvm.ptr<1> -> f32
    %y = llvm.fadd %v, %o : f32
    llvm.store %y, %p : f32, !llvm.ptr<1>
    %next = llvm.add %i, %one : i32
    %more = llvm.icmp "ult" %next, %n : i32
    llvm.cond_br %more, ^l(%next : i32), ^e
  ^e:
    llvm.return
  }
  llvm.func @warps(%n: i32) attributes {nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %all = llvm.mlir.constant(-1 : i32) : i32
    llvm.br ^l(%zero : i32)
  ^l(%i: i32):
    nvvm.bar.warp.sync %all : i32
    %next = llvm.add %i, %one : i32
    %more = llvm.icmp "ult" %next, %n : i32
    llvm.cond_br %more, ^l(%next : i32), ^e
  ^e:
    llvm.return
  }
}
mlora.emulate @m::@barriers grid [16] block [256] arguments [1000 : i32]
mlora.emulate @m::@warps grid [16] block [256] arguments [1000 : i32]
mlora.emulate @m::@shared grid [16] block [256] arguments [1000 : i32]
mlora.emulate @m::@broadcast grid [16] block [256] arguments [1024 : i32, {type = tensor<256xf32>}]
mlora.emulate @m::@global grid [16] block [256] arguments [1024 : i32, {type = tensor<1024x256xf32>}]
