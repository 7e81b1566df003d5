//===- Autodiff.cpp - values and gradients of layer kinds --------------------------===//

#include "mlora/Dialect/Extents.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_AUTODIFF
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// Reverse mode: turns a copy of a function into its value-and-gradient function.
class Adjoint {
public:
  /// `active`: the arguments whose cotangents are wanted.
  Adjoint(func::FuncOp primal, const Twine &name, const BitVector &active)
      : function(primal.clone()), builder(primal.getContext()), active(active) {
    function.setName(name.str());
    primal->getParentOfType<ModuleOp>().insert(++primal->getIterator(), function);
  }

  LogicalResult build() {
    findVaried();
    Operation *terminator = function.front().getTerminator();
    builder.setInsertionPoint(terminator);
    SmallVector<Operation *> ops;
    for (Operation &op : function.front().without_terminator())
      ops.push_back(&op);
    seed(terminator);
    for (Operation *op : llvm::reverse(ops))
      if (failed(differentiate(op)))
        return failure();
    finish(terminator);
    return success();
  }

  func::FuncOp function;

private:
  /// Values that depend on an active argument.
  void findVaried() {
    for (unsigned i : active.set_bits())
      varied.insert(function.getArgument(i));
    for (Operation &op : function.front().without_terminator())
      if (wantedOperands(&op).any())
        varied.insert_range(op.getResults());
  }

  BitVector wantedOperands(Operation *op) {
    auto rule = dyn_cast<DifferentiableOpInterface>(op);
    BitVector wanted(op->getNumOperands());
    for (OpOperand &operand : op->getOpOperands())
      if (varied.contains(operand.get()) &&
          (!rule || rule.isOperandDifferentiable(operand.getOperandNumber())))
        wanted.set(operand.getOperandNumber());
    return wanted;
  }

  /// One more argument for the cotangent of each active result.
  void seed(Operation *terminator) {
    for (Value result : terminator->getOperands()) {
      auto type = cast<RankedTensorType>(result.getType());
      if (!varied.contains(result) || !isa<FloatType>(type.getElementType()))
        continue;
      unsigned index = function.getNumArguments();
      // What layers hand on is h; what the last one returns is the loss.
      NamedAttrList attributes;
      attributes.set(kCotangentAttr, builder.getStringAttr(type.getRank() == 0 ? "loss" : "h"));
      if (StringAttr extent = extentOf(function, result))
        attributes.set(kExtentAttr, extent);
      (void)function.insertArgument(index, type, attributes.getDictionary(builder.getContext()),
                                    namedDerivative(result));
      accumulate(result, function.getArgument(index));
    }
  }

  void accumulate(Value value, Value cotangent) {
    if (!cotangent)
      return;
    Value &sum = cotangents[value];
    sum = sum ? Value(AddOp::create(builder, namedDerivative(value), value.getType(), sum, cotangent))
              : cotangent;
  }

  LogicalResult differentiate(Operation *op) {
    SmallVector<Value> results;
    for (Value result : op->getResults())
      results.push_back(cotangents.lookup(result));
    BitVector wanted = wantedOperands(op);
    if (wanted.none() || llvm::none_of(results, [](Value v) { return bool(v); }))
      return success();
    auto rule = dyn_cast<DifferentiableOpInterface>(op);
    if (!rule)
      return op->emitOpError("stands between a trainable tensor and a result but has no derivative");
    SmallVector<Value> gradients(op->getNumOperands());
    Operation *last = builder.getInsertionPoint()->getPrevNode();
    if (failed(rule.buildVJP(builder, results, wanted, gradients)))
      return failure();
    nameGradients(op, last, gradients);
    for (unsigned i : wanted.set_bits())
      accumulate(op->getOperand(i), gradients[i]);
    return success();
  }

