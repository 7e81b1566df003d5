//===- Interpret.cpp - the pass that runs a function ---------------------------------===//

#include "mlora/Reference/Interpreter.h"
#include "mlora/Reference/Passes.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/InterleavedRange.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_INTERPRET
#include "mlora/Reference/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;
using namespace mlir::mlora::reference;

/// The shape, then each row in brackets on a line of its own.
static void print(llvm::raw_ostream &os, const Tensor &tensor) {
  os << "tensor<" << llvm::interleaved(tensor.shape, "x") << ">\n";
  ArrayRef<double> rest = tensor.data;
  for (size_t width = tensor.shape.empty() ? 1 : tensor.shape.back(); !rest.empty();
       rest = rest.drop_front(width)) {
    os << '[';
    llvm::interleaveComma(rest.take_front(width), os, [&](double value) {
      os << llvm::format("%.6g", value == 0 ? 0 : value); // no -0
    });
    os << "]\n";
  }
}

namespace {
struct InterpretPass : ::mlir::mlora::impl::InterpretBase<InterpretPass> {
  using InterpretBase::InterpretBase;

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<FunctionOpInterface>(function);
    if (!main) {
      getOperation().emitError("mlora-interpret: there is no function @") << function;
      return signalPassFailure();
    }
    FailureOr<Tensors> results = evaluate(main, {});
    if (failed(results))
      return signalPassFailure();
    for (const Tensor &result : *results)
      print(llvm::outs(), result);
  }
};
} // namespace
