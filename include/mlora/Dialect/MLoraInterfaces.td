//===- MLoraInterfaces.td - what autodiff asks of an op ----------*- tablegen -*-===//

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
      Builds the gradients of the operands in `wanted` from the results' cotangents (null: zero; not all are). `grads` has
      one entry per operand and comes filled with null. What is not wanted is not built.
    }], "::llvm::LogicalResult", "buildVJP", (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$cotangents,
        "const ::llvm::BitVector &":$wanted, "::llvm::MutableArrayRef<::mlir::Value>":$grads)>,
    InterfaceMethod<"Whether an operand can have a gradient at all (indices and tables cannot).",
      "bool", "isOperandDifferentiable", (ins "unsigned":$index), "", [{
        return ::mlir::isa<::mlir::FloatType>(::mlir::getElementTypeOrSelf($_op->getOperand(index).getType()));
      }]>,
  ];
}

def MLora_Differentiable : DeclareOpInterfaceMethods<DifferentiableOpInterface>;

#endif // MLORA_INTERFACES_TD
