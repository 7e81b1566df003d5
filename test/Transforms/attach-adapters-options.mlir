// RUN: not mlora-opt %s --mlora-attach-adapters="method=dora" 2>&1 | FileCheck %s --check-prefix=METHOD
// RUN: not mlora-opt %s --mlora-attach-adapters="rank=0" 2>&1 | FileCheck %s --check-prefix=RANK

// METHOD: error: mlora-attach-adapters: method is 'dora', not multilora, lora, ft or none
// RANK: error: mlora-attach-adapters: rank and num-branches are at least 1
module {}
