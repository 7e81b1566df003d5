//===- ChunkHead.cpp - cross-entropy for some of its rows at a time ------------------===//

#include "mlora/Dialect/Extents.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Transforms/Passes.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_CHUNKHEAD
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// A loss with the gradients that a function takes of it; either may be missing.
struct Head {
  CrossEntropyOp loss;
  CrossEntropyInputGradOp inputGrad;
  CrossEntropyWeightGradOp weightGrad;
  Value cotangent; ///< of nll; null without gradients

  LogicalResult collect();
};

/// The function that is called for a chunk, under construction.
class ChunkFunction {
public:
  ChunkFunction(func::FuncOp caller, SymbolTable &symbols) : builder(caller.getContext()), caller(caller) {
    builder.setInsertionPoint(caller);
    function = func::FuncOp::create(builder, caller.getLoc(), (caller.getName() + ".chunk").str(),
                                    builder.getFunctionType({}, {}));
    symbols.insert(function); // under another name where there is one already
    builder.setInsertionPointToStart(function.addEntryBlock());
  }

  /// An argument for a value of the caller.
  Value argument(Value value) {
    operands.push_back(value);
    argumentAttrs.push_back(extent(value));
    return function.front().addArgument(value.getType(), namedAs(value));
  }
  /// A result that takes the place of a value of the caller.
  void result(Value value, Value replaced) {
    results.push_back(value);
    replacedValues.push_back(replaced);
    resultAttrs.push_back(extent(replaced));
  }
  /// The call, at the caller's `builder`.
  void call(OpBuilder &at, Location location, int64_t rows) {
    func::ReturnOp::create(builder, function.getLoc(), results);
    function.setType(
        builder.getFunctionType(function.front().getArgumentTypes(), TypeRange(ValueRange(results))));
    function.setAllArgAttrs(argumentAttrs);
    function.setAllResultAttrs(resultAttrs);
    SmallVector<StringRef> names = llvm::map_to_vector(replacedValues, nameOf);
    auto op =
        ChunkedCallOp::create(at, withNames(withoutNames(location), names),
                              function.getFunctionType().getResults(), function.getSymName(), operands, rows);
    for (auto [replaced, value] : llvm::zip_equal(replacedValues, op.getResults()))
      replaced.replaceAllUsesWith(value);
  }

  OpBuilder builder;

private:
  DictionaryAttr extent(Value value) {
    StringAttr name = extentOf(caller, value);
    return name ? builder.getDictionaryAttr(builder.getNamedAttr(kExtentAttr, name))
                : builder.getDictionaryAttr({});
  }

  func::FuncOp caller, function;
  SmallVector<Value> operands, results, replacedValues;
  SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
};

struct ChunkHead : ::mlir::mlora::impl::ChunkHeadBase<ChunkHead> {
  using ChunkHeadBase::ChunkHeadBase;
  void runOnOperation() override;

private:
  LogicalResult rewrite(CrossEntropyOp loss, SymbolTable &symbols);
};

} // namespace

/// The gradients of this loss; their cotangent is made before it, so that one call can give all.
LogicalResult Head::collect() {
  auto take = [&](auto &mine, auto op) -> LogicalResult {
    if (mine || op.getInput() != loss.getInput() || op.getWeight() != loss.getWeight() ||
        op.getTargets() != loss.getTargets() || (cotangent && op.getCotangent() != cotangent))
      return op.emitOpError(
          "is not the gradient of the loss that its lse is from: chunks cannot share its logits");
    mine = op;
    cotangent = op.getCotangent();
    return success();
  };
  for (Operation *user : loss.getLse().getUsers()) {
    LogicalResult taken = failure();
    if (auto grad = dyn_cast<CrossEntropyInputGradOp>(user))
      taken = take(inputGrad, grad);
    else if (auto grad = dyn_cast<CrossEntropyWeightGradOp>(user))
      taken = take(weightGrad, grad);
    else
      user->emitOpError("reads the lse of a loss that is taken in chunks, which only its gradients may");
    if (failed(taken))
      return failure();
  }
  Operation *maker = cotangent ? cotangent.getDefiningOp() : nullptr;
  if (!maker || maker->isBeforeInBlock(loss))
    return success();
  auto isReady = [&](Value operand) {
    return !operand.getDefiningOp() || operand.getDefiningOp()->isBeforeInBlock(loss);
  };
  if (!llvm::all_of(maker->getOperands(), isReady))
    return loss.emitOpError(
        "has a cotangent that is made of what comes after it: its gradient cannot be taken "
        "chunk by chunk");
  maker->moveBefore(loss);
  return success();
}

LogicalResult ChunkHead::rewrite(CrossEntropyOp loss, SymbolTable &symbols) {
  Head head{loss, {}, {}, {}};
  if (failed(head.collect()))
    return failure();
  auto caller = loss->getParentOfType<func::FuncOp>();
  OpBuilder before(loss);
  Location plain = withoutNames(loss.getLoc());
  RankedTensorType xType = loss.getInput().getType(), wType = loss.getWeight().getType();
  int64_t vocabulary = wType.getDimSize(0);
  Value weight = loss.getWeight();
  if (xType.getElementType() != wType.getElementType())
    weight = RoundOp::create(
        before, withName(plain, nameOf(weight).empty() ? "rounded" : (nameOf(weight) + ".rounded").str()),
        wType.clone(xType.getElementType()), weight);

  ChunkFunction chunk(caller, symbols);
  OpBuilder &b = chunk.builder;
  Value x = chunk.argument(loss.getInput()), w = chunk.argument(weight),
        targets = chunk.argument(loss.getTargets());
  Type element = xType.getElementType();
  auto logitsType = RankedTensorType::get({xType.getDimSize(0), vocabulary},
                                          element.isBF16() ? Type(b.getF32Type()) : element);
  Value logits = ProductOp::create(b, withName(plain, "logits"), logitsType, x, w);
  auto nll = NllOp::create(b, loss.getLoc(), loss.getResultTypes(), logits, targets);
  chunk.result(nll.getNll(), loss.getNll());
  if (head.cotangent) {
    Value dnll = chunk.argument(head.cotangent);
    Value dlogits = NllInputGradOp::create(b, withName(plain, "dlogits"), logitsType.clone(element), dnll,
                                           logits, targets, nll.getLse());
    if (head.inputGrad)
      chunk.result(ProductOp::create(b, namedAs(head.inputGrad.getOutput()), xType, dlogits, w,
                                     /*transposed=*/true),
                   head.inputGrad.getOutput());
    if (head.weightGrad)
      chunk.result(TokenOuterOp::create(b, namedAs(head.weightGrad.getOutput()), head.weightGrad.getType(),
                                        dlogits, x, 0),
                   head.weightGrad.getOutput());
  }
  chunk.call(before, loss.getLoc(), rows);
  for (Operation *op : {head.inputGrad.getOperation(), head.weightGrad.getOperation()})
    if (op)
      op->erase();
  loss.erase();
  return success();
}

void ChunkHead::runOnOperation() {
  if (rows < 1) {
    getOperation().emitError("mlora-chunk-head: rows is ") << int64_t(rows) << ", not 1 or more";
    return signalPassFailure();
  }
  SymbolTable symbols(getOperation());
  SmallVector<CrossEntropyOp> losses;
  getOperation().walk([&](CrossEntropyOp loss) {
    if (loss.getInput().getType().isDynamicDim(0)) // a static number of rows is a test's
      losses.push_back(loss);
  });
  for (CrossEntropyOp loss : losses)
    if (failed(rewrite(loss, symbols)))
      return signalPassFailure();
}
