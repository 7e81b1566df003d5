//===- MLoraBase.td - the mlora dialect --------------------------*- tablegen -*-===//

#ifndef MLORA_BASE_TD
#define MLORA_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def MLora_Dialect : Dialect {
  let name = "mlora";
  let cppNamespace = "::mlir::mlora";
  let summary = "LLaMA-family layers, MultiLoRA adapters and the programs that train them";
  let description = [{
    Tensors are row-major. A *token-sized* tensor has one row per token, its first dimension is `?` (a run-time
    scalar) or static in tests; feature dimensions are always static. bf16 is a type of storage: it may stand beside f32 in one op, whose
    sums are f32 then and whose results are rounded once, when they are stored. Linear weights are `[out, in]` as in
    Hugging Face's checkpoints. Notation in the formulas: `x[t]` is row t.

    Frozen or trainable is a property of a function argument, nothing else:
    `{mlora.weight = "self_attn.q_proj"}` is a frozen tensor of the checkpoint,
    `{mlora.trainable = "self_attn.q_proj.branch.0.A"}` is trained, `{mlora.extent = "rows"}` names the run-time
    scalar that a `?` stands for (`rows`, `counted_rows`, `kv_rows`).
  }];
}

/// Every op says what is wrong with which shape (lib/Dialect/Verifiers.cpp), and what its results are called (Names.h).
class MLora_Op<string mnemonic, list<Trait> traits = []>
    : Op<MLora_Dialect, mnemonic,
         !listconcat(traits, [DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>])> {
  let hasVerifier = 1;
  let extraClassDefinition = [{
    void $cppClass::getAsmResultNames(::mlir::OpAsmSetValueNameFn setName) {
      ::mlir::mlora::nameResults(getOperation(), setName);
    }
  }];
}
/// Ops of the model, adapted, fused and differentiated levels: values of tensors, nothing else.
class MLora_PureOp<string mnemonic, list<Trait> traits = []> : MLora_Op<mnemonic, !listconcat([Pure], traits)>;

def MLora_Real : AnyTypeOf<[F32, F64, BF16]>;
def MLora_Tensor : RankedTensorOf<[MLora_Real]>;
def MLora_Matrix : TensorRankOf<[MLora_Real], [2]>;
def MLora_Vector : TensorRankOf<[MLora_Real], [1]>;
def MLora_Scalar : TensorRankOf<[MLora_Real], [0]>;
def MLora_Indices : TensorRankOf<[I32], [1]>;

#endif // MLORA_BASE_TD
