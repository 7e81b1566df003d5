//===- Interpreter.cpp - runs functions and kernels in f64 -----------------------------===//

#include "mlora/Reference/Interpreter.h"
#include "Ops.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;
using namespace mlir::mlora::reference;

static Tensors run(arith::ConstantOp op, const Environment &) {
  auto elements = cast<DenseElementsAttr>(op.getValue());
  Tensor y(elements.getType().getShape());
  bool real = isa<FloatType>(elements.getElementType());
  for (size_t i = 0; i < y.data.size(); ++i)
    y(i) = real ? elements.getValues<APFloat>()[i].convertToDouble()
                : double(elements.getValues<APInt>()[i].getSExtValue());
  return {y};
}

/// Static reshapes keep the elements' order.
template <typename Op> static Tensors reshape(Op op, const Environment &at) {
  Tensor y(cast<RankedTensorType>(op.getResult().getType()).getShape());
  y.data = at(op.getSrc()).data;
  return {y};
}
static Tensors run(tensor::ExpandShapeOp op, const Environment &at) { return reshape(op, at); }
static Tensors run(tensor::CollapseShapeOp op, const Environment &at) { return reshape(op, at); }

static FailureOr<Tensors> callFunction(Operation *op, FlatSymbolRefAttr name, ValueRange operands,
                                       const Environment &at) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<FunctionOpInterface>(op, name);
  if (!callee)
    return op->emitError("calls what does not exist: ") << name;
  Tensors arguments;
  for (Value operand : operands)
    arguments.push_back(at(operand));
  return evaluate(callee, arguments);
}

/// Rows [first, first + count) of a tensor.
static Tensor rowsOf(const Tensor &tensor, int64_t first, int64_t count) {
  SmallVector<int64_t> shape = tensor.shape;
  shape[0] = count;
  Tensor rows(shape);
  std::copy_n(tensor.data.begin() + first * tensor.columns(), count * tensor.columns(), rows.data.begin());
  return rows;
}

/// Chunk after chunk; rows of results one behind another, results of static shape added up.
static FailureOr<Tensors> callInChunks(ChunkedCallOp op, const Environment &at) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<FunctionOpInterface>(op, op.getCalleeAttr());
  int64_t rows = at(op.getCut()).rows(), by = op.getBy(), first = 0;
  Tensors results;
  do { // once for no rows: results have shapes
    Tensors arguments;
    for (Value input : op.getInputs())
      arguments.push_back(op.isCut(input) ? rowsOf(at(input), first, std::min(by, rows - first)) : at(input));
    FailureOr<Tensors> given = evaluate(callee, arguments);
    if (failed(given))
      return failure();
    for (auto [i, tensor] : llvm::enumerate(*given)) {
      if (first == 0) {
        results.push_back(tensor);
      } else if (op.isCut(op.getOutputs()[i])) {
        results[i].shape[0] += tensor.rows();
        results[i].data.insert(results[i].data.end(), tensor.data.begin(), tensor.data.end());
      } else {
        results[i] = add(results[i], tensor);
      }
    }
    first += by;
  } while (first < rows);
  return results;
}

static FailureOr<Tensors> runOperation(Operation *op, const Environment &at) {
  using Result = FailureOr<Tensors>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<EmbeddingOp, LinearOp, RmsNormOp, RopeTableOp, RopeOp, AttentionOp, CacheWriteOp, SwigluOp,
            AddOp, GatherRowsOp, CrossEntropyOp, SumOp, BranchOp, StackUpOp, AdaptedLinearOp, MergeOp,
            LinearInputGradOp, AdaptedLinearInputGradOp, TokenOuterOp, RmsNormInputGradOp,
            RmsNormScaleOp, RmsNormWeightGradOp, AttentionQueryGradOp, AttentionKeyValueGradOp, SwigluGradOp,
            EmbeddingWeightGradOp, ScatterRowsOp, SpreadOp, CrossEntropyInputGradOp, CrossEntropyWeightGradOp,
            StackUpGradOp, SquareSumOp, NormOp, AdamWOp, ProductOp, RoundOp, JoinOp, WindowOp, PlaceOp, DequantizeOp, NllOp,
            NllInputGradOp, arith::ConstantOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
          [&](auto typed) -> Result { return run(typed, at); })
      .Case<func::CallOp>(
          [&](func::CallOp call) { return callFunction(call, call.getCalleeAttr(), call.getOperands(), at); })
      .Case<ChunkedCallOp>([&](ChunkedCallOp call) { return callInChunks(call, at); })
      .Case<LaunchOp>([&](LaunchOp launch) {
        return callFunction(launch, launch.getKernelAttr(), launch.getOperands_(), at);
      })
      .Default([](Operation *other) -> Result { return other->emitError("has no reference meaning"); });
}

FailureOr<Tensors> mlir::mlora::reference::evaluate(FunctionOpInterface function,
                                                    ArrayRef<Tensor> arguments) {
  if (function.isExternal() || arguments.size() != function.getNumArguments())
    return function.emitError("cannot be run with ") << arguments.size() << " arguments";
  Environment environment;
  for (auto [argument, tensor] : llvm::zip_equal(function.getArguments(), arguments))
    environment.set(argument, tensor);
  Block &body = function.getFunctionBody().front();
  for (Operation &op : body.without_terminator()) {
    FailureOr<Tensors> results = runOperation(&op, environment);
    if (failed(results))
      return failure();
    for (auto [result, tensor] : llvm::zip_equal(op.getResults(), *results))
      environment.set(result, tensor);
  }
  Tensors returned;
  for (Value value : body.getTerminator()->getOperands())
    returned.push_back(environment(value));
  return returned;
}
