// What the passes make has nothing left to fold, to erase or to compute once: no pipeline needs --canonicalize or --cse.

// RUN: mlora-opt %s --mlora-import=config=%S/Inputs/tiny-config.json --mlora-attach-adapters="num-branches=2 rank=4" --mlora-fuse-branches --mlora-autodiff --mlora-rematerialize --mlora-add-optimizer | mlora-opt -o %t.multilora.mlir
// RUN: mlora-opt %t.multilora.mlir --canonicalize --cse | diff %t.multilora.mlir -

// Plain LoRA with alpha = r: the factor's gradient is B's.
// RUN: mlora-opt %s --mlora-import=config=%S/Inputs/tiny-config.json --mlora-attach-adapters="method=lora rank=4" --mlora-fuse-branches --mlora-autodiff --mlora-rematerialize --mlora-add-optimizer | mlora-opt -o %t.lora.mlir
// RUN: mlora-opt %t.lora.mlir --canonicalize --cse | diff %t.lora.mlir -
// RUN: FileCheck %s --input-file=%t.lora.mlir
// CHECK-LABEL: func.func @decoder_layer.update(
// CHECK-NOT: mlora.stack_up.grad

// RUN: mlora-opt %s --mlora-import=config=%S/Inputs/tiny-config.json --mlora-attach-adapters=method=ft --mlora-fuse-branches --mlora-autodiff --mlora-rematerialize --mlora-add-optimizer | mlora-opt -o %t.ft.mlir
// RUN: mlora-opt %t.ft.mlir --canonicalize --cse | diff %t.ft.mlir -

// RUN: mlora-opt %s --mlora-import="config=%S/Inputs/tiny-config.json kind=generate" --mlora-attach-adapters="num-branches=2 rank=4" --mlora-fuse-branches | mlora-opt -o %t.generate.mlir
// RUN: mlora-opt %t.generate.mlir --canonicalize --cse | diff %t.generate.mlir -
