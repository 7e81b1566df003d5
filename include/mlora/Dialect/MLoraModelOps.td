//===- MLoraModelOps.td - transformer ops ------------------------*- tablegen -*-===//

#ifndef MLORA_MODEL_OPS_TD
#define MLORA_MODEL_OPS_TD

include "mlora/Dialect/MLoraBase.td"
include "mlora/Dialect/MLoraInterfaces.td"

def MLora_EmbeddingOp : MLora_PureOp<"embedding", [MLora_Differentiable]> {
  let summary = "Rows of a table by token id";
  let description = [{
    `y[t] = table[ids[t]]`. Ids are checked by the runtime before a program runs.

    Example:
    ```mlir
    %h = mlora.embedding %ids, %table : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MLora_Indices:$ids, MLora_Matrix:$table);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$ids `,` $table attr-dict `:` functional-type(operands, results)";
}

def MLora_LinearOp : MLora_PureOp<"linear", [MLora_Differentiable]> {
  let summary = "A linear layer without bias";
  let description = [{
    `y[t] = W x[t]`, W is `[out, in]`.

    Example:
    ```mlir
    %y = mlora.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$input, MLora_Matrix:$weight);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$input `,` $weight attr-dict `:` functional-type(operands, results)";
}

def MLora_RmsNormOp : MLora_PureOp<"rms_norm", [MLora_Differentiable]> {
  let summary = "Root-mean-square normalisation of each row";
  let description = [{
    `y[t] = w ∘ x[t] / sqrt(mean(x[t]²) + eps)`.

    Example:
    ```mlir
    %y = mlora.rms_norm %x, %w eps 1.000000e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$input, MLora_Vector:$weight, F64Attr:$eps);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$input `,` $weight `eps` $eps attr-dict `:` functional-type(operands, results)";
}

def MLora_RopeTableOp : MLora_PureOp<"rope_table"> {
  let summary = "Cosines and sines of the rotary embedding, one row per token";
  let description = [{
    `table[t] = [cos(p·f_0) … cos(p·f_{d/2-1}) | sin(p·f_0) … sin(p·f_{d/2-1})]` with `p = position[t]` and
    `f_i = theta^(-2i/d)`, changed by `llama3 = [factor, low, high, original context]` (with `λ = 2π/f`:
    `λ < context/high`: f; `λ > context/low`: f/factor; between, with `t = (context/λ - low)/(high - low)`:
    `(1 - t)·f/factor + t·f`) and divided by `divisors` where a GGUF file has them. Angles are formed in f64.

    Example:
    ```mlir
    %table = mlora.rope_table %position theta 1.000000e+04 : (tensor<?xi32>) -> tensor<?x8xf32>
    ```
  }];
  let arguments = (ins MLora_Indices:$position, F64Attr:$theta, OptionalAttr<DenseF64ArrayAttr>:$llama3,
                       OptionalAttr<DenseF64ArrayAttr>:$divisors);
  let results = (outs MLora_Matrix:$table);
  let assemblyFormat = [{
    $position `theta` $theta (`llama3` $llama3^)? (`divisors` $divisors^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// The head_dim / 2 rotary frequencies after scaling, in f64.
    ::llvm::SmallVector<double> getFrequencies();
  }];
}

def MLora_RopeOp : MLora_PureOp<"rope", [DeclareOpInterfaceMethods<DifferentiableOpInterface, ["isOperandDifferentiable"]>]> {
  let summary = "Rotary position embedding, Hugging Face's halves";
  let description = [{
    Each head `[a | b]` (halves of head_dim) of row t becomes `[a∘c - b∘s | b∘c + a∘s]` with `[c | s] = table[t]`;
    `inverse` rotates back (s becomes -s), which is also the vector-Jacobian product.

    Example:
    ```mlir
    %r = mlora.rope %q, %table heads 8 : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$input, MLora_Matrix:$table, I64Attr:$heads, UnitAttr:$inverse);
  let hasFolder = 1;
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = [{
    $input `,` $table `heads` $heads (`inverse` $inverse^)? attr-dict `:` functional-type(operands, results)
  }];
}

def MLora_AttentionOp : MLora_PureOp<"attention", [AttrSizedOperandSegments, MLora_Differentiable]> {
  let summary = "Causal grouped-query attention inside documents";
  let description = [{
    Query row i stands at key row `at[i]` (`at` absent: i) and attends to key rows j in `[document_start[i], at[i]]`;
    without `document_start` the interval begins at 0. With a prefix it attends to rows
    `[prefix_start[i], prefix_end[i])` before that interval as well (`prefix_end[i] <= document_start[i]`; the same
    number twice is none): keys of a cache that several sequences share. With
    `scale = 1/sqrt(head_dim)`, query head h and its key head `h / (heads / kv_heads)`:
    `S = scale·q kᵀ`, `lse[i, h] = log Σ_j exp(S_ij)`, `out[i, h] = Σ_j exp(S_ij - lse[i, h]) v_j`.

    Example:
    ```mlir
    %o, %lse = mlora.attention %q, %k, %v document %start heads 8 kv_heads 4
      : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
    %p, %l = mlora.attention %q, %keys, %values document %start at %rows prefix %from to %to heads 8 kv_heads 4
      : (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>,
         tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
    ```
  }];
  let arguments = (ins MLora_Matrix:$query, MLora_Matrix:$key, MLora_Matrix:$value,
                       Optional<MLora_Indices>:$document_start, Optional<MLora_Indices>:$at,
                       Optional<MLora_Indices>:$prefix_start, Optional<MLora_Indices>:$prefix_end,
                       I64Attr:$heads, I64Attr:$kv_heads);
  let results = (outs MLora_Matrix:$output, MLora_Matrix:$lse);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`document` $document_start^)? (`at` $at^)?
    (`prefix` $prefix_start^ `to` $prefix_end)? `heads` $heads `kv_heads` $kv_heads
    attr-dict `:` functional-type(operands, results)
  }];
}

