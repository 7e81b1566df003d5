// RUN: not mlora-opt %s --mlora-lower-gemm=depth=40 2>&1 | FileCheck %s --check-prefix=DEPTH
// RUN: not mlora-opt %s --mlora-lower-gemm=rows=-3 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not mlora-opt %s --mlora-lower-gemm=depth=16777216 2>&1 | FileCheck %s --check-prefix=STRIPE

// DEPTH: mlora-lower-gemm: depth is 40, not a positive multiple of 16
// ROWS: mlora-lower-gemm: a tile of -3 rows and {{[0-9]}} panels; both are at least 1
// STRIPE: mlora-lower-gemm: a stripe of depth 16777216 and {{[0-9]}} panels takes {{[0-9]+}} bytes of stack, more than 1048576
module {}
