//===- TargetPasses.td ---------------------------------------------*- tablegen -*-===//

#ifndef MLORA_TARGET_PASSES_TD
#define MLORA_TARGET_PASSES_TD

include "mlir/Pass/PassBase.td"

def MLoraLowerKernels : Pass<"mlora-lower-kernels", "::mlir::ModuleOp"> {
  let summary = "Kernels to functions of one block";
  let description = [{
    Every `mlora.kernel` becomes a function of memrefs that computes one block of the grid with linalg, scf, arith and
    `mlora.gemm`. Its arguments are the operands, the results, the run-time scalars, the thread's scratch and
    the block's number; extents come from scalars or static types, never from memrefs. Element-wise work and row
    reductions are `linalg.generic` whose loops are all parallel, except that the innermost may be a reduction. Values between ops
    of a kernel lie in scratch at fixed offsets, reused by lifetime; `mlora.scratch_bytes` is their total, whatever the run-time
    extents, and `mlora.grid` the kernel's grid. Query rows of attention take `key-chunk` keys at a time. Attributes read: `mlora.tiles`
    (blocks of each sum over tokens, in body order) and `mlora.accumulate` (gradients are always added to).
    A `mlora.joined_kernel` becomes one function, whose blocks look for their part and layer; `mlora.fixed_bytes` of it is what a
    launch moves, since its arguments do not say which are both read and written.

    Example:
    ```mlir
    mlora.kernel @add(%a: tensor<?x64xf32>, %b: tensor<?x64xf32>) -> tensor<?x64xf32> grid ["rows by 128"] {
      %y = mlora.add %a, %b : tensor<?x64xf32>
      mlora.yield %y : tensor<?x64xf32>
    }
    // becomes
    func.func @add(%a: memref<?x64xf32>, %b: memref<?x64xf32>, %y: memref<?x64xf32>,
                   %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index)
        attributes {mlora.grid = ["rows by 128"], mlora.scratch_bytes = 0 : i64} {
      // first = 128 · block, count = min(128, rows - first), then subviews of `count` rows and one linalg.generic
      return
    }
    ```
  }];
  let options = [
    Option<"keyChunk", "key-chunk", "int64_t", "512", "Keys that a block of attention takes at once">,
    Option<"stripeColumns", "stripe-columns", "int64_t", "48", "Tiles of a sum over tokens are cut at multiples of so many columns: mlora-lower-gemm's widest stripe reads op(B) in place">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def Vectorize : Pass<"mlora-vectorize", "::mlir::func::FuncOp"> {
  let summary = "Linalg on memrefs to loops over vectors";
  let description = [{
    One loop of each `linalg` op becomes vectors of 16 elements, the others `scf.for`. What does not move along it is loaded once a row
    and broadcast. Reductions along it keep four vectors of partial results when the row is long; they are folded by halves, in
    an order that depends on extents alone. The rest of a row is a narrower vector or a masked one. Operands a row stride apart are
    gathered. Scalar loops remain only where nothing is contiguous.

    Before:
    ```mlir
    linalg.generic {indexing_maps = [#row, #both], iterator_types = ["parallel", "parallel"]}
      ins(%lse : memref<4xf32>) outs(%z : memref<4x?xf32>) { ... math.exp ... }
    ```
    After:
    ```mlir
    scf.for %i = %c0 to %c4 step %c1 {
      %l = memref.load %lse[%i] : memref<4xf32>
      scf.for %j = %c0 to %full step %c16 {
        %v = vector.load %z[%i, %j] : memref<4x?xf32>, vector<16xf32>
        ...
      }
      scf.if %hasRest { ... vector.maskedload ... vector.maskedstore ... }
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def LowerGemm : Pass<"mlora-lower-gemm", "::mlir::ModuleOp"> {
  let summary = "Matrix products of blocks to loops over vectors";
  let description = [{
    Every `mlora.gemm` becomes a call of a private function, one for each pair of transpositions, that works for all shapes. Its
    loops: depths of K, so that a stripe of op(B) stays in cache; stripes of `panels` vectors of 16 columns; tiles of `rows` rows whose sums
    are kept in registers. op(B) is copied to a stripe (transposed in registers) where its rows are not contiguous along N; op(A) never is.
    Up to four rows of A against a transposed B (a token at a time) are sums along K instead. Each element of C is summed along K in
    one order (of those few rows in another), so that the bits do not depend on how more rows than those are cut into blocks.

    A transposed B of blocks (`of "Q4_1"`) is unpacked as it is read: in registers for up to eight rows of A; for more into a stripe of rows in f32,
    which the product of f32 takes.

    ```mlir
    mlora.gemm %x, transposed %w into %y alpha %one beta %zero : …
    // becomes
    call @gemm_nt(%x, %w, %y, %one, %zero) : …
    func.func private @gemm_nt(%a: memref<?x?xf32, strided<[?, 1], offset: ?>>, …) {
      …
      %sums:24 = scf.for %l = %c0 to %depth step %c1 iter_args(…) -> (vector<16xf32>, …) {
        %b0 = vector.load %stripe[%l, %c0] : …
        %x0 = memref.load %tile[%c0, %l] : …
        %s0 = vector.fma %x0_lanes, %b0, %sum0 : vector<16xf32>
        …
    ```
  }];
  let options = [
    Option<"rows", "rows", "int64_t", "0", "Rows of a tile (0: 8 with AVX-512, otherwise 6)">,
    Option<"panels", "panels", "int64_t", "0", "Vectors of 16 columns of a tile (0: 3 with AVX-512, otherwise 1)">,
    Option<"depth", "depth", "int64_t", "1024", "Greatest depth of a stripe, a multiple of 16">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def LowerToLLVM : Pass<"mlora-lower-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Functions of one block to the LLVM dialect, with the kernel ABI";
  let description = [{
    exp, log, sin, cos become polynomials on whatever they work on (1 to 2 ulp in f32), rsqrt becomes 1/sqrt; everything else
    goes upstream's way. The signature becomes that of
    docs/architecture.md: buffers come from a table, and a `?` extent is never read from a memref.

    ```mlir
    func.func @add(%a: memref<?x64xf32>, %y: memref<?x64xf32>, %scalars: memref<4xi64>,
                   %scratch: memref<?xi8>, %block: index)
    // becomes
    llvm.func @add(%block: i64, %buffers: !llvm.ptr, %scalars: !llvm.ptr, %scratch: !llvm.ptr)
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::ub::UBDialect", "::mlir::vector::VectorDialect"];
}

def EmitObject : Pass<"mlora-emit-object", "::mlir::ModuleOp"> {
  let summary = "Compiles a module of the LLVM dialect to a shared object";
  let description = [{
    For the CPU at hand, optimised as -O3 with fused multiply-add but no reassociation, linked by lld in this process. An import outside
    `AllowedSymbols.def` is an error.
  }];
  let options = [Option<"path", "path", "std::string", "\"program.so\"", "File to write">];
}

def WriteBundle : Pass<"mlora-write-bundle", "::mlir::ModuleOp"> {
  let summary = "A planned program as a bundle: manifest, code, IR";
  let description = [{
    Writes `program.mlir` (the module as it is), `program.so` (its kernels, lowered in a copy: by `mlora-to-cpu`, or by `mlora-to-gpu` and then
    for the emulator; with target=cuda `program.ptx`) and `manifest.json` (docs/architecture.md) into an existing folder. Kernels of a GPU are
    made for the chip that the module's attribute `mlora.chip` names, which target=cuda needs. The module does not change.
  }];
  let options = [
    Option<"path", "path", "std::string", "\".\"", "Folder to write into">,
    Option<"request", "request", "std::string", "", "The request that is answered, copied into the manifest">,
    Option<"target", "target", "std::string", "\"cpu\"", "cpu, cuda or emulate">,
  ];
}

def AttentionToGPU : Pass<"mlora-attention-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Attention kernels on tensor cores";
  let description = [{
    Takes every `mlora.kernel` of one `attention`, `attention.query_grad` or `attention.key_value_grad` on bf16
    (lse in f32), with heads of a multiple of 16 up to 256, views of its operands (`window`) and what a gradient's results go through
    (an inverse `rope` with heads up to 128, `place`), to a `gpu.func` of `gpu.module @kernels`: flash attention with ldmatrix,
    mma.sync m16n8k16 and cp.async stages in swizzled shared memory, or, on sm_90a, wgmma and tensor copies (docs/gpu.md). Other kernels stay for the
    general schedules. The kernel says what its launch needs, and its schedule:

    ```mlir
    mlora.kernel @attend(%q: tensor<?x512xbf16>, ...) -> (tensor<?x512xbf16>, tensor<?x8xf32>) grid ["8 by 1", "rows by 64"]
    // becomes
    gpu.func @attend(%q: !llvm.ptr<1>, ..., %scalars: !llvm.ptr<1>, %scratch: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>, mlora.grid = ["8 by 1", "rows by 128"],
                  mlora.schedule = "attention.mma forward width 64 tile 128x64 stages 2 warps 4",
                  mlora.scratch_bytes = 0 : i64, mlora.shared_bytes = 49152 : i64}
    ```
  }];
  let options = [Option<"chip", "chip", "std::string", "",
                        "The GPU, whose shared memory and instructions decide between schedules; none: the module's `mlora.chip`, else sm_80">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect"];
}

def SumsToGPU : Pass<"mlora-sums-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Sums over tokens by wgmma";
  let description = [{
    For sm_90a: takes every `mlora.kernel` of `token_outer`s on bf16 (results in f32), and views of their operands (`window`), to a
    `gpu.func` of `gpu.module @kernels`. A warpgroup copies boxes of 64 tokens by 64 columns (TMA, four stages with mbarriers), two multiply:
    `wgmma` takes both operands as they lie, [tokens, columns]. The wide dimension of a result is the rows of a block's tile, so that a block
    reads it once for all ranks. Other kernels, other chips and buffers whose rows are no multiple of 16 bytes apart stay for the general
    schedules.

    ```mlir
    mlora.kernel @sums(%u: tensor<?x96xbf16>, %x: tensor<?x4096xbf16>) -> (tensor<96x4096xf32>) grid ["64 by 1"]
    // becomes
    gpu.func @sums(%u: !llvm.ptr<1>, %x: !llvm.ptr<1>, ..., %scalars: !llvm.ptr<1>, %scratch: !llvm.ptr<1>, %map: !llvm.ptr, %map_0: !llvm.ptr) kernel
      attributes {known_block_size = array<i32: 384, 1, 1>, mlora.grid = ["32 by 1"], mlora.schedule = "sums.wgmma 128x128x64x4", ...}
    ```
  }];
  let options = [Option<"chip", "chip", "std::string", "", "The GPU; none: the module's `mlora.chip`, else sm_80">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect"];
}

def RowsToGPU : Pass<"mlora-rows-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Rows and skinny products beside them by wgmma";
  let description = [{
    For sm_90a: takes every `mlora.kernel` of elementwise ops, norms and norms' gradients on rows in bf16 with products of them (`linear` by Ã,
    `linear.input_grad` by B̃) to a `gpu.func` of `gpu.module @kernels`. A block has 32 rows and goes through their columns once, 64 a step,
    twice where sums along the row come first. One warpgroup copies rows and factors (TMA, a ring of stages with mbarriers); two take steps in turn:
    elements are computed in the stage, leave it by tensor stores, and are multiplied from there. `wgmma` computes mᵀ: ranks are its 64 rows,
    tokens its columns. Other kernels, other chips, columns that are no multiple of 64 and more ranks than a thread has registers for stay for the
    general schedules.

    ```mlir
    mlora.kernel @swiglu(%gate: tensor<?x512xbf16>, %up: tensor<?x512xbf16>, %a: tensor<96x512xbf16>) -> (tensor<?x608xbf16>) grid ["rows by 32"] {
      %y = mlora.swiglu %gate, %up : ...
      %m = mlora.linear %y, %a : ...
      %ym = mlora.join %y, %m : ...
    // becomes
    gpu.func @swiglu(%gate: !llvm.ptr<1>, ..., %map: !llvm.ptr, ...) kernel
      attributes {known_block_size = array<i32: 384, 1, 1>, mlora.grid = ["rows by 32"], mlora.schedule = "rows 32, wgmma 32x96x64x8", ...}
    ```
  }];
  let options = [Option<"chip", "chip", "std::string", "", "The GPU; none: the module's `mlora.chip`, else sm_80">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect"];
}

def BlocksToThreads : Pass<"mlora-blocks-to-threads", "::mlir::ModuleOp"> {
  let summary = "Functions of one block to kernels of a GPU, whose threads share the block's work";
  let description = [{
    Takes what `mlora-lower-kernels` makes to `gpu.func`s in one `gpu.module @kernels`, for every op, shape and rank. 128 threads a block.
    Elements go to threads in order, 16 bytes of a row at a time where rows allow; a sum along a row is a warp's, whose lanes fold by halves;
    iterations of `scf.forall` go to warps, or to threads where they hold scalars only. Threads meet only where one of them reads or overwrites
    what another one has written or read. All orders are fixed, so the bits are the same on every run.

    A thread asks for four places before it stores the first (eight beside a product, one in joined launches). Ops one behind
    another over the same rows, with a sum along them, are one loop in which a warp keeps its row in registers, up to 2,048 elements
    (1,536 where some are f32); longer rows go through memory.

    `mlora.gemm` goes through tiles in shared memory with sums in registers, by the schedule that copies and multiplies least (docs/gpu.md): on tensor cores where an
    operand is bf16 (an f32 operand beside it is rounded to bf16 in its tile), by FFMA where both are f32, and by a general schedule
    where rows of an operand are no multiple of 16 bytes apart. `mlora.schedule` names them: `rows 32, mma 32x96x64x5` has tiles of 32 by
    96 of C, 64 of K a step, in five stages.

    Scratch lies in shared memory where that suffices (`shared-limit`), otherwise in global memory, a piece a block. The kernel says what its
    launch needs: `mlora.grid`, `known_block_size`, `mlora.shared_bytes` (dynamic), `mlora.scratch_bytes` (of each block, global), and
    promises ptxas that four blocks, three with a product through stages and two with several or with elements beside one, share a multiprocessor's registers (`nvvm.minctasm`).

    ```mlir
    linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<?x64xf32, …>) outs(%y : memref<?x64xf32, …>) { ... }
    // becomes
    %elements = arith.muli %count, %c64 : index
    %first = arith.muli %thread, %c4 : index
    scf.for %p = %first to %elements step %c512 {
      %column = arith.remui %p, %c64 : index
      %row = arith.divui %p, %c64 : index
      %v = vector.load %a[%row, %column] {alignment = 16} : memref<?x64xf32, …>, vector<4xf32>
      ...
      vector.store %r, %y[%row, %column] {alignment = 16} : memref<?x64xf32, …>, vector<4xf32>
    }
    ```
  }];
  let options = [Option<"sharedLimit", "shared-limit", "int64_t", "101376",
                        "Bytes of shared memory that a block may have (99 KiB: any chip from sm_80 on)">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def GPUToNVVM : Pass<"mlora-gpu-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Kernels of a GPU to the llvm and nvvm dialects";
  let description = [{
    exp, log, sin, cos become polynomials, as on the CPU, so that no library is called and the bits are those of the emulator. Each kernel
    takes one pointer a buffer, then the run-time scalars' and the scratch's; a `?` extent is never read from a memref.

    ```mlir
    gpu.func @add(%a: memref<?x64xf32>, %y: memref<?x64xf32>, %scalars: memref<4xi64>, %scratch: memref<?xi8>) kernel
    // becomes
    llvm.func @add(%a: !llvm.ptr, %y: !llvm.ptr, %scalars: !llvm.ptr, %scratch: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel}
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::scf::SCFDialect", "::mlir::ub::UBDialect", "::mlir::vector::VectorDialect"];
}

def EmitPTX : Pass<"mlora-emit-ptx", "::mlir::ModuleOp"> {
  let summary = "Writes the PTX of every gpu.module of the llvm and nvvm dialects";
  let description = [{
    A file `<module>.ptx` for each, made by LLVM's code generator as -O3 with fused multiply-add but no reassociation; roots and quotients
    are rounded correctly. Nothing is imported: a call of what the module only declares, and a function that a GPU has no
    instruction for, are errors at the op. What an identifier of PTX cannot hold is `$` there (`f.0.linear` is `f$0$linear`). The module does not change.

    With `report`, ptxas assembles it and a line for each kernel says what it takes:

        norm_linear for sm_90: 62 registers, 39936 bytes of shared memory, 0 bytes of local memory, 0 bytes spilled; 5 blocks of 128 threads a multiprocessor, occupancy 31%
  }];
  let options = [
    Option<"path", "path", "std::string", "\".\"", "Folder to write into">,
    Option<"chip", "chip", "std::string", "\"sm_90\"", "Architecture: sm_80, sm_90, sm_90a or sm_100">,
    Option<"printReport", "report", "bool", "false", "Print each kernel's registers, shared memory, spills and occupancy (needs ptxas)">,
  ];
}

def Emulate : Pass<"mlora-emulate", "::mlir::ModuleOp"> {
  let summary = "Runs GPU kernels on the CPU, thread by thread, and checks what they do";
  let description = [{
    Takes a copy of every `gpu.module` down to the llvm and nvvm dialects (what PTX would be made of), compiles it for this CPU with
    all memory accesses checked, and runs each `mlora.emulate` under one seed or several: each GPU thread is a fiber, and the
    seed chooses who runs wherever one may let another. The first fault of a launch is an error at the operation that
    did it; what it checks and what it does not emulate is in docs/emulator.md. Prints a line for each launch that
    passed. The module does not change.

    ```mlir
    gpu.module @kernels {
      gpu.func @scale(%x: memref<256xf32>, %y: memref<256xf32>, %by: f32) kernel { ... }
    }
    mlora.emulate @kernels::@scale grid [2] block [128] arguments [
      {type = tensor<256xf32>, init = "iota"}, {type = tensor<256xf32>, expect = @doubled}, 2.0 : f32]
    // prints @kernels::@scale: 2 blocks of 128 threads, 1 seed: passed
    ```
  }];
  let options = [
    Option<"seeds", "seeds", "int64_t", "1", "How many seeds to run each launch under">,
    Option<"firstSeed", "first-seed", "int64_t", "0", "The first of them">,
    Option<"statistics", "print-statistics", "bool", "false", "Print how much was run, and how fast">,
    Option<"keep", "keep", "std::string", "", "A file to keep the compiled kernels in (a shared object)">,
  ];
}

#endif // MLORA_TARGET_PASSES_TD