def MLora_CacheWriteOp : MLora_PureOp<"cache_write"> {
  let summary = "Keys or values of new tokens, written to their rows of the cache";
  let description = [{
    `result = cache` with row `at[t]` replaced by `x[t]`, rows distinct. A planned program writes in place.

    Example:
    ```mlir
    %c = mlora.cache_write %cache, %k at %rows
      : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$cache, MLora_Matrix:$input, MLora_Indices:$at);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$cache `,` $input `at` $at attr-dict `:` functional-type(operands, results)";
}

def MLora_SwigluOp : MLora_PureOp<"swiglu", [MLora_Differentiable]> {
  let summary = "The gated activation of LLaMA's MLP";
  let description = [{
    `y = u ∘ g ∘ σ(g)` with `σ(g) = 1/(1 + exp(-g))`.

    Example:
    ```mlir
    %s = mlora.swiglu %gate, %up : (tensor<?x172xf32>, tensor<?x172xf32>) -> tensor<?x172xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$gate, MLora_Matrix:$up);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$gate `,` $up attr-dict `:` functional-type(operands, results)";
}

def MLora_AddOp : MLora_PureOp<"add", [Commutative, SameOperandsAndResultType, MLora_Differentiable]> {
  let summary = "The sum of two tensors (residual connections, cotangents that meet)";
  let description = [{
    `y = a + b`.

    Example:
    ```mlir
    %h1 = mlora.add %h, %y : tensor<?x64xf32>
    ```
  }];
  let hasVerifier = 0; // the traits say it all
  let arguments = (ins MLora_Tensor:$lhs, MLora_Tensor:$rhs);
  let results = (outs MLora_Tensor:$output);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($output)";
}

def MLora_GatherRowsOp : MLora_PureOp<"gather_rows", [MLora_Differentiable]> {
  let summary = "Some rows of a token-sized tensor";
  let description = [{
    `y[c] = x[rows[c]]`, rows distinct: only those whose label counts need logits.

    Example:
    ```mlir
    %c = mlora.gather_rows %h, %counted : (tensor<?x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$input, MLora_Indices:$rows);
  let hasFolder = 1;
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$input `,` $rows attr-dict `:` functional-type(operands, results)";
}

def MLora_CrossEntropyOp : MLora_PureOp<"cross_entropy", [MLora_Differentiable]> {
  let summary = "Output head and negative log-likelihood, logits never whole";
  let description = [{
    With `z = W x[c]` (the logits of row c): `lse[c] = log Σ_v exp(z_v)`, `nll[c] = lse[c] - z_{target[c]}`; a row whose
    target is negative (-100) has `nll = 0` and no gradient. Kernels hold logits of a block of rows only.

    Example:
    ```mlir
    %nll, %lse = mlora.cross_entropy %x, %head, %targets
      : (tensor<?x64xf32>, tensor<512x64xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
    ```
  }];
  let arguments = (ins MLora_Matrix:$input, MLora_Matrix:$weight, MLora_Indices:$targets);
  let results = (outs MLora_Vector:$nll, MLora_Vector:$lse);
  let assemblyFormat = "$input `,` $weight `,` $targets attr-dict `:` functional-type(operands, results)";
}

def MLora_SumOp : MLora_PureOp<"sum", [MLora_Differentiable]> {
  let summary = "The sum of a vector, in row order";
  let description = [{
    `y = Σ_t x[t]`.

    Example:
    ```mlir
    %loss = mlora.sum %nll : (tensor<?xf32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins MLora_Vector:$input);
  let results = (outs MLora_Scalar:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

#endif // MLORA_MODEL_OPS_TD
