//===- MLoraAdapterOps.td - adapter ops --------------------------*- tablegen -*-===//

#ifndef MLORA_ADAPTER_OPS_TD
#define MLORA_ADAPTER_OPS_TD

include "mlora/Dialect/MLoraBase.td"
include "mlora/Dialect/MLoraInterfaces.td"

def MLora_BranchOp : MLora_PureOp<"branch", [MLora_Differentiable]> {
  let summary = "One low-rank branch added to a layer's output (paper, equation 4)";
  let description = [{
    `result = y + (alpha/r) · diag(s) · B · A · x` with A `[r, in]`, B `[out, r]` and s `[out]` (absent: all ones, plain LoRA).

    Example:
    ```mlir
    %y1 = mlora.branch %y, %x, %a, %b, %s alpha 4.0
      : (tensor<?x32xf32>, tensor<?x64xf32>, tensor<4x64xf32>, tensor<32x4xf32>, tensor<32xf32>) -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$base, MLora_Matrix:$input, MLora_Matrix:$a, MLora_Matrix:$b,
                       Optional<MLora_Vector>:$s, F64Attr:$alpha);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = [{
    $base `,` $input `,` $a `,` $b (`,` $s^)? `alpha` $alpha attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    int64_t getRank() { return getA().getType().getShape()[0]; }
    /// c = alpha / r.
    double getScale() { return getAlpha().convertToDouble() / getRank(); }
  }];
}

/// Branches of one rank side by side in the columns of b, then padding.
def MLora_Stacked {
  string declarations = [{
    int64_t getBranches() { return getS() ? getS().getType().getShape()[1] : 1; }
    /// Columns of a branch.
    int64_t getBranchRank() { return getRank() ? int64_t(*getRank()) : getB().getType().getShape()[1] / getBranches(); }
    /// Columns from here on are padding.
    int64_t getStackedColumns() { return getBranches() * getBranchRank(); }
    /// c = alpha / r.
    double getScale() { return getAlpha().convertToDouble() / getBranchRank(); }
  }];
}

def MLora_StackUpOp : MLora_PureOp<"stack_up", [MLora_Differentiable]> {
  let summary = "The factor B̃ of an adapted layer from its branches";
  let description = [{
    Branch i owns columns `[i·r, (i+1)·r)` of the stacked `b` `[out, n·r]` and column i of `s` `[out, n]`:
    `B̃[o, i·r + k] = (alpha/r) · s[o, i] · b[o, i·r + k]`; without `s`, `B̃ = (alpha/r) · b` and n is 1. It depends on parameters alone and runs once an
    optimizer step. With `rank` r the columns from n·r on are padding and zero; without, there is none.

    Example:
    ```mlir
    %up = mlora.stack_up %b, %s alpha 4.0 : (tensor<32x12xf32>, tensor<32x3xf32>) -> tensor<32x12xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$b, Optional<MLora_Matrix>:$s, F64Attr:$alpha, OptionalAttr<I64Attr>:$rank);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = [{
    $b (`,` $s^)? `alpha` $alpha (`rank` $rank^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = MLora_Stacked.declarations;
}

def MLora_AdaptedLinearOp : MLora_PureOp<"adapted_linear", [AttrSizedOperandSegments, MLora_Differentiable]> {
  let summary = "A group of adapted layers that share their input";
  let description = [{
    `m = Ã x`, `y_j = W_j x + B̃_j m_j` for each layer j of the group. `down` is Ã, the layers' stacked A: layer j owns rows (and m's
    columns) `[o_j, o_j + k_j)`, where k_j is the number of columns of `up_j` and o_j the sum of those before it. n branches
    of rank r cost what one of rank n·r costs (DESIGN section 2).

    Example:
    ```mlir
    %g, %u, %m = mlora.adapted_linear %x weights(%wg, %wu) ups(%bg, %bu) down %a
      : (tensor<?x64xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>, tensor<172x12xf32>, tensor<24x64xf32>)
      -> (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x24xf32>)
    ```
  }];
  let arguments = (ins MLora_Matrix:$input, Variadic<MLora_Matrix>:$weights, Variadic<MLora_Matrix>:$ups,
                       MLora_Matrix:$down);
  let results = (outs Variadic<MLora_Matrix>:$outputs, MLora_Matrix:$mid);
  let assemblyFormat = [{
    $input `weights` `(` $weights `)` `ups` `(` $ups `)` `down` $down attr-dict `:`
    functional-type(operands, results)
  }];
}

def MLora_MergeOp : MLora_PureOp<"merge"> {
  let summary = "A weight with its adapter added: zero cost at inference";
  let description = [{
    `W' = W + B̃ Ã`.

    Example:
    ```mlir
    %w1 = mlora.merge %w, %up, %down
      : (tensor<32x64xf32>, tensor<32x12xf32>, tensor<12x64xf32>) -> tensor<32x64xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$weight, MLora_Matrix:$up, MLora_Matrix:$down);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$weight `,` $up `,` $down attr-dict `:` functional-type(operands, results)";
}

#endif // MLORA_ADAPTER_OPS_TD
