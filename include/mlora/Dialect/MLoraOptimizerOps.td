//===- MLoraOptimizerOps.td - the optimizer's ops ----------------*- tablegen -*-===//

#ifndef MLORA_OPTIMIZER_OPS_TD
#define MLORA_OPTIMIZER_OPS_TD

include "mlora/Dialect/MLoraBase.td"

def MLora_SquareSumOp : MLora_PureOp<"square_sum"> {
  let summary = "Row sums of squares: a part of the gradient norm in fixed order";
  let description = [{
    `y[o] = Σ_i x[o, i]²`; of a vector, `y[o] = x[o]²`.

    Example:
    ```mlir
    %p = mlora.square_sum %db : (tensor<32x12xf32>) -> tensor<32xf32>
    ```
  }];
  let arguments = (ins MLora_Tensor:$input);
  let results = (outs MLora_Vector:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def MLora_NormOp : MLora_PureOp<"norm"> {
  let summary = "The 2-norm from sums of squares";
  let description = [{
    `y = sqrt(Σ_i x_i)` over every element of every operand, accumulated in f64 in one order: 128 sums, each of every 128th row of each
    operand in turn, then these sums.

    Example:
    ```mlir
    %n = mlora.norm %p0, %p1 : (tensor<32xf32>, tensor<24xf32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins Variadic<MLora_Tensor>:$inputs);
  let results = (outs MLora_Scalar:$output);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, results)";
}

def MLora_AdamWOp : MLora_PureOp<"adamw", [
    AllTypesMatch<["parameter", "gradient", "moment1", "moment2", "parameter_out", "moment1_out", "moment2_out"]>]> {
  let summary = "One AdamW update of a tensor";
  let description = [{
    With `[lr, β1, β2, ε, λ, c1, c2, κ] = hyper`, `g = κ·gradient`:
    `m' = β1·m + (1-β1)·g`, `v' = β2·v + (1-β2)·g²`, `p' = p·(1 - lr·λ) - lr · (m'/c1) / (sqrt(v'/c2) + ε)`,
    where `c_i = 1 - β_i^t` and κ is 1/counted tokens times the clipping factor. As `torch.optim.AdamW`.

    Example:
    ```mlir
    %p1, %m1, %v1 = mlora.adamw %p, %g, %m, %v, %hyper : tensor<32x12xf32>, tensor<8xf32>
    ```
  }];
  let arguments = (ins MLora_Tensor:$parameter, MLora_Tensor:$gradient, MLora_Tensor:$moment1,
                       MLora_Tensor:$moment2, MLora_Vector:$hyper);
  let results = (outs MLora_Tensor:$parameter_out, MLora_Tensor:$moment1_out, MLora_Tensor:$moment2_out);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $moment1 `,` $moment2 `,` $hyper attr-dict `:` type($parameter) `,` type($hyper)
  }];
}

#endif // MLORA_OPTIMIZER_OPS_TD
