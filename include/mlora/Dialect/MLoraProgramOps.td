//===- MLoraProgramOps.td - kernels and programs -----------------*- tablegen -*-===//

#ifndef MLORA_PROGRAM_OPS_TD
#define MLORA_PROGRAM_OPS_TD

include "mlora/Dialect/MLoraBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"

def MLora_KernelOp : MLora_Op<"kernel", [FunctionOpInterface, IsolatedFromAbove, Symbol]> {
  let summary = "A grid of blocks: some tensor ops in one memory pass";
  let description = [{
    The body reads as if it ran on whole tensors; `grid` says how it is cut. A dimension `rows by 128` means: blocks of
    128 along the run-time extent `rows`; `9 by 1`: nine blocks. Blocks are independent, so the result does not depend on who runs
    them. Operands are read, results are written (gradients: added to when the run-time scalar `accumulate` is 1).

    Example:
    ```mlir
    mlora.kernel @norm(%x: tensor<?x64xf32>, %w: tensor<64xf32>) -> tensor<?x64xf32> grid ["rows by 128"] {
      %y = mlora.rms_norm %x, %w eps 1.000000e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      mlora.yield %y : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type, StrArrayAttr:$grid,
                       OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }

    /// One dimension of the grid: blocks of `block` along `extent` (a run-time scalar's name) or `size`.
    struct GridDimension {
      ::llvm::StringRef extent; ///< empty: `size` is static
      int64_t size = 0, block = 1;
    };
    /// The parsed grid; outermost first.
    ::llvm::SmallVector<GridDimension> getGridDimensions() { return parseGrid(getGrid()); }
    /// Of a grid that is written elsewhere: `mlora.grid` of what a kernel becomes.
    static ::llvm::SmallVector<GridDimension> parseGrid(::mlir::ArrayAttr grid);
    /// The operand that a result is written in place of, part by part (`place`); none for any other result.
    ::std::optional<unsigned> getOperandInPlaceOf(unsigned result);
  }];
}

def MLora_YieldOp : MLora_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"KernelOp">]> {
  let summary = "What a kernel writes";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def MLora_LaunchOp : MLora_Op<"launch", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Runs a kernel";
  let description = [{
    Before planning, operands and results are tensors, in the order of the kernel's. In a planned program there are no
    results: operands are buffers, the kernel's operands first, then what it writes, each with a slot of the buffer: `[layer]`
    is the current layer's (modulo the buffer's number of slots), `[layer+1]` the next one's, `[0]` the first. `[all]` hands
    over all slots: of joined kernels, whose parts have layers of their own.

    Example:
    ```mlir
    %y = mlora.launch @norm(%x, %w) : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    mlora.launch @norm(%h[layer], %norm[layer], %x[0]) : (memref<?x64xf32>, memref<64xf32>, memref<?x64xf32>) -> ()
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$operands_, OptionalAttr<StrArrayAttr>:$slots);
  let results = (outs Variadic<AnyType>:$results_);
  let assemblyFormat = [{
    $kernel `` custom<Places>($operands_, $slots) attr-dict `:` functional-type($operands_, $results_)
  }];
}

def MLora_ChunkedCallOp : MLora_PureOp<"chunked_call", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A function called for some rows at a time";
  let description = [{
    What has run-time rows is cut: the function gets, and gives, rows [0, by), then [by, 2·by), …, all others whole. A result of static
    shape is the sum of what the calls give (the gradient of a parameter). What lives inside the function is never larger than for `by` rows.
    A planned program has a loop in its place (`mlora.chunks`).

    Example:
    ```mlir
    %nll, %dx = mlora.chunked_call @head_loss.chunk(%x, %w, %targets, %dnll) by 512
      : (tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?x64xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyRankedTensor>:$inputs, I64Attr:$by);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $callee `(` $inputs `)` `by` $by attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Whether a tensor is cut: it has run-time rows.
    static bool isCut(::mlir::Value tensor);
    /// The first operand that is cut; what else is cut has as many rows.
    ::mlir::Value getCut();
  }];
}

def MLora_JoinedKernelOp : MLora_Op<"joined_kernel", [IsolatedFromAbove, NoTerminator, Symbol, SymbolTable]> {
  let summary = "Kernels that one launch runs: their grids one behind another";
  let description = [{
    The body holds the kernels and a `part` for each. A launch has the blocks of all parts, of a part those of each of its layers; a block
    finds part and layer by its number. Blocks run in any order, so no part may touch what another one, or another of its own layers,
    writes (what is only placed into a tensor touches its window of it). The arguments are buffers, each once, whoever reads or writes
    them: `memref<172x3xf32>` a tensor, `memref<4x172x3xf32, strided<[528, 3, 1]>>` one for each of four layers, 528 elements apart.

    Example:
    ```mlir
    mlora.joined_kernel @joined.update(%p: memref<4x16x8xf32>, %dp: memref<4x16x8xf32>, %m: memref<4x16x8xf32>,
                                       %v: memref<4x16x8xf32>, %hyper: memref<8xf32>) {
      mlora.part @layer.update(%p, %dp, %m, %v, %hyper, %p, %m, %v) layers 4 : memref<4x16x8xf32>, …
      mlora.kernel @layer.update(%p: tensor<16x8xf32>, …) -> (…) grid ["16 by 64"] { … }
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Blocks of a launch.
    int64_t getBlocks();
    /// Pointers that a kernel can be given beside scalars and scratch: it has 4 KiB of parameters.
    static constexpr int64_t kMostBuffers = 510;
  }];
}

def MLora_PartOp : MLora_Op<"part", [HasParent<"JoinedKernelOp">, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A kernel among those joined";
  let description = [{
    Buffers are given as to a launch: the kernel's operands first, then what it writes. One that has a dimension more than the kernel's tensor
    holds one for each of the `layers`. The kernel's grid and shapes are static.

    Example:
    ```mlir
    mlora.part @layer.norm(%dp, %partial) layers 4 : memref<4x16x8xf32>, memref<4x16xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyMemRef>:$buffers, DefaultValuedAttr<I64Attr, "1">:$layers);
  let assemblyFormat = "$kernel `(` $buffers `)` (`layers` $layers^)? attr-dict `:` type($buffers)";
  let extraClassDeclaration = [{
    /// The kernel that it names; null for a name that is none of the joined.
    KernelOp getJoined();
    /// Blocks of a layer.
    int64_t getBlocksOfLayer();
    /// Whether a buffer holds a tensor for each layer.
    bool isPerLayer(unsigned buffer);
  }];
}

def MLora_ProgramOp : MLora_Op<"program", [IsolatedFromAbove, NoTerminator, NoRegionArguments, Symbol, SymbolTable]> {
  let summary = "What runs, in order, where: buffers, then sections";
  let description = [{
    Sections are straight lines of launches with loops over layers and over chunks of the rows that count. Nothing depends on a number of
    rows: after planning `arena` is the one allocation that holds every buffer, as bytes that grow with the capacity, which is given when
    the program is opened. It is made of regions, one behind another in this order: the fixed one, then those of `rows`, `counted_rows`,
    `kv_rows` and `chunk_rows`, whose numbers count bytes a row of that capacity. A chunk has at most `chunk_rows` rows, so that the
    capacity of the last region is that number, or that of `counted_rows` where it is less.

    Example:
    ```mlir
    mlora.program @train arena 1204224 + 91136 * rows {
      %h = mlora.buffer "h" residual slots 31 offset 2304 in "rows" extent "rows" : memref<?x64xf32>
      mlora.section "micro_step" {
        mlora.layers 0 to 30 step 1 {
          mlora.launch @k(%h[layer], %h[layer+1]) : (memref<?x64xf32>, memref<?x64xf32>) -> ()
        }
      }
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<I64Attr>:$chunk_rows,
                       OptionalAttr<DictionaryAttr>:$arena);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name (`chunk_rows` $chunk_rows^)? (`arena` custom<LinearBytes>($arena)^)? attr-dict-with-keyword $body
  }];
  let extraClassDeclaration = [{
    /// Bytes of a region a row of its capacity; of the fixed one, "", bytes.
    int64_t getArenaBytes(::llvm::StringRef region);
  }];
}

def MLora_BufferOp : MLora_Op<"buffer", [HasParent<"ProgramOp">]> {
  let summary = "A buffer of the arena";
  let description = [{
    `role` is one of input, weight, parameter, gradient, moment1, moment2, factor, residual, temporary, cache, output
    (docs/architecture.md). `slots` (1) copies lie one behind another, one a layer. `offset` counts from the beginning of the region
    that `in` names, in bytes a row of its capacity, or in bytes from the beginning of the fixed one. The region is that of `extent`, the
    run-time scalar behind `?`, or of one that is never less; what lives inside a loop over chunks lies in `chunk_rows`. `tensor` is the
    checkpoint's name of a weight (of bytes, i8: rows of blocks of its attribute `format`), `of` the parameter that a gradient or moment belongs to.

    Example:
    ```mlir
    %wq = mlora.buffer "self_attn.q_proj" weight slots 30 {tensor = "model.layers.{layer}.self_attn.q_proj.weight"}
      : memref<576x576xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$role, DefaultValuedAttr<I64Attr, "1">:$slots,
                       OptionalAttr<I64Attr>:$offset, OptionalAttr<StrAttr>:$place, OptionalAttr<StrAttr>:$extent,
                       OptionalAttr<StrAttr>:$tensor, OptionalAttr<StrAttr>:$of);
  let results = (outs AnyMemRef:$memory);
  let assemblyFormat = [{
    $name custom<Keyword>($role) (`slots` $slots^)? (`offset` $offset^)? (`in` $place^)? (`extent` $extent^)? attr-dict
    `:` type($memory)
  }];
}

def MLora_SectionOp : MLora_Op<"section", [HasParent<"ProgramOp">, NoTerminator, NoRegionArguments]> {
  let summary = "A part of a program that the runtime runs as one";
  let hasVerifier = 0;
  let arguments = (ins StrAttr:$name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$name attr-dict-with-keyword $body";
}

def MLora_LayersOp : MLora_Op<"layers", [NoTerminator, NoRegionArguments]> {
  let summary = "A loop over layers";
  let description = [{
    Runs its body for layer = first, first + step, …; `last` is the last one (inclusive).

    Example:
    ```mlir
    mlora.layers 29 to 1 step -1 { ... }
    ```
  }];
  let arguments = (ins I64Attr:$first, I64Attr:$last, I64Attr:$step);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$first `to` $last `step` $step attr-dict-with-keyword $body";
}

def MLora_ChunksOp : MLora_Op<"chunks", [HasParent<"SectionOp">, NoTerminator, NoRegionArguments]> {
  let summary = "A loop over chunks of the rows that count";
  let description = [{
    Runs its body for each `chunk_rows` (the program's) of the rows that count, the last time for what is left; once for no rows where none
    count. Inside, the scalar `counted_rows` is the chunk's number of rows; `accumulate` is 1 from the second chunk on. A buffer of
    `counted_rows` in the region `chunk_rows` holds the chunk's rows; of one in another region a launch gets what lies from the chunk's
    first row on.

    Example:
    ```mlir
    mlora.chunks {
      mlora.launch @head_loss.chunk.0.product(%x[0], %w[0], %logits[0]) : (memref<?x64xf32>, memref<512x64xf32>, memref<?x512xf32>) -> ()
    }
    ```
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "attr-dict-with-keyword $body";
}

def MLora_EmulateOp : MLora_Op<"emulate"> {
  let summary = "A launch of a kernel to run on the emulator, and what it must give";
  let description = [{
    `mlora-emulate` runs each of these (docs/emulator.md). An argument is a number, such as `7 : i32`, or a buffer of global
    memory, a dictionary:

    | key | value |
    |---|---|
    | `type` | the tensor type of its elements; not needed where `init` is dense |
    | `init` | `"zeros"` (also without the key), `"iota"`, `"random"` (uniform in [-1, 1), by `seed`), `"identity"`, `"uninitialised"` (reading what the launch has not written is a fault; expected values are computed from zeros) or dense values |
    | `expect` | dense values; or `@f`, a function of this module that gets the buffers as they were before the launch and returns this one, in f64; or `"same"`: what the first seed gave, bit by bit |
    | `tolerance` | how far an element may be off: tolerance · (1 + what is expected), 1e-5 without the key |

    A buffer for a memref argument fills its descriptor. `{tensor_map = 0, box = array<i64: 64, 64>, swizzle = 128}` is a tensor map of the
    buffer that is argument 0, for tensor copies: a box of the tensor's dimensions, outermost first, and a swizzle of 0, 32, 64 or 128 bytes.

    Example:
    ```mlir
    mlora.emulate @kernels::@scale grid [2] block [128] dynamic_shared 0 arguments [
      {type = tensor<256xf32>, init = "iota"}, {type = tensor<256xf32>, expect = @doubled, tolerance = 1.0e-6}, 2.0 : f32]
    ```
  }];
  let arguments = (ins SymbolRefAttr:$kernel, DenseI64ArrayAttr:$grid, DenseI64ArrayAttr:$block,
                       DefaultValuedAttr<I64Attr, "0">:$dynamic_shared, ArrayAttr:$arguments);
  let assemblyFormat = [{
    $kernel `grid` $grid `block` $block (`dynamic_shared` $dynamic_shared^)? `arguments` $arguments attr-dict
  }];
}

#endif // MLORA_PROGRAM_OPS_TD