  /// The gradient of x is called dx; what else the rule made (after `last`) is not called as what the rule is
  /// of.
  void nameGradients(Operation *op, Operation *last, ArrayRef<Value> gradients) {
    for (Operation *made = last->getNextNode(); made != &*builder.getInsertionPoint();
         made = made->getNextNode()) {
      SmallVector<std::string> names(made->getNumResults());
      for (auto [operand, gradient] : llvm::zip_equal(op->getOperands(), gradients))
        if (gradient && gradient.getDefiningOp() == made && !nameOf(operand).empty())
          names[cast<OpResult>(gradient).getResultNumber()] = "d" + nameOf(operand).str();
      made->setLoc(withNames(made->getLoc(), SmallVector<StringRef>(names.begin(), names.end())));
    }
  }

  /// Returns the cotangents of active arguments: inputs first, then parameters. An argument that no result
  /// depends on has none.
  void finish(Operation *terminator) {
    SmallVector<Type> types(function.getResultTypes());
    SmallVector<DictionaryAttr> attributes;
    function.getAllResultAttrs(attributes);
    for (bool parameters : {false, true})
      for (unsigned i : active.set_bits()) {
        Value argument = function.getArgument(i), cotangent = cotangents.lookup(argument);
        auto trainable = function.getArgAttrOfType<StringAttr>(i, kTrainableAttr);
        if (!cotangent || bool(trainable) != parameters)
          continue;
        NamedAttrList list;
        list.set(parameters ? kGradientAttr : kCotangentAttr,
                 parameters ? trainable : function.getArgAttrOfType<StringAttr>(i, kInputAttr));
        if (StringAttr extent = extentOf(function, argument))
          list.set(kExtentAttr, extent);
        terminator->insertOperands(terminator->getNumOperands(), cotangent);
        types.push_back(argument.getType());
        attributes.push_back(list.getDictionary(builder.getContext()));
      }
    function.setType(builder.getFunctionType(function.getArgumentTypes(), types));
    function.setAllResultAttrs(attributes);
  }

  OpBuilder builder;
  const BitVector &active;
  DenseSet<Value> varied;
  DenseMap<Value, Value> cotangents;
};

/// Whether attach-adapters has been asked for no adapter: nothing is trained, and a step is forward and
/// backward of activations, as if the embedding were.
bool isFrozen(ModuleOp module) {
  auto adapter = module->getAttrOfType<DictionaryAttr>("mlora.adapter");
  auto method = adapter ? adapter.getAs<StringAttr>("method") : StringAttr();
  return method && method.getValue() == "none";
}

struct AutodiffPass : ::mlir::mlora::impl::AutodiffBase<AutodiffPass> {
  void runOnOperation() override {
    bool trainsUpstream = isFrozen(getOperation()); // anything trained in the functions so far
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      // `@KIND.prepare` and the like are parameter-sized and not differentiated.
      if (function.isExternal() || function.getName().contains('.'))
        continue;
      BitVector active(function.getNumArguments());
      std::optional<unsigned> h;
      for (unsigned i = 0; i < active.size(); ++i) {
        if (function.getArgAttrOfType<StringAttr>(i, kTrainableAttr))
          active.set(i);
        auto input = function.getArgAttrOfType<StringAttr>(i, kInputAttr);
        if (input && input.getValue() == "h")
          h = i;
      }
      bool trains = active.any();
      bool isLayer = h && llvm::is_contained(function.getResultTypes(), function.getArgument(*h).getType());
      if (h && (trainsUpstream || (isLayer && trains))) {
        // Only layers without anything trained below have a cheaper lowest one.
        if (!trainsUpstream &&
            failed(Adjoint(function, function.getName() + ".value_and_grad.lowest", active).build()))
          return signalPassFailure();
        active.set(*h);
      }
      if (active.any() && failed(Adjoint(function, function.getName() + ".value_and_grad", active).build()))
        return signalPassFailure();
      trainsUpstream |= trains;
    }
  }
};

} // namespace
