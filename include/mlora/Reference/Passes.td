//===- Passes.td - test passes of the reference ------------------*- tablegen -*-===//

#ifndef MLORA_REFERENCE_PASSES_TD
#define MLORA_REFERENCE_PASSES_TD

include "mlir/Pass/PassBase.td"

def Interpret : Pass<"mlora-interpret", "::mlir::ModuleOp"> {
  let summary = "Runs a function in f64 and prints what it returns";
  let description = [{
    Runs `@main`, which has no arguments, and prints each result, one row a line, to standard output. For tests of what ops mean.
    Values are f64 whatever the tensors' types: nothing is rounded to f32 or bf16.

    ```mlir
    func.func @main() -> tensor<2xf32> {
      %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
      %y = mlora.add %x, %x : tensor<2xf32>
      return %y : tensor<2xf32>
    }
    // prints tensor<2>
    //        [2, 4]
    ```
  }];
  let options = [Option<"function", "function", "std::string", "\"main\"", "the function to run">];
}

def CheckGradients : Pass<"mlora-check-gradients", "::mlir::ModuleOp"> {
  let summary = "Compares differentiated functions with central differences in f64";
  let description = [{
    After `mlora-autodiff` or `mlora-rematerialize`: for every `@f.value_and_grad[.lowest]`, and every `@f.forward` with its
    `@f.backward[.lowest]`, runs them on pseudo-random arguments and cotangents and compares each cotangent and
    gradient that they return with central differences of `@f`. Prints a line for each; an error above `tolerance` (relative to the
    gradient's largest element) is an error of the pass. A `?` is 5 rows, 3 for `counted_rows`. Indices are valid for what reads them.
  }];
  let options = [
    Option<"tolerance", "tolerance", "double", "1e-6", "largest relative error">,
    Option<"print", "print", "bool", "false", "print the gradients with all of their digits">,
  ];
}

#endif // MLORA_REFERENCE_PASSES_TD
