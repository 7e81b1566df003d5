//===- ProgramPasses.td - from layers to a planned program -------*- tablegen -*-===//

#ifndef MLORA_PROGRAM_PASSES_TD
#define MLORA_PROGRAM_PASSES_TD

include "mlir/Pass/PassBase.td"

def MLoraAddOptimizer : Pass<"mlora-add-optimizer", "::mlir::ModuleOp"> {
  let summary = "Functions that turn gradients into new parameters";
  let description = [{
    For every layer kind with gradients, adds `@kind.norm` (row sums of squares of all raw gradients; those of branches and
    scalings come from G, see `mlora.stack_up.grad`) and `@kind.update` (AdamW on every trainable tensor, then the new
    factors B̃). Both are parameter-sized: no pass over tokens.

    ```mlir
    func.func @decoder_layer.update(%g: tensor<32x12xf32> {mlora.gradient = "q.up"}, %b: …, %s: …, %hyper: tensor<8xf32>)
        -> (tensor<32x12xf32> {mlora.trainable = "q.B"}, …, tensor<32x12xf32> {mlora.factor = "q.up"}) {
      %db, %ds = mlora.stack_up.grad %g, %b, %s alpha 4.0 : …
      %b1, %bm1, %bv1 = mlora.adamw %b, %db, %bm, %bv, %hyper : tensor<32x12xf32>, tensor<8xf32>
      …
      %up = mlora.stack_up %b1, %s1 alpha 4.0 : …
    ```
  }];
  let dependentDialects = ["::mlir::mlora::MLoraDialect", "::mlir::func::FuncDialect"];
}

def AugmentProducts : Pass<"mlora-augment-products", "::mlir::ModuleOp"> {
  let summary = "Adapted groups become one library product each, over augmented operands";
  let description = [{
    For targets whose large products are a library's. A group's weights, its Ã and its B̃ become one matrix `w` (`mlora.product`), its
    forward the skinny product m and one product over `[x | m]`, its backward the skinny products u and one product over `[dy | u]`. What
    made factors (`@NAME.prepare`, `@NAME.update`) now writes them into `w`, of which `mlora.parts` says where the checkpoint's
    weights lie. A linear layer of a stored weight becomes a product, too; a weight that is trained in f32 beside activations in bf16 is
    rounded for its products, once a function (`round`). Residuals that together are all of a product's result are kept as
    that one tensor. Where attention has kernels on tensor cores (bf16), q and k are turned in place in the result of their product (`place`), of which
    attention reads columns; the cotangents that its gradients give are placed one beside the other in `[dy | u]`, instead of joined.

    ```mlir
    %g, %u, %m = mlora.adapted_linear %x weights(%wg, %wu) ups(%bg, %bu) down %a : …
    // becomes
    %a = mlora.window %w at [344, 0] : …
    %m = mlora.linear %x, %a : …
    %xm = mlora.join %x, %m : …
    %y = mlora.product %xm, %w : …
    %g = mlora.window %y at [0, 0] : …
    %u = mlora.window %y at [0, 172] : …
    ```
  }];
  let dependentDialects = ["::mlir::mlora::MLoraDialect"];
}

def ChunkHead : Pass<"mlora-chunk-head", "::mlir::ModuleOp"> {
  let summary = "Cross-entropy by library products, for some of its rows at a time";
  let description = [{
    For targets whose large products are a library's, after `mlora-autodiff`. A function's `cross_entropy` and its gradients become a function
    of a chunk of the rows that count (`@NAME.chunk`), called for one chunk after another: logits are a product in f32, `nll` and
    `nll.input_grad` make losses and the logits' cotangent of them (in the type of the head's input), and a product of that is the input's
    cotangent; a trained head's gradient is the sum over chunks of `token_outer`. No more logits than those of `rows` rows are in memory at once.
    A head that is trained in f32 beside activations in bf16 is rounded for its products, once a function.

    ```mlir
    %nll, %lse = mlora.cross_entropy %x, %w, %targets : …
    %dx = mlora.cross_entropy.input_grad %dnll, %x, %w, %targets, %lse : …
    // becomes
    %nll, %dx = mlora.chunked_call @head_loss.value_and_grad.chunk(%x, %w, %targets, %dnll) by 512 : …
    func.func @head_loss.value_and_grad.chunk(%x: …, %w: …, %targets: …, %dnll: …) -> (…) {
      %logits = mlora.product %x, %w : …
      %nll, %lse = mlora.nll %logits, %targets : …
      %dlogits = mlora.nll.input_grad %dnll, %logits, %targets, %lse : …
      %dx = mlora.product %dlogits, %w transposed : …
    ```
  }];
  let options = [Option<"rows", "rows", "int64_t", "512", "Rows of a chunk at most; in a program a multiple of 16">];
  let dependentDialects = ["::mlir::mlora::MLoraDialect", "::mlir::func::FuncDialect"];
}

