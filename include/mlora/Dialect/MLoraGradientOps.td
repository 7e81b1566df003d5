//===- MLoraGradientOps.td - what gradients need -----------------*- tablegen -*-===//
//
// Names: X.input_grad is the cotangent of X's token-sized input, X.weight_grad a parameter-sized sum over tokens.

#ifndef MLORA_GRADIENT_OPS_TD
#define MLORA_GRADIENT_OPS_TD

include "mlora/Dialect/MLoraAdapterOps.td"

def MLora_LinearInputGradOp : MLora_PureOp<"linear.input_grad"> {
  let summary = "Cotangent of a linear layer's input";
  let description = [{
    `dx[t] = Wᵀ dy[t]`.

    Example:
    ```mlir
    %dx = mlora.linear.input_grad %dy, %w : (tensor<?x32xf32>, tensor<32x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$cotangent, MLora_Matrix:$weight);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$cotangent `,` $weight attr-dict `:` functional-type(operands, results)";
}

def MLora_AdaptedLinearInputGradOp : MLora_PureOp<"adapted_linear.input_grad", [AttrSizedOperandSegments]> {
  let summary = "Cotangents of an adapted group's input and of its m";
  let description = [{
    `u_j = B̃_jᵀ dy_j` (columns of u as those of m), `dx = Σ_j W_jᵀ dy_j + Ãᵀ u`. Without a `dx` result (the lowest adapted
    layer) only u is computed and weights are not read.

    Example:
    ```mlir
    %dx, %u = mlora.adapted_linear.input_grad (%dg, %du) weights(%wg, %wu) ups(%bg, %bu) down %a
      : (tensor<?x172xf32>, tensor<?x172xf32>, tensor<172x64xf32>, tensor<172x64xf32>, tensor<172x12xf32>,
         tensor<172x12xf32>, tensor<24x64xf32>) -> (tensor<?x64xf32>, tensor<?x24xf32>)
    ```
  }];
  let arguments = (ins Variadic<MLora_Matrix>:$cotangents, Variadic<MLora_Matrix>:$weights,
                       Variadic<MLora_Matrix>:$ups, MLora_Matrix:$down);
  let results = (outs Optional<MLora_Matrix>:$input_cotangent, MLora_Matrix:$mid_cotangent);
  let hasCanonicalizeMethod = 1;
  let assemblyFormat = [{
    `(` $cotangents `)` `weights` `(` $weights `)` `ups` `(` $ups `)` `down` $down attr-dict `:`
    functional-type(operands, results)
  }];
}

def MLora_TokenOuterOp : MLora_PureOp<"token_outer"> {
  let summary = "A sum over tokens of outer products";
  let description = [{
    `y = Σ_t a[t] b'[t]ᵀ`, `[a's columns, result's columns]`; b' is columns `[first, first + result's columns)` of b. It
    gives `dW = dy xᵀ`, `dÃ = u xᵀ` and `G = dy m_jᵀ`.

    Example:
    ```mlir
    %g = mlora.token_outer %dy, %m from 12 : (tensor<?x172xf32>, tensor<?x24xf32>) -> tensor<172x12xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$lhs, MLora_Matrix:$rhs, DefaultValuedAttr<I64Attr, "0">:$first);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$lhs `,` $rhs (`from` $first^)? attr-dict `:` functional-type(operands, results)";
}

def MLora_RmsNormInputGradOp : MLora_PureOp<"rms_norm.input_grad"> {
  let summary = "Cotangent of a normalisation's input";
  let description = [{
    With `ρ = 1/sqrt(mean(x²) + eps)` and `z = w ∘ dy`: `dx = ρ·z - x·(ρ³/D)·Σ_i z_i x_i`.

    Example:
    ```mlir
    %dx = mlora.rms_norm.input_grad %dy, %x, %w eps 1.000000e-05
      : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$cotangent, MLora_Matrix:$input, MLora_Vector:$weight, F64Attr:$eps);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = [{
    $cotangent `,` $input `,` $weight `eps` $eps attr-dict `:` functional-type(operands, results)
  }];
}

def MLora_RmsNormScaleOp : MLora_PureOp<"rms_norm.scale"> {
  let summary = "What a normalisation multiplies each row by";
  let description = [{
    `ρ[t] = 1/sqrt(mean(x[t]²) + eps)`, in f32: what the gradient of the weight, a sum over tokens, needs to know of each row.

    Example:
    ```mlir
    %rho = mlora.rms_norm.scale %x eps 1.000000e-05 : (tensor<?x64xf32>) -> tensor<?xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$input, F64Attr:$eps);
  let results = (outs MLora_Vector:$output);
  let assemblyFormat = "$input `eps` $eps attr-dict `:` functional-type(operands, results)";
}

def MLora_RmsNormWeightGradOp : MLora_PureOp<"rms_norm.weight_grad"> {
  let summary = "Gradient of a normalisation's weight";
  let description = [{
    `dw = Σ_t dy[t] ∘ x[t] · ρ[t]`, with ρ from `rms_norm.scale`.

    Example:
    ```mlir
    %dw = mlora.rms_norm.weight_grad %dy, %x scale %rho : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?xf32>) -> tensor<64xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$cotangent, MLora_Matrix:$input, MLora_Vector:$scale);
  let results = (outs MLora_Vector:$output);
  let assemblyFormat = "$cotangent `,` $input `scale` $scale attr-dict `:` functional-type(operands, results)";
}

class MLora_AttentionGradOp<string mnemonic> : MLora_PureOp<mnemonic> {
  let arguments = (ins MLora_Matrix:$cotangent, MLora_Matrix:$query, MLora_Matrix:$key, MLora_Matrix:$value,
                       MLora_Matrix:$output, MLora_Matrix:$lse, Optional<MLora_Indices>:$document_start,
                       I64Attr:$heads, I64Attr:$kv_heads);
  let assemblyFormat = [{
    $cotangent `,` $query `,` $key `,` $value `,` $output `,` $lse (`document` $document_start^)? `heads` $heads
    `kv_heads` $kv_heads attr-dict `:` functional-type(operands, results)
  }];
}

def MLora_AttentionQueryGradOp : MLora_AttentionGradOp<"attention.query_grad"> {
  let summary = "Cotangent of attention's queries";
  let description = [{
    With `P = exp(S - lse)` rebuilt, `dP = do vᵀ`, `δ[i] = Σ_c do[i, c]·o[i, c]` and `dS = P ∘ (dP - δ)`:
    `dq = scale · dS k`.

    Example:
    ```mlir
    %dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
      : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x8xf32>,
         tensor<?xi32>) -> tensor<?x64xf32>
    ```
  }];
  let results = (outs MLora_Matrix:$query_cotangent);
}

def MLora_AttentionKeyValueGradOp : MLora_AttentionGradOp<"attention.key_value_grad"> {
  let summary = "Cotangents of attention's keys and values";
  let description = [{
    As `attention.query_grad`, summed over the query heads of a group: `dk = scale · dSᵀ q`, `dv = Pᵀ do`.

    Example:
    ```mlir
    %dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 8 kv_heads 4
      : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x8xf32>,
         tensor<?xi32>) -> (tensor<?x32xf32>, tensor<?x32xf32>)
    ```
  }];
  let results = (outs MLora_Matrix:$key_cotangent, MLora_Matrix:$value_cotangent);
}

def MLora_SwigluGradOp : MLora_PureOp<"swiglu.grad"> {
  let summary = "Cotangents of the gated activation's inputs";
  let description = [{
    With `σ = σ(g)`: `dg = dy ∘ u ∘ σ ∘ (1 + g ∘ (1 - σ))`, `du = dy ∘ g ∘ σ`.

    Example:
    ```mlir
    %dg, %du = mlora.swiglu.grad %dy, %g, %u
      : (tensor<?x172xf32>, tensor<?x172xf32>, tensor<?x172xf32>) -> (tensor<?x172xf32>, tensor<?x172xf32>)
    ```
  }];
  let arguments = (ins MLora_Matrix:$cotangent, MLora_Matrix:$gate, MLora_Matrix:$up);
  let results = (outs MLora_Matrix:$gate_cotangent, MLora_Matrix:$up_cotangent);
  let assemblyFormat = "$cotangent `,` $gate `,` $up attr-dict `:` functional-type(operands, results)";
}

def MLora_EmbeddingWeightGradOp : MLora_PureOp<"embedding.weight_grad"> {
  let summary = "Gradient of an embedding table";
  let description = [{
    `dtable[v] = Σ_{t: ids[t] = v} dy[t]`, in token order. The table's rows are in the result's type.

    Example:
    ```mlir
    %dt = mlora.embedding.weight_grad %dy, %ids : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<512x64xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$cotangent, MLora_Indices:$ids);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$cotangent `,` $ids attr-dict `:` functional-type(operands, results)";
}

def MLora_ScatterRowsOp : MLora_PureOp<"scatter_rows"> {
  let summary = "Rows back to where they were gathered from, zero elsewhere";
  let description = [{
    `y[rows[c]] = x[c]`, the vector-Jacobian product of `gather_rows`; rows are distinct and
    `like` gives the result's number of rows.

    Example:
    ```mlir
    %dh = mlora.scatter_rows %dx, %counted like %h
      : (tensor<?x64xf32>, tensor<?xi32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$input, MLora_Indices:$rows, MLora_Matrix:$like);
  let hasFolder = 1;
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$input `,` $rows `like` $like attr-dict `:` functional-type(operands, results)";
}

def MLora_SpreadOp : MLora_PureOp<"spread"> {
  let summary = "A scalar repeated over rows, the vector-Jacobian product of `sum`";
  let description = [{
    `y[t] = x`; `like` gives the number of rows.

    Example:
    ```mlir
    %dnll = mlora.spread %dloss like %nll : (tensor<f32>, tensor<?xf32>) -> tensor<?xf32>
    ```
  }];
  let arguments = (ins MLora_Scalar:$input, AnyRankedTensor:$like);
  let hasFolder = 1;
  let results = (outs MLora_Vector:$output);
  let assemblyFormat = "$input `like` $like attr-dict `:` functional-type(operands, results)";
}

class MLora_CrossEntropyGradOp<string mnemonic> : MLora_PureOp<mnemonic> {
  let arguments = (ins MLora_Vector:$cotangent, MLora_Matrix:$input, MLora_Matrix:$weight, MLora_Indices:$targets,
                       MLora_Vector:$lse);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = [{
    $cotangent `,` $input `,` $weight `,` $targets `,` $lse attr-dict `:` functional-type(operands, results)
  }];
}

def MLora_CrossEntropyInputGradOp : MLora_CrossEntropyGradOp<"cross_entropy.input_grad"> {
  let summary = "Cotangent of the head's input";
  let description = [{
    `dz = dnll[c] · (softmax(z) - onehot(target))` with `softmax(z) = exp(z - lse[c])`; `dx[c] = Wᵀ dz`. Rows with a negative target give zero.

    Example:
    ```mlir
    %dx = mlora.cross_entropy.input_grad %dnll, %x, %head, %targets, %lse
      : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x64xf32>
    ```
  }];
}

def MLora_CrossEntropyWeightGradOp : MLora_CrossEntropyGradOp<"cross_entropy.weight_grad"> {
  let summary = "Gradient of the head's weight";
  let description = [{
    `dW = Σ_c dz[c] x[c]ᵀ` with dz as in `cross_entropy.input_grad`.

    Example:
    ```mlir
    %dw = mlora.cross_entropy.weight_grad %dnll, %x, %head, %targets, %lse
      : (tensor<?xf32>, tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<512x64xf32>
    ```
  }];
}

def MLora_StackUpGradOp : MLora_PureOp<"stack_up.grad"> {
  let summary = "Gradients of branches and scalings from G";
  let description = [{
    With `G = dB̃`: `db[o, i·r + k] = (alpha/r) · s[o, i] · G[o, i·r + k]`,
    `ds[o, i] = (alpha/r) · Σ_k b[o, i·r + k] · G[o, i·r + k]`. Parameter-sized: no pass over tokens. `rank` as in `stack_up`; of padding
    both are zero.

    Example:
    ```mlir
    %db, %ds = mlora.stack_up.grad %g, %b, %s alpha 4.0
      : (tensor<32x12xf32>, tensor<32x12xf32>, tensor<32x3xf32>) -> (tensor<32x12xf32>, tensor<32x3xf32>)
    ```
  }];
  let arguments = (ins MLora_Matrix:$cotangent, MLora_Matrix:$b, Optional<MLora_Matrix>:$s, F64Attr:$alpha,
                       OptionalAttr<I64Attr>:$rank);
  let results = (outs MLora_Matrix:$db, Optional<MLora_Matrix>:$ds);
  let hasFolder = 1;
  let extraClassDeclaration = MLora_Stacked.declarations;
  let assemblyFormat = [{
    $cotangent `,` $b (`,` $s^)? `alpha` $alpha (`rank` $rank^)? attr-dict `:` functional-type(operands, results)
  }];
}

#endif // MLORA_GRADIENT_OPS_TD
