//===- MLoraInterfaces.td - what autodiff and kernel formation ask of an op -----*- tablegen -*-===//

#ifndef MLORA_INTERFACES_TD
#define MLORA_INTERFACES_TD

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::mlir::mlora";
  let description = [{
    An op that knows its own vector-Jacobian product. A null `Value` is a symbolic zero, in cotangents and in
    gradients: zeros are never built.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the gradients of the operands in `wanted` from the results' cotangents (null: zero). `grads` has one
      entry per operand and comes filled with null.
    }], "void", "buildVJP", (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$cotangents,
        "const ::llvm::BitVector &":$wanted, "::llvm::MutableArrayRef<::mlir::Value>":$grads)>,
    InterfaceMethod<[{
      The primal values (operands or results) that the rule reads for the operands in `wanted`: what must be kept,
      known before the adjoint exists.
    }], "::llvm::SmallVector<::mlir::Value>", "getVJPReads", (ins "const ::llvm::BitVector &":$wanted)>,
    InterfaceMethod<"Whether an operand can have a gradient at all (indices and tables cannot).",
      "bool", "isOperandDifferentiable", (ins "unsigned":$index)>,
  ];
}

#endif // MLORA_INTERFACES_TD
