//===- MLoraQuantizedOps.td - weights stored in blocks -----------*- tablegen -*-===//

#ifndef MLORA_QUANTIZED_OPS_TD
#define MLORA_QUANTIZED_OPS_TD

include "mlora/Dialect/MLoraBase.td"

def MLora_DequantizeOp : MLora_PureOp<"dequantize"> {
  let summary = "The values of a weight that is stored in GGUF's blocks";
  let description = [{
    Row i of the operand is the bytes of row i of the file: blocks of `format`, one behind another, each of some values that share
    scales. `y[i, j]` is what ggml's reference gives, in f32, bit for bit: of Q4_1, for example, `d·q + m` with the block's d and m. In a kernel it is no
    tensor in memory: the products and the embedding that read it unpack blocks as they go.

    Formats: F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K (`mlora/Runtime/Model/GgufTypes.h`), or several joined by `|` where layers differ (`mlora/Runtime/Model/BlockFormats.h`).

    Example:
    ```mlir
    %w = mlora.dequantize %blocks of "Q4_1" : (tensor<32x40xi8>) -> tensor<32x64xf32>
    ```
  }];
  let arguments = (ins TensorRankOf<[I8], [2]>:$blocks, StrAttr:$format);
  let results = (outs TensorRankOf<[F32], [2]>:$output);
  let assemblyFormat = "$blocks `of` $format attr-dict `:` functional-type(operands, results)";
}

#endif // MLORA_QUANTIZED_OPS_TD
