//===- MLoraProductOps.td - library products and their operands --*- tablegen -*-===//
//
// Where a library multiplies, an adapted group is one product over augmented operands (DESIGN section 2). With N
// the group's outputs, `in` its inputs and S = Σ k_j the columns of its m:
//
//     w = [ W | B̃ ]   [N + S, in + S], B̃ block-diagonal      forward:  y  = [x | m] · (the first N rows of w)ᵀ
//         [ Ã | 0 ]                                           backward: dx = [dy | u] · (the first `in` columns of w)

#ifndef MLORA_PRODUCT_OPS_TD
#define MLORA_PRODUCT_OPS_TD

include "mlora/Dialect/MLoraBase.td"

def MLora_ProductOp : MLora_PureOp<"product"> {
  let summary = "A product that a library does: a kernel of its own";
  let description = [{
    With N and K the columns of the result and of `input`: `y[t, n] = Σ_k x[t, k] · w[n, k]`, or `transposed`
    `y[t, n] = Σ_k x[t, k] · w[k, n]`. The weight may have more rows and columns; its first ones count. Sums in f32. Operands are of one
    type, and so is the result; of bf16 operands it may be f32 (logits).

    Example:
    ```mlir
    %qkv = mlora.product %xm, %w : (tensor<?x112xf32>, tensor<176x112xf32>) -> tensor<?x128xf32>
    %dx = mlora.product %dyu, %w transposed : (tensor<?x176xf32>, tensor<176x112xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$input, MLora_Matrix:$weight, UnitAttr:$transposed);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$input `,` $weight (`transposed` $transposed^)? attr-dict `:` functional-type(operands, results)";
}

def MLora_RoundOp : MLora_PureOp<"round"> {
  let summary = "A tensor stored as another type";
  let description = [{
    `y = x`, rounded to the nearest where y's type holds less. A library multiplies operands of one type: what is trained in f32 is
    rounded for it.

    Example:
    ```mlir
    %wb = mlora.round %w : (tensor<512x64xf32>) -> tensor<512x64xbf16>
    ```
  }];
  let arguments = (ins MLora_Matrix:$input);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def MLora_JoinOp : MLora_PureOp<"join"> {
  let summary = "Tensors side by side";
  let description = [{
    `y[t] = [a[t] | b[t] | …]`. In a kernel, what is computed for it is computed in its place.

    Example:
    ```mlir
    %xm = mlora.join %x, %m : (tensor<?x64xf32>, tensor<?x48xf32>) -> tensor<?x112xf32>
    ```
  }];
  let arguments = (ins Variadic<MLora_Matrix>:$inputs);
  let results = (outs MLora_Matrix:$output);
  let hasFolder = 1;
  let extraClassDeclaration = [{
    /// The result's first column that an input has.
    int64_t getFirstColumn(unsigned input);
  }];
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, results)";
}

def MLora_WindowOp : MLora_PureOp<"window"> {
  let summary = "A part of a tensor: some rows and columns";
  let description = [{
    `y[i, j] = x[row + i, column + j]`. Of a token-sized tensor all rows.

    Example:
    ```mlir
    %k = mlora.window %qkv at [0, 64] : (tensor<?x128xf32>) -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins MLora_Matrix:$input, DenseI64ArrayAttr:$at);
  let results = (outs MLora_Matrix:$output);
  let hasFolder = 1;
  let assemblyFormat = "$input `at` $at attr-dict `:` functional-type(operands, results)";
}

def MLora_PlaceOp : MLora_PureOp<"place"> {
  let summary = "A tensor with a part of it replaced";
  let description = [{
    `result = x`, but `result[row + i, column + j] = part[i, j]`, rounded to x's type. A planned program writes in place.
    Without x, what is around the part holds nothing yet: it must be placed there before it is read (the reference has NaN there). So
    kernels one behind another write their columns of what a product reads.

    Example:
    ```mlir
    %w1 = mlora.place %down in %w at [128, 0] : (tensor<48x64xf32>, tensor<176x112xf32>) -> tensor<176x112xf32>
    %dy0 = mlora.place %dq at [0, 0] : (tensor<?x64xbf16>) -> tensor<?x144xbf16>
    ```
  }];
  let arguments = (ins MLora_Matrix:$part, Optional<MLora_Matrix>:$input, DenseI64ArrayAttr:$at);
  let results = (outs MLora_Matrix:$output);
  let assemblyFormat = "$part (`in` $input^)? `at` $at attr-dict `:` functional-type(operands, results)";
}

#endif // MLORA_PRODUCT_OPS_TD