def SplitAdapted : Pass<"mlora-split-adapted", "::mlir::ModuleOp"> {
  let summary = "Adapted groups become linear layers and sums";
  let description = [{
    For programs whose linear layers are cut into columns (`mlora-form-kernels`, `column-block`): what a block of one needs whole, m, is a
    layer of its own before it.

    ```mlir
    %g, %u, %m = mlora.adapted_linear %x weights(%wg, %wu) ups(%bg, %bu) down %a : …
    // becomes
    %m = mlora.linear %x, %a : …
    %g0 = mlora.linear %x, %wg : …
    %mg = mlora.window %m at [0, 0] : …
    %g1 = mlora.linear %mg, %bg : …
    %g = mlora.add %g0, %g1 : …
    ```
  }];
  let dependentDialects = ["::mlir::mlora::MLoraDialect"];
}

def QuantizeWeights : Pass<"mlora-quantize-weights", "::mlir::ModuleOp"> {
  let summary = "Weights stay in memory in the blocks of a GGUF file";
  let description = [{
    Arguments that are named tensors of the checkpoint (`mlora.weight`) become the bytes of its blocks, and what reads them reads their
    values (`mlora.dequantize`). Only linear layers and the embedding can: a program that also trains is refused.

    With `formats=mlp.down_proj=Q4_1`:
    ```mlir
    func.func @decoder_layer(…, %down_proj: tensor<64x192xf32> {mlora.weight = "mlp.down_proj"}) { … }
    // becomes
    func.func @decoder_layer(…, %down_proj: tensor<64x120xi8> {mlora.weight = "mlp.down_proj", mlora.format = "Q4_1"}) {
      %values = mlora.dequantize %down_proj of "Q4_1" : …
    ```
  }];
  let options = [
    ListOption<"formats", "formats", "std::string", "tensors that stay as they are stored, below the layer: TENSOR=FORMAT">,
  ];
  let dependentDialects = ["::mlir::mlora::MLoraDialect"];
}

def MLoraFormKernels : Pass<"mlora-form-kernels", "::mlir::ModuleOp"> {
  let summary = "Groups ops into kernels: grids of blocks, one memory pass each";
  let description = [{
    Ops that compute row t of their results from row t of their operands (norms, linear layers with their skinny products, rope,
    SwiGLU, additions) join one kernel over blocks of rows, as long as they have the same rows and none needs whole a tensor that the
    group makes. Attention and its gradients have grids of their own. Sums over tokens (`token_outer`) leave the chain and become one
    kernel a function, tiled over columns. Cross-entropy takes its input gradient with it, so that logits are computed once.
    A library's product (`product`) is a kernel of its own, `library`, with an empty grid. A call for chunks of rows (`chunked_call`) stays
    one: the function that it calls is formed for itself. The loss of logits (`nll`) takes a block a row. Parts that are placed
    into a tensor apart from each other do not wait for each other: each is placed by the kernel that makes it. Kernels that differ in
    their names only become the first of them, whatever functions they come from.

    With `column-block`, for programs whose steps may have a single row, linear layers leave the chain: those that can run at once become one kernel
    whose grid is cut into columns of each layer's result (`mlora.tiles` says how many blocks each has) as well as into rows.

    With `tensor-cores`, for programs that `mlora-attention-to-gpu` lowers, the gradients of attention that have a kernel there (bf16, heads of a
    multiple of 16 up to 128) take the ops behind them that its last step can do: the inverse `rope` of a cotangent, and the `place` of it among the
    columns that a product reads. Attention looks at columns of a tensor (`window`) there instead of having them copied. `token_outer`
    is apart from other sums over tokens, so that `mlora-sums-to-gpu` can take it.

    ```mlir
    %x = mlora.rms_norm %h, %w eps 1.0e-05 : …
    %y = mlora.linear %x, %wq : …
    // becomes
    %y = mlora.launch @f.0.rms_norm_linear(%h, %w, %wq) : …
    mlora.kernel @f.0.rms_norm_linear(…) -> … grid ["rows by 128"] { %x = mlora.rms_norm … }
    ```
  }];
  let options = [
    Option<"rowBlock", "row-block", "int64_t", "128", "Token rows of a block">,
    Option<"attentionBlock", "attention-block", "int64_t", "64", "Query or key rows of a block of attention">,
    Option<"tileColumns", "tile-columns", "int64_t", "192", "Columns of a tile of a sum over tokens">,
    Option<"vocabularyBlock", "vocabulary-block", "int64_t", "1024", "Vocabulary rows of a block of the head's gradient">,
    Option<"parameterBlock", "parameter-block", "int64_t", "64", "Rows of a block of what has no token's rows">,
    Option<"columnBlock", "column-block", "int64_t", "0",
           "Columns of a block of a linear layer, at least; 0: linear layers are cut by rows alone and share kernels">,
    Option<"tensorCores", "tensor-cores", "bool", "false",
           "Gradients of attention that have a kernel on tensor cores turn their results back and place them">,
  ];
  let dependentDialects = ["::mlir::mlora::MLoraDialect"];
}

