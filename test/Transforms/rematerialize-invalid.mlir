// RUN: not mlora-opt %s --mlora-rematerialize=recompute=some 2>&1 | FileCheck %s
// CHECK: recompute is 'some', not none, cheap or all
module {}
