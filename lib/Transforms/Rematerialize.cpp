//===- Rematerialize.cpp - a joint function into forward and backward -------------===//

#include "Residuals.h"
#include "mlora/Dialect/Extents.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_REMATERIALIZE
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// A function that repeats parts of a joint one. Arguments and results are declared one by one, with their
/// attributes.
class PartBuilder {
public:
  PartBuilder(Joint &joint, StringRef name) : builder(joint.function.getContext()), joint(joint) {
    builder.setInsertionPoint(joint.function);
    function = func::FuncOp::create(builder, joint.function.getLoc(), name, builder.getFunctionType({}, {}));
    builder.setInsertionPointToStart(function.addEntryBlock());
  }

  void addArgument(Value of, DictionaryAttr attributes) {
    mapping.map(of, function.front().addArgument(of.getType(), namedAs(of)));
    argumentAttrs.push_back(attributes ? attributes : builder.getDictionaryAttr({}));
  }
  void addArgument(unsigned index) {
    addArgument(joint.function.getArgument(index), joint.function.getArgAttrDict(index));
  }
  void addResult(Value of, DictionaryAttr attributes) {
    results.push_back(materialize(of));
    resultAttrs.push_back(attributes ? attributes : builder.getDictionaryAttr({}));
  }
  void addResult(unsigned index) {
    addResult(joint.returned()[index], joint.function.getResultAttrDict(index));
  }

  /// The copy of a value, made here and now with all that it needs if there is none yet.
  Value materialize(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      materialize(operand);
    IRMapping operands = mapping;
    Operation *copy = builder.clone(*op, operands);
    for (auto [from, to] : llvm::zip_equal(op->getResults(), copy->getResults()))
      if (!mapping.contains(from)) // a kept result stays the kept one
        mapping.map(from, to);
    return mapping.lookup(value);
  }

  /// Drops arguments that turned out not to be read.
  void finish(bool keepUnread) {
    func::ReturnOp::create(builder, function.getLoc(), results);
    function.setType(builder.getFunctionType(function.front().getArgumentTypes(), TypeRange(results)));
    function.setAllArgAttrs(argumentAttrs);
    function.setAllResultAttrs(resultAttrs);
    BitVector unread(function.getNumArguments());
    for (BlockArgument argument : function.getArguments())
      if (!keepUnread && argument.use_empty() &&
          !function.getArgAttr(argument.getArgNumber(), kCotangentAttr))
        unread.set(argument.getArgNumber());
    (void)function.eraseArguments(unread);
  }

  OpBuilder builder;

private:
  Joint &joint;
  func::FuncOp function;
  IRMapping mapping;
  SmallVector<Value> results;
  SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
};

/// Residuals by what makes them, so that they can be found in another joint function of the same layer.
struct Residual {
  unsigned primalOp, result;
  DictionaryAttr attributes;
};

void buildForward(Joint &joint, StringRef name, ArrayRef<Value> residuals, ArrayRef<Residual> described) {
  PartBuilder part(joint, name);
  for (unsigned i = 0; i < joint.function.getNumArguments(); ++i)
    if (joint.isPrimalArgument(i))
      part.addArgument(i);
  for (Operation *op : joint.primalOps) // in their order; ops that only backward needs again stay out
    if (llvm::any_of(op->getResults(), [&](Value v) {
          return llvm::is_contained(residuals, v) ||
                 llvm::is_contained(joint.returned().take_front(joint.numPrimalResults), v);
        }))
      part.materialize(op->getResult(0));
  for (unsigned i = 0; i < joint.numPrimalResults; ++i)
    part.addResult(i);
  for (auto [value, residual] : llvm::zip_equal(residuals, described))
    part.addResult(value, residual.attributes);
  part.finish(/*keepUnread=*/true);
}

LogicalResult buildBackward(Joint &joint, StringRef name, ArrayRef<Residual> residuals) {
  PartBuilder part(joint, name);
  for (bool primal : {false, true})
    for (unsigned i = 0; i < joint.function.getNumArguments(); ++i)
      if (joint.isPrimalArgument(i) == primal)
        part.addArgument(i);
  for (const Residual &residual : residuals) {
    if (residual.primalOp >= joint.primalOps.size())
      return joint.function.emitError(
          "computes something else in forward than the other functions of its layer");
    part.addArgument(joint.primalOps[residual.primalOp]->getResult(residual.result), residual.attributes);
  }
  // In the adjoint's order; what is computed again stands right before its first reader.
  for (Operation *op : joint.adjointOps)
    part.materialize(op->getResult(0));
  for (unsigned i = joint.numPrimalResults; i < joint.function.getNumResults(); ++i)
    part.addResult(i);
  part.finish(/*keepUnread=*/false);
  return success();
}

struct RematerializePass : ::mlir::mlora::impl::RematerializeBase<RematerializePass> {
  using RematerializeBase::RematerializeBase;

  void runOnOperation() override {
    std::optional<Recompute> level = llvm::StringSwitch<std::optional<Recompute>>(recompute)
                                         .Case("none", Recompute::None)
                                         .Case("cheap", Recompute::Cheap)
                                         .Case("all", Recompute::All)
                                         .Default(std::nullopt);
    if (!level) {
      getOperation().emitError("mlora-rematerialize: recompute is '")
          << recompute << "', not none, cheap or all";
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    // Chosen before the first is split: splitting one erases it, and its `.lowest` with it.
    auto isSplit = [](func::FuncOp function) {
      return function.getName().ends_with(".value_and_grad") && !returnsScalar(function);
    };
    for (auto function :
         llvm::to_vector(llvm::make_filter_range(getOperation().getOps<func::FuncOp>(), isSplit))) {
      StringRef kind = function.getName();
      kind.consume_back(".value_and_grad");
      auto lowest = symbols.lookup<func::FuncOp>((kind + ".value_and_grad.lowest").str());
      if (failed(partition(kind.str(), function, lowest, *level)))
        return signalPassFailure();
    }
  }

  static bool returnsScalar(func::FuncOp function) {
    return llvm::any_of(function.getResultTypes(),
                        [](Type type) { return cast<RankedTensorType>(type).getRank() == 0; });
  }

  LogicalResult partition(const std::string &kind, func::FuncOp function, func::FuncOp lowest,
                          Recompute level) {
    Joint joint(function);
    SmallVector<Value> kept = chooseResiduals(joint, level, budget);
    SmallVector<std::string> names = nameResiduals(function, kept);
    SmallVector<Residual> residuals;
    for (auto [value, name] : llvm::zip_equal(kept, names)) {
      NamedAttrList attributes;
      attributes.set(kResidualAttr, StringAttr::get(&getContext(), name));
      if (StringAttr extent = extentOf(function, value))
        attributes.set(kExtentAttr, extent);
      unsigned position = llvm::find(joint.primalOps, value.getDefiningOp()) - joint.primalOps.begin();
      residuals.push_back(
          {position, cast<OpResult>(value).getResultNumber(), attributes.getDictionary(&getContext())});
    }
    buildForward(joint, kind + ".forward", kept, residuals);
    if (failed(buildBackward(joint, kind + ".backward", residuals)))
      return failure();
    if (lowest) {
      Joint lowestJoint(lowest);
      if (failed(buildBackward(lowestJoint, kind + ".backward.lowest", residuals)))
        return failure();
      lowest.erase();
    }
    function.erase();
    return success();
  }
};

} // namespace
