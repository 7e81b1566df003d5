//===- MLoraBlockOps.td - what kernels call on blocks ------------*- tablegen -*-===//

#ifndef MLORA_BLOCK_OPS_TD
#define MLORA_BLOCK_OPS_TD

include "mlora/Dialect/MLoraBase.td"

def MLora_GemmOp : MLora_Op<"gemm", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "A matrix product of blocks";
  let description = [{
    `C = alpha · op(A) op(B) + beta · C`; rows may be strided, columns are contiguous; with beta 0 C is not read. On the CPU
    it becomes a call of a generated function (`mlora-lower-gemm`), for which all three are f32. Sums are f32 whatever the operands are.
    A transposed B may be rows of blocks of a `format` (`mlora.dequantize`); it stands for their values.

    Example:
    ```mlir
    mlora.gemm %x, transposed %w into %y alpha %one beta %zero
      : memref<?x64xf32, strided<[64, 1], offset: ?>>, memref<32x64xf32>, memref<?x32xf32>
    mlora.gemm %x, transposed %blocks of "Q4_1" into %y alpha %one beta %zero : memref<?x64xf32>, memref<32x40xi8>, memref<?x32xf32>
    ```
  }];
  let arguments = (ins MemRefRankOf<[F32, BF16], [2]>:$a, MemRefRankOf<[F32, BF16, I8], [2]>:$b,
                       MemRefRankOf<[F32, BF16], [2]>:$c, F32:$alpha, F32:$beta, UnitAttr:$transpose_a, UnitAttr:$transpose_b,
                       OptionalAttr<StrAttr>:$format);
  let assemblyFormat = [{
    (`transposed` $transpose_a^)? $a `,` (`transposed` $transpose_b^)? $b (`of` $format^)? `into` $c `alpha` $alpha `beta` $beta attr-dict
    `:` type($a) `,` type($b) `,` type($c)
  }];
}

#endif // MLORA_BLOCK_OPS_TD
