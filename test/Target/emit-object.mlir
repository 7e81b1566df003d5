// RUN: mlora-opt %s --mlora-emit-object=path=%t.so -o /dev/null
// RUN: llvm-readelf --dyn-syms %t.so | FileCheck %s '--implicit-check-not={{digits|counter|helper|unused}}'

// What is beside the output stays, and nothing is left there: not when linking fails either.
// RUN: rm -rf %t.folder && mkdir -p %t.folder/taken.so && echo "a user's" > %t.folder/x.so.0.o
// RUN: mlora-opt %s --mlora-emit-object=path=%t.folder/x.so -o /dev/null
// RUN: not mlora-opt %s --mlora-emit-object=path=%t.folder/taken.so -o /dev/null
// RUN: cat %t.folder/x.so.0.o | FileCheck %s --check-prefix=STAYS
// RUN: ls %t.folder | FileCheck %s --check-prefix=FOLDER
// STAYS: a user's
// FOLDER: {{^}}taken.so{{$}}
// FOLDER-NEXT: {{^}}x.so{{$}}
// FOLDER-NEXT: {{^}}x.so.0.o{{$}}
// FOLDER-NOT: {{.}}

// Only kernels are seen from outside, and only what is on the list is imported. Two kernels, so that they are in two
// parts: both reach what is declared, the constant, the variable and the private function, which reaches them too.

// CHECK-DAG: UND memcpy
// CHECK-DAG: FUNC GLOBAL DEFAULT {{.*}} first
// CHECK-DAG: FUNC GLOBAL DEFAULT {{.*}} second

llvm.func @memcpy(!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
llvm.func @unused(!llvm.ptr)

llvm.mlir.global external constant @digits(dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>) : !llvm.array<4 x f32>
llvm.mlir.global external @counter(0 : i64) : i64

llvm.func @helper(%to: !llvm.ptr, %size: i64) attributes {sym_visibility = "private"} {
  %digits = llvm.mlir.addressof @digits : !llvm.ptr
  %counter = llvm.mlir.addressof @counter : !llvm.ptr
  llvm.store volatile %size, %counter : i64, !llvm.ptr
  %0 = llvm.call @memcpy(%to, %digits, %size) : (!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
  llvm.return
}

llvm.func @first(%to: !llvm.ptr, %size: i64) {
  llvm.call @helper(%to, %size) : (!llvm.ptr, i64) -> ()
  llvm.return
}

llvm.func @second(%to: !llvm.ptr, %size: i64) {
  %digits = llvm.mlir.addressof @digits : !llvm.ptr
  %counter = llvm.mlir.addressof @counter : !llvm.ptr
  llvm.store volatile %size, %counter : i64, !llvm.ptr
  %0 = llvm.call @memcpy(%to, %digits, %size) : (!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
  llvm.call @helper(%to, %size) : (!llvm.ptr, i64) -> ()
  llvm.return
}
