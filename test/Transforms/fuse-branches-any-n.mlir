// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json" --mlora-attach-adapters="num-branches=1 rank=2" --mlora-fuse-branches -o %t.1
// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json" --mlora-attach-adapters="num-branches=5 rank=2" --mlora-fuse-branches -o %t.5
// RUN: grep -c "mlora\.[a-z_]* %" %t.1 > %t.count
// RUN: grep -c "mlora\.[a-z_]* %" %t.5 | diff - %t.count
// RUN: FileCheck %s --input-file=%t.5

// n branches cost the ops of one: four groups (q k v; o; gate up; down) and a B̃ for each of the seven layers.
// CHECK-COUNT-4: mlora.adapted_linear
// CHECK-COUNT-7: mlora.stack_up
module {}
