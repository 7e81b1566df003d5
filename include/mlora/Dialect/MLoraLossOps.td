//===- MLoraLossOps.td - the loss of logits that are there --------*- tablegen -*-===//
//
// What cross_entropy does without a matrix: where a library makes the logits of some rows and takes their gradient
// (mlora-chunk-head).

#ifndef MLORA_LOSS_OPS_TD
#define MLORA_LOSS_OPS_TD

include "mlora/Dialect/MLoraBase.td"

def MLora_NllOp : MLora_PureOp<"nll"> {
  let summary = "Negative log-likelihood from logits";
  let description = [{
    `lse[c] = log Σ_v exp(z[c, v])`, `nll[c] = lse[c] - z[c, target[c]]`; a row whose target is negative (-100) has `nll = 0`. A kernel reads
    each logit once: maximum and sum of exponentials are kept together (online softmax).

    Example:
    ```mlir
    %nll, %lse = mlora.nll %z, %targets : (tensor<?x512xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
    ```
  }];
  let arguments = (ins MLora_Matrix:$logits, MLora_Indices:$targets);
  let results = (outs MLora_Vector:$nll, MLora_Vector:$lse);
  let assemblyFormat = "$logits `,` $targets attr-dict `:` functional-type(operands, results)";
}

def MLora_NllInputGradOp : MLora_PureOp<"nll.input_grad"> {
  let summary = "Cotangent of logits";
  let description = [{
    `dz[c] = dnll[c] · (exp(z[c] - lse[c]) - onehot(target[c]))`; rows with a negative target give zero.

    Example:
    ```mlir
    %dz = mlora.nll.input_grad %dnll, %z, %targets, %lse
      : (tensor<?xf32>, tensor<?x512xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x512xbf16>
    ```
  }];
  let arguments = (ins MLora_Vector:$cotangent, MLora_Matrix:$logits, MLora_Indices:$targets, MLora_Vector:$lse);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = [{
    $cotangent `,` $logits `,` $targets `,` $lse attr-dict `:` functional-type(operands, results)
  }];
}

#endif // MLORA_LOSS_OPS_TD
