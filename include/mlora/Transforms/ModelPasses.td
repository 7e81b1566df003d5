//===- ModelPasses.td - from a configuration to fused layers ----*- tablegen -*-===//

#ifndef MLORA_MODEL_PASSES_TD
#define MLORA_MODEL_PASSES_TD

include "mlir/Pass/PassBase.td"

def Import : Pass<"mlora-import", "::mlir::ModuleOp"> {
  let summary = "One function per kind of layer, from a model's configuration";
  let description = [{
    Reads `config.json` or a GGUF file's metadata and writes `@embed`, `@decoder_layer` and, for `kind=train`, `@head_loss`
    (the sum of the counted tokens' negative log-likelihood), for `kind=generate`, `@head_logits`. The size of the IR does not
    depend on the number of layers: that is the module's `mlora.layers`. Sizes are in `mlora.model`, the kind in `mlora.kind`.

    Arguments say what they are: `mlora.weight` names a tensor of the checkpoint (below the layer, without `.weight`),
    `mlora.extent` the run-time scalar behind a `?`, `mlora.cache` the key or value cache of generation.

    With `dtype=bf16` weights, activations, what layers hand on and the cache are bf16; the rotary table, `lse`, losses and logits stay
    f32. The passes behind this one keep it so: a cotangent has the type of its primal, adapters, their gradients and moments are f32.

    Before: an empty module. After, with `kind=train`:
    ```mlir
    module attributes {mlora.kind = "train", mlora.layers = 2 : i64, mlora.model = {hidden_size = 64 : i64, ...}} {
      func.func @embed(%ids: tensor<?xi32> {mlora.extent = "rows"}, %position: tensor<?xi32> {mlora.extent = "rows"},
                       %table: tensor<512x64xf32> {mlora.weight = "model.embed_tokens"})
          -> (tensor<?x64xf32>, tensor<?x8xf32>) {...}
      func.func @decoder_layer(%h: tensor<?x64xf32> {mlora.extent = "rows"}, ...,
                               %q_proj: tensor<64x64xf32> {mlora.weight = "self_attn.q_proj"}, ...) -> tensor<?x64xf32> {...}
      func.func @head_loss(%h: tensor<?x64xf32> {mlora.extent = "rows"}, ...) -> tensor<f32> {...}
    }
    ```
  }];
  let options = [
    Option<"config", "config", "std::string", "", "config.json, a folder that holds one, or a GGUF file">,
    Option<"kind", "kind", "std::string", "\"train\"", "train or generate">,
    Option<"dtype", "dtype", "std::string", "\"f32\"", "what weights and activations are stored as: f32 or bf16">,
  ];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::mlora::MLoraDialect"];
}

def AttachAdapters : Pass<"mlora-attach-adapters", "::mlir::ModuleOp"> {
  let summary = "Low-rank branches beside linear layers, literally the paper's equation 4";
  let description = [{
    `multilora` puts `num-branches` branches with scalings behind each targeted linear layer of `@decoder_layer`, `lora` one
    branch without scaling; `ft` trains every weight of every function instead; `none` changes nothing. What is trained is f32, whatever
    the model is stored as: bf16 would lose small updates. What was chosen is in
    the module's `mlora.adapter`.

    Before:
    ```mlir
    %y = mlora.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    ```
    After, with `num-branches=2 rank=4`:
    ```mlir
    func.func @decoder_layer(..., %a0: tensor<4x64xf32> {mlora.trainable = "self_attn.k_proj.branch.0.A"},
                             %b0: tensor<32x4xf32> {mlora.trainable = "self_attn.k_proj.branch.0.B"},
                             %s0: tensor<32xf32> {mlora.trainable = "self_attn.k_proj.branch.0.s"}, ...)
    %y = mlora.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    %y0 = mlora.branch %y, %x, %a0, %b0, %s0 alpha 4.0 : (...) -> tensor<?x32xf32>
    %y1 = mlora.branch %y0, %x, %a1, %b1, %s1 alpha 4.0 : (...) -> tensor<?x32xf32>
    ```
  }];
  let options = [
    Option<"method", "method", "std::string", "\"multilora\"", "multilora, lora, ft or none">,
    Option<"numBranches", "num-branches", "int64_t", "3", "branches of an adapted layer (multilora)">,
    Option<"rank", "rank", "int64_t", "32", "rank of a branch">,
    Option<"alpha", "alpha", "double", "0", "branches are scaled by alpha / rank; 0: alpha is the rank">,
    ListOption<"targets", "targets", "std::string", "layers to adapt by the last part of their name; none: all">,
  ];
  let dependentDialects = ["::mlir::mlora::MLoraDialect"];
}

def FuseBranches : Pass<"mlora-fuse-branches", "::mlir::ModuleOp"> {
  let summary = "Branches collapse into one adapted layer of their summed rank, exactly";
  let description = [{
    `W x + Σ_i c·diag(s_i) B_i A_i x = W x + B̃ (Ã x)` with `Ã = [A_1; …; A_n]` and `B̃ = [c·diag(s_1) B_1 … c·diag(s_n) B_n]`.
    Adapted layers of one function that share their input become one group. Afterwards the number of ops does not depend on n.

    Arguments of branches give way to stacked ones; `mlora.parts` says where in a stacked tensor each tensor of an adapter file
    lies, in elements. B̃ depends on parameters alone: a function `@NAME.prepare` computes it once an optimizer step, and the layer
    takes it as an argument marked `mlora.factor` (and `mlora.trainable`, since its gradient is wanted).

    With `pad-rank` the rows of each layer's Ã and the columns of its B and B̃ are padded to a multiple of it: tensor cores want
    16. Padding is zero, and stays it, since its gradients are.

    Before:
    ```mlir
    %y = mlora.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    %y0 = mlora.branch %y, %x, %a0, %b0, %s0 alpha 4.0 : (...) -> tensor<?x32xf32>
    %y1 = mlora.branch %y0, %x, %a1, %b1, %s1 alpha 4.0 : (...) -> tensor<?x32xf32>
    ```
    After:
    ```mlir
    func.func @decoder_layer(...,
        %down: tensor<8x64xf32> {mlora.trainable = "self_attn.k_proj.A", mlora.parts = [
          {name = "k_proj.branch.0.A", offset = 0 : i64, shape = array<i64: 4, 64>, strides = array<i64: 64, 1>}, ...]},
        %up: tensor<32x8xf32> {mlora.factor = "self_attn.k_proj.up", mlora.trainable = "self_attn.k_proj.up"}) {
      %y1, %m = mlora.adapted_linear %x weights(%w) ups(%up) down %down : (...) -> (tensor<?x32xf32>, tensor<?x8xf32>)
    }
    func.func @decoder_layer.prepare(
        %b: tensor<32x8xf32> {mlora.trainable = "self_attn.k_proj.B", mlora.parts = [...]},
        %s: tensor<32x2xf32> {mlora.trainable = "self_attn.k_proj.s", mlora.parts = [...]})
        -> (tensor<32x8xf32> {mlora.factor = "self_attn.k_proj.up"}) {
      %up = mlora.stack_up %b, %s alpha 4.0 : (tensor<32x8xf32>, tensor<32x2xf32>) -> tensor<32x8xf32>
    }
    ```
  }];
  let options = [
    Option<"padRank", "pad-rank", "int64_t", "1", "n·r of a layer is padded to a multiple of it">,
  ];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::mlora::MLoraDialect"];
}

#endif // MLORA_MODEL_PASSES_TD
