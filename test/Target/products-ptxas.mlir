// REQUIRES: ptxas
// RUN: rm -rf %t && mkdir %t
// RUN: mlora-opt %S/products-mma.mlir --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_80 report' -o /dev/null | FileCheck %s
// RUN: mlora-opt %S/products-mma.mlir --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_90 report' -o /dev/null | FileCheck %s
// RUN: mlora-opt %S/products-mma.mlir --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_100 report' -o /dev/null | FileCheck %s
// RUN: mlora-opt %S/products-ffma.mlir --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_80 report' -o /dev/null | FileCheck %s
// RUN: mlora-opt %S/products-ffma.mlir --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_90 report' -o /dev/null | FileCheck %s
// RUN: mlora-opt %S/products-ffma.mlir --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_100 report' -o /dev/null | FileCheck %s

// Each schedule of products, assembled: nothing in local memory, nothing spilled, at most 168 registers, of which three blocks of 128 threads
// have room. What a launch moves is each operand and result once.

// CHECK-NOT: {{[1-9][0-9]*}} bytes of local memory
// CHECK-NOT: {{[1-9][0-9]*}} bytes spilled
// CHECK-NOT: {{(169|1[7-9][0-9]|[2-9][0-9][0-9])}} registers
// CHECK: x_wt for {{.*}} 0 bytes of local memory, 0 bytes spilled; {{.*}}; a launch moves {{[0-9]+}} bytes and {{[0-9]+}} a row; rows 32, {{ffma|mma}} 32x
