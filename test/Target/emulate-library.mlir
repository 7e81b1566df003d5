// RUN: mlora-opt %s --mlora-emulate=seeds=10 -o /dev/null | FileCheck %s

// What upstream's conversions call by name, and what LLVM knows by name.

// CHECK: @m::@softmax: 1 block of 32 threads, 10 seeds: passed
// CHECK: @m::@functions: 1 block of 1 thread, 10 seeds: passed
// CHECK: @m::@copied: 1 block of 1 thread, 10 seeds: passed
// CHECK: @m::@intrinsics: 1 block of 64 threads, 10 seeds: passed
gpu.module @m {
  gpu.func @softmax(%x: memref<32xf32>, %y: memref<32xf32>) kernel {
    %t = gpu.thread_id x
    %v = memref.load %x[%t] : memref<32xf32>
    %e = math.exp %v : f32
    %sum = gpu.subgroup_reduce add %e uniform : (f32) -> f32
    %p = arith.divf %e, %sum : f32
    memref.store %p, %y[%t] : memref<32xf32>
    gpu.return
  }
  gpu.func @functions(%y: memref<10xf32>) kernel {
    %x = arith.constant 0.5 : f32
    %two = arith.constant 2.0 : f32
    %d = arith.constant 0.25 : f64
    %exp = math.exp %x : f32
    %log = math.log %x : f32
    %tanh = math.tanh %x : f32
    %rsqrt = math.rsqrt %x : f32
    %erf = math.erf %x : f32
    %sin = math.sin %x : f32
    %floor = math.floor %x : f32
    %pow = math.powf %x, %two : f32
    %wide = math.sqrt %d : f64
    %sqrt = arith.truncf %wide : f64 to f32
    %exp2 = math.exp2 %x : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %c6 = arith.constant 6 : index
    %c7 = arith.constant 7 : index
    %c8 = arith.constant 8 : index
    %c9 = arith.constant 9 : index
    memref.store %exp, %y[%c0] : memref<10xf32>
    memref.store %log, %y[%c1] : memref<10xf32>
    memref.store %tanh, %y[%c2] : memref<10xf32>
    memref.store %rsqrt, %y[%c3] : memref<10xf32>
    memref.store %erf, %y[%c4] : memref<10xf32>
    memref.store %sin, %y[%c5] : memref<10xf32>
    memref.store %floor, %y[%c6] : memref<10xf32>
    memref.store %pow, %y[%c7] : memref<10xf32>
    memref.store %sqrt, %y[%c8] : memref<10xf32>
    memref.store %exp2, %y[%c9] : memref<10xf32>
    gpu.return
  }
  // Through local memory and back; a vector of three is twelve bytes; a division by zero does not trap.
  llvm.func @copied(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %one = llvm.mlir.constant(1 : i32) : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %seven = llvm.mlir.constant(7 : i8) : i8
    %n = llvm.mlir.constant(12 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %local = llvm.alloca %one x !llvm.array<3 x i32> : (i32) -> !llvm.ptr
    "llvm.intr.memcpy"(%local, %x, %n) <{isVolatile = false}> : (!llvm.ptr, !llvm.ptr<1>, i64) -> ()
    "llvm.intr.memset"(%local, %seven, %four) <{isVolatile = false}> : (!llvm.ptr, i8, i64) -> ()
    %v = llvm.load %local {alignment = 4 : i64} : !llvm.ptr -> vector<3xi32>
    llvm.store %v, %y {alignment = 4 : i64} : vector<3xi32>, !llvm.ptr<1>
    %divisor = llvm.load %x : !llvm.ptr<1> -> i32
    %quotient = llvm.sdiv %one, %divisor : i32
    %isZero = llvm.icmp "eq" %divisor, %zero : i32
    %chosen = llvm.select %isZero, %one, %quotient : i1, i32
    %last = llvm.getelementptr %y[3] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    llvm.store %chosen, %last : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.mlir.global internal @s() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x i32>
  llvm.func @intrinsics(%y: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %t = llvm.call_intrinsic "llvm.nvvm.read.ptx.sreg.tid.x"() : () -> i32
    %s = llvm.mlir.addressof @s : !llvm.ptr<3>
    %mine = llvm.getelementptr %s[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %t, %mine : i32, !llvm.ptr<3>
    llvm.call_intrinsic "llvm.nvvm.barrier0"() : () -> ()
    %last = llvm.mlir.constant(63 : i32) : i32
    %o = llvm.sub %last, %t : i32
    %other = llvm.getelementptr %s[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %v = llvm.load %other : !llvm.ptr<3> -> i32
    // Bytes 0, 1, 2 of the first and the lowest of the second.
    %picks = llvm.mlir.constant(0x4210 : i32) : i32
    %p = llvm.call_intrinsic "llvm.nvvm.prmt"(%v, %t, %picks) : (i32, i32, i32) -> i32
    %by = llvm.mlir.constant(24 : i32) : i32
    %high = llvm.lshr %p, %by : i32
    %sum = llvm.add %high, %v : i32
    llvm.inline_asm has_side_effects asm_dialect = att "bar.sync 0;", "" : () -> ()
    %mask = llvm.mlir.constant(-1 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %clamp = llvm.mlir.constant(31 : i32) : i32
    %swapped = llvm.call_intrinsic "llvm.nvvm.shfl.sync.bfly.i32"(%mask, %sum, %one, %clamp) : (i32, i32, i32, i32) -> i32
    %place = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %swapped, %place : i32, !llvm.ptr<1>
    llvm.return
  }
}
mlora.emulate @m::@softmax grid [1] block [32] arguments [
  {type = tensor<32xf32>}, {type = tensor<32xf32>, expect = dense<0.03125> : tensor<32xf32>, tolerance = 1.0e-7}]
mlora.emulate @m::@functions grid [1] block [1] arguments [
  {type = tensor<10xf32>, expect = dense<[1.6487213, -0.6931472, 0.46211716, 1.4142135, 0.5204999, 0.47942554, 0.0, 0.25, 0.5, 1.4142135]>
   : tensor<10xf32>, tolerance = 1.0e-6}]
mlora.emulate @m::@copied grid [1] block [1] arguments [
  {type = tensor<3xi32>, init = "iota"}, {type = tensor<4xi32>, expect = dense<[117901063, 1, 2, 1]> : tensor<4xi32>}]
mlora.emulate @m::@intrinsics grid [1] block [64] arguments [{type = tensor<64xi32>, expect = dense<63> : tensor<64xi32>}]
