//===- AutodiffPasses.td - gradients and what is kept for them --*- tablegen -*-===//

#ifndef MLORA_AUTODIFF_PASSES_TD
#define MLORA_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

def Autodiff : Pass<"mlora-autodiff", "::mlir::ModuleOp"> {
  let summary = "Values and gradients of layer kinds, as one function each";
  let description = [{
    Adds `@KIND.value_and_grad` for every function with something active: arguments marked `mlora.trainable`, and `h` (an argument
    with `mlora.input = "h"`) where anything upstream is trained: a function above in the module, or the function itself if it is a
    layer, whose result is the next layer's `h`. Of a layer below which nothing is trained there is also
    `@KIND.value_and_grad.lowest`, without the cotangent of `h`.

    The new function takes the arguments, then the cotangents of active results; it returns the results, then the cotangent of `h`,
    then the gradients of trainable arguments in their order. Cotangents are called `h`, or `loss` if scalar. An op is
    differentiated only on a path from an active argument to an active result; nothing else is built, zeros included. The
    functions themselves stay for scoring.

    Where nothing at all is trained nothing is added, but in a module that `mlora-attach-adapters{method=none}` has said to be so: there
    `h` is active in every function that has it, as if something were trained in front of the lowest layer. That is what a step costs
    without any adapter (`mlora-run bench method=none`).

    Before:
    ```mlir
    func.func @decoder_layer(%h: tensor<?x64xf32> {mlora.input = "h", mlora.extent = "rows"},
                             %w: tensor<64x64xf32> {mlora.trainable = "w"}) -> tensor<?x64xf32> {
      %y = mlora.linear %h, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      return %y : tensor<?x64xf32>
    }
    ```
    After, beside it:
    ```mlir
    func.func @decoder_layer.value_and_grad(%h: …, %w: …,
        %dy: tensor<?x64xf32> {mlora.cotangent = "h", mlora.extent = "rows"})
        -> (tensor<?x64xf32>, tensor<?x64xf32> {mlora.cotangent = "h", mlora.extent = "rows"},
            tensor<64x64xf32> {mlora.gradient = "w"}) {
      %y = mlora.linear %h, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      %dh = mlora.linear.input_grad %dy, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      %dw = mlora.token_outer %dy, %h : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<64x64xf32>
      return %y, %dh, %dw : …
    }
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::mlora::MLoraDialect", "::mlir::tensor::TensorDialect"];
}

def Rematerialize : Pass<"mlora-rematerialize", "::mlir::ModuleOp"> {
  let summary = "Cuts value-and-gradient functions in two where the least must be kept between";
  let description = [{
    `@KIND.value_and_grad` becomes `@KIND.forward` (arguments -> results, residuals) and `@KIND.backward` (cotangents, those
    arguments that it reads, residuals -> cotangent of `h`, gradients); `@KIND.value_and_grad.lowest` becomes
    `@KIND.backward.lowest`, which reads the residuals of the same forward. Functions of scalar results (the loss) stay
    whole: their backward runs at once.

    What is kept is a minimum cut of the data flow from forward to backward, in bytes a row. Arguments cost nothing: they are
    resident or kept by the caller. What may be computed again in backward, just before it is read, is `recompute`'s choice. Gradients
    are the same whatever it is, bit for bit.

    | `recompute` | repeats |
    |---|---|
    | `none` | nothing: every value that backward reads is kept |
    | `cheap` | what is free: norms, rotations, activations, sums, views (they join the kernel that reads them) |
    | `all` | anything: the smallest cut |

    A `budget` that this choice exceeds has costlier ops repeated too, no more than needed. An op costs the floating-point
    operations of its matrix products for a row (attention: with 512 keys). Of the cuts that minimise bytes + λ · cost for
    some λ the cheapest within the budget is taken; then, as far as room is left, repeated ops are spared, the costliest first. For a
    layer of SmolLM2-135M (n=3 r=32) whose `cheap` cut is 23,460 bytes, in order of falling budgets:

    | kept, bytes | repeated beside what is free |
    |---|---|
    | 23,460 | |
    | 18,468 | q, k, v |
    | 15,780 | q, k, v, o |
    | 10,404 | gate, up |
    | 7,716 | o, gate, up |
    | 5,412 | q, k, v, gate, up |
    | 2,724 | q, k, v, o, gate, up |
    | 384 | all but down |
    | 0 | the layer |

    Before:
    ```mlir
    func.func @decoder_layer.value_and_grad(%h, %norm, %w, …, %dy) {
      %x = mlora.rms_norm %h, %norm eps 1.0e-05 : …
      %y = mlora.linear %x, %w : …
      …
      %dw = mlora.token_outer %dgate, %x : …
    ```
    After:
    ```mlir
    func.func @decoder_layer.forward(%h, %norm, %w, …) -> (tensor<?x64xf32>, tensor<?x64xf32> {mlora.residual = "gate", …}) …
    func.func @decoder_layer.backward(%dy, %h, %norm, %w, …, %gate {mlora.residual = "gate", …}) {
      …
      %x = mlora.rms_norm %h, %norm eps 1.0e-05 : …
      %dw = mlora.token_outer %dgate, %x : …
    ```
  }];
  let options = [
    Option<"recompute", "recompute", "std::string", "\"cheap\"", "what backward may compute again: none, cheap or all">,
    Option<"budget", "budget", "int64_t", "0", "bytes of a token row that a layer may keep for backward; 0: no limit">,
  ];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::mlora::MLoraDialect", "::mlir::tensor::TensorDialect"];
}

#endif // MLORA_AUTODIFF_PASSES_TD
