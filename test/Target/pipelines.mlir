// The named pipelines: from a configuration to a planned program, of one kind each. Their options are those of the passes.

// RUN: mlora-opt %s --mlora-train-pipeline='target=cpu config=%S/../Transforms/Inputs/tiny-config.json num-branches=2 rank=4' | FileCheck %s --check-prefix=TRAIN
// RUN: mlora-opt %s --mlora-generate-pipeline='config=%S/../Transforms/Inputs/tiny-config.json method=none' | FileCheck %s --check-prefix=GENERATE
// What they print is read again.
// RUN: mlora-opt %s --mlora-train-pipeline=config=%S/../Transforms/Inputs/tiny-config.json | mlora-opt --verify-roundtrip -o /dev/null
// RUN: mlora-opt %s --mlora-generate-pipeline=config=%S/../Transforms/Inputs/tiny-config.json | mlora-opt --verify-roundtrip -o /dev/null

// RUN: mlora-opt %s --mlora-train-pipeline='target=cuda chip=sm_90a config=%S/../Transforms/Inputs/tiny-config.json' | FileCheck %s --check-prefixes=CUDA,EMULATE
// RUN: not mlora-opt %s --mlora-train-pipeline=target=cuda 2>&1 | FileCheck %s --check-prefix=NOCHIP
// RUN: not mlora-opt %s --mlora-train-pipeline='target=cuda chip=sm_75' 2>&1 | FileCheck %s --check-prefix=SM75
// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate config=%S/../Transforms/Inputs/tiny-config.json' | FileCheck %s --check-prefix=EMULATE
// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate chip=sm_90a config=%S/../Transforms/Inputs/tiny-config.json' | FileCheck %s --check-prefixes=CUDA,EMULATE
// RUN: not mlora-opt %s --mlora-train-pipeline='target=emulate chip=sm_75' 2>&1 | FileCheck %s --check-prefix=SM75
// RUN: not mlora-opt %s --mlora-train-pipeline='target=cpu chip=sm_90a' 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: mlora-opt %s --mlora-generate-pipeline='target=emulate dtype=bf16 config=%S/../Transforms/Inputs/tiny-config.json' | FileCheck %s --check-prefix=BF16
// RUN: mlora-opt %s --mlora-train-pipeline='target=emulate dtype=bf16 config=%S/../Transforms/Inputs/tiny-config.json' | mlora-opt --verify-roundtrip -o /dev/null
// RUN: not mlora-opt %s --mlora-train-pipeline='target=cpu dtype=bf16' 2>&1 | FileCheck %s --check-prefix=CPU-BF16
// RUN: not mlora-opt %s --mlora-train-pipeline='target=emulate dtype=f16' 2>&1 | FileCheck %s --check-prefix=F16
// RUN: not mlora-opt %s --mlora-train-pipeline=target=tpu 2>&1 | FileCheck %s --check-prefix=TPU
// RUN: mlora-opt --help | FileCheck %s --check-prefix=HELP
// PTX of a whole step: what is not a library's.
// RUN: rm -rf %t && mkdir %t && mlora-opt %s --mlora-train-pipeline='target=cuda chip=sm_90a dtype=bf16 config=%S/../Transforms/Inputs/tiny-config.json' --mlora-to-gpu --mlora-emit-ptx='path=%t chip=sm_90a' | FileCheck %s --check-prefix=STEP
// RUN: FileCheck %s --check-prefix=PTX --input-file=%t/kernels.ptx

// STEP: mlora.kernel @decoder_layer.backward.{{.*}} attributes {library}
// STEP: mlora.program @train chunk_rows 512 arena
// PTX: .target sm_90a
// PTX-DAG: .entry decoder_layer$0$rms_norm
// PTX-DAG: .entry decoder_layer$backward$
// PTX-DAG: .entry head_loss$

// TRAIN: num_branches = 2 : i64, rank = 4 : i64
// TRAIN: mlora.program @train arena
// TRAIN: mlora.section "micro_step"

// A GPU's blocks are smaller, and its program says which chip kernels are for, where one is asked for.
// CUDA: mlora.chip = "sm_90a"
// EMULATE: mlora.kernel {{.*}} grid ["rows by 32"]
// EMULATE: mlora.program @train chunk_rows 512 arena

// GENERATE: mlora.program @generate arena
// GENERATE: mlora.section "step"

// Logits are a library's product, too.
// BF16: mlora.kernel @head_logits.{{[0-9]+}}.product({{.*}} -> (tensor<?x16xf32> {{.*}}) grid [] attributes {library}
// BF16: mlora.buffer "cache.key" cache {{.*}} : memref<?x4xbf16>
// BF16: mlora.buffer "logits" output {{.*}} : memref<?x16xf32>
// CPU-BF16: dtype=bf16 is not built for target=cpu, whose kernels are f32: ask for target=cuda or target=emulate
// F16: Cannot find option named 'f16'

// NOCHIP: target=cuda needs a chip, one of sm_80, sm_90, sm_90a, sm_100
// SM75: no kernels for chip 'sm_75'; expected one of sm_80, sm_90, sm_90a, sm_100
// CHIP: target=cpu takes no chip: code is generated for the CPU at hand
// TPU: Cannot find option named 'tpu'

// HELP:      --mlora-generate-pipeline
// HELP:      --mlora-train-pipeline - A model's configuration to a planned program that trains
// HELP-NEXT: --alpha=<number>
// HELP-NEXT: --budget=
// HELP-NEXT: --chip=
// HELP-NEXT: --chunk-rows=
// HELP-NEXT: --config=
// HELP-NEXT: --dtype=
// HELP-NEXT:   =f32
// HELP-NEXT:   =bf16
// HELP-NEXT: --method=
// HELP-NEXT: --num-branches=
// HELP-NEXT: --quantized=
// HELP-NEXT: --rank=
// HELP-NEXT: --recompute=
// HELP-NEXT: --target=
// HELP:      =cuda {{.*}}an NVIDIA GPU, by PTX for a chip
// HELP:      --targets=

module {}