def ReportTraffic : Pass<"mlora-report-traffic", "::mlir::ModuleOp"> {
  let summary = "The bytes that each function's kernels have to move";
  let description = [{
    After `mlora-form-kernels`: a line for each function that launches kernels, with the bytes of every launch's operands and results, each once
    a launch, for that many rows (of all extents). It is what memory has to give when nothing stays in a cache between launches. The module does
    not change.

        decoder_layer.forward: 11 launches, 1003.55 MB for 2048 rows
  }];
  let options = [Option<"rows", "rows", "int64_t", "2048", "Token rows">];
}

def MLoraPlanMemory : Pass<"mlora-plan-memory", "::mlir::ModuleOp"> {
  let summary = "One program over one arena: every buffer at an offset that is linear in the capacity";
  let description = [{
    Assembles the sections of a program (docs/architecture.md) from the layer kinds' functions, turns tensors into buffers and gives each
    its place: what has a static shape in the fixed region, what has rows in the region of its extent, where places count bytes a row of a
    capacity that is given when the program is opened. A training program has one capacity: rows that count are at most rows, keys are as many,
    so all lie in the region of `rows`. A `chunked_call` becomes a loop (`mlora.chunks`), and what lives inside it lies in the region
    `chunk_rows`. In a region what persists comes first, then residuals (a slot a layer), then
    temporaries, which share memory where their lives do not overlap. Peak memory is `arena`, known before anything runs. The
    layer functions are removed; kernels stay.

    ```mlir
    mlora.program @train arena 1204224 + 91136 * rows {
      %h = mlora.buffer "h" residual slots 31 offset 2304 in "rows" extent "rows" {slot_bytes = 256 : i64} : memref<?x64xf32>
      mlora.section "micro_step" { mlora.layers 0 to 29 step 1 { mlora.launch @… } }
    }
    ```
  }];
  let dependentDialects = ["::mlir::mlora::MLoraDialect", "::mlir::memref::MemRefDialect"];
}

def JoinLaunches : Pass<"mlora-join-launches", "::mlir::ModuleOp"> {
  let summary = "Launches of a planned program that do not depend on each other become one";
  let description = [{
    For targets where a launch costs as much as a small kernel's work. Neighbouring commands of a section (launches, loops over all layers) whose
    kernels have static grids and shapes join one `joined_kernel` as long as none touches what another one writes, all layers taken
    together: the optimizer's are two and the norm's total, whatever the number of layers and tensors. What touches temporaries, which share memory,
    or slots of other layers stays as it is.

    ```mlir
    mlora.layers 0 to 3 step 1 {
      mlora.launch @layer.norm.0(%dp[layer], %p.partial[layer]) : …
      mlora.launch @layer.norm.1(%dq[layer], %q.partial[layer]) : …
    }
    mlora.launch @head.norm.0(%dh[0], %h.partial[0]) : …
    // becomes
    mlora.launch @joined.norm(%dp[all], %p.partial[all], %dq[all], %q.partial[all], %dh[0], %h.partial[0]) : …
    ```
  }];
  let dependentDialects = ["::mlir::mlora::MLoraDialect", "::mlir::memref::MemRefDialect"];
}

#endif // MLORA_PROGRAM_PASSES_TD
