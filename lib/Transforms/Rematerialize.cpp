//===- Rematerialize.cpp - what forward keeps for backward --------------------------===//
//
// A joint function is cut as in PyTorch's min-cut partitioner: values made by forward are nodes whose capacity is their size, sources
// are what cannot be computed again, sinks what backward reads.

#include "Extents.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_REMATERIALIZE
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// Maximum flow by shortest augmenting paths; graphs here have some dozens of nodes.
class FlowNetwork {
public:
  static constexpr int64_t kUnlimited = int64_t(1) << 60;

  void addEdge(unsigned from, unsigned to, int64_t capacity) { residual[from][to] += capacity, residual[to][from] += 0; }

  void saturate(unsigned source, unsigned sink) {
    while (true) {
      llvm::MapVector<unsigned, unsigned> previous;
      SmallVector<unsigned> queue{source};
      previous[source] = source;
      for (unsigned i = 0; i < queue.size(); ++i)
        for (auto [next, capacity] : residual[queue[i]])
          if (capacity > 0 && previous.insert({next, queue[i]}).second)
            queue.push_back(next);
      if (!previous.count(sink))
        return;
      int64_t flow = kUnlimited;
      for (unsigned node = sink; node != source; node = previous[node])
        flow = std::min(flow, residual[previous[node]][node]);
      for (unsigned node = sink; node != source; node = previous[node]) {
        residual[previous[node]][node] -= flow;
        residual[node][previous[node]] += flow;
      }
    }
  }

  /// Nodes that still reach the sink: of all minimum cuts this one is nearest to it.
  DenseSet<unsigned> sinkSide(unsigned sink) {
    DenseSet<unsigned> side{sink};
    SmallVector<unsigned> queue{sink};
    for (unsigned i = 0; i < queue.size(); ++i)
      for (auto [previous, reverse] : residual[queue[i]])
        if (residual[previous][queue[i]] > 0 && side.insert(previous).second)
          queue.push_back(previous);
    return side;
  }

private:
  std::map<unsigned, std::map<unsigned, int64_t>> residual;
};

enum class Recompute { None, Cheap, All };

bool isCheap(Operation *op) {
  return isa<RmsNormOp, RopeOp, SwigluOp, AddOp, GatherRowsOp, StackUpOp, tensor::ExpandShapeOp>(op);
}

/// Of one row, or of all of a tensor that has no token dimension.
int64_t bytesPerRow(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : size;
  return bytes;
}

/// A joint function, taken apart: ops that depend on a cotangent and those that do not.
struct Joint {
  explicit Joint(func::FuncOp function) : function(function) {
    for (BlockArgument argument : function.getArguments())
      if (function.getArgAttr(argument.getArgNumber(), kCotangentAttr))
        adjointValues.insert(argument);
    for (Operation &op : function.front().without_terminator())
      if (llvm::any_of(op.getOperands(), [&](Value v) { return adjointValues.contains(v); })) {
        adjointOps.push_back(&op);
        adjointValues.insert_range(op.getResults());
      } else {
        primalOps.push_back(&op);
      }
    auto isGradient = [&](unsigned i) {
      return function.getResultAttr(i, kGradientAttr) || function.getResultAttr(i, kCotangentAttr);
    };
    while (numPrimalResults < function.getNumResults() && !isGradient(numPrimalResults))
      ++numPrimalResults;
    for (Operation *op : adjointOps)
      for (Value operand : op->getOperands())
        if (!adjointValues.contains(operand))
          reads.insert(operand);
  }

  ValueRange returned() { return function.front().getTerminator()->getOperands(); }
  bool isPrimalArgument(unsigned i) { return !function.getArgAttr(i, kCotangentAttr); }

  func::FuncOp function;
  DenseSet<Value> adjointValues;
  SmallVector<Operation *> primalOps, adjointOps;
  unsigned numPrimalResults = 0;
  llvm::SetVector<Value> reads; ///< primal values that the adjoint reads, arguments included
};

/// The values to keep, in the order in which forward makes them.
SmallVector<Value> chooseResiduals(Joint &joint, Recompute recompute) {
  DenseSet<Value> kept;
  if (recompute == Recompute::None) {
    kept.insert_range(joint.reads);
  } else {
    constexpr unsigned source = 0, sink = 1;
    FlowNetwork network;
    DenseMap<Value, unsigned> nodes; // a value enters at its node and leaves at the next one; arguments have none
    for (Operation *op : joint.primalOps)
      for (Value result : op->getResults()) {
        unsigned in = 2 + 2 * nodes.size(), out = in + 1;
        nodes[result] = in;
        network.addEdge(in, out, bytesPerRow(result));
        if (joint.reads.contains(result))
          network.addEdge(out, sink, FlowNetwork::kUnlimited);
        if (recompute == Recompute::All || isCheap(op)) {
          for (Value operand : op->getOperands())
            if (auto known = nodes.find(operand); known != nodes.end())
              network.addEdge(known->second + 1, in, FlowNetwork::kUnlimited);
        } else {
          network.addEdge(source, in, FlowNetwork::kUnlimited);
        }
      }
    network.saturate(source, sink);
    DenseSet<unsigned> side = network.sinkSide(sink);
    for (auto [value, in] : nodes)
      if (!side.contains(in) && side.contains(in + 1))
        kept.insert(value);
  }
  SmallVector<Value> ordered;
  for (Operation *op : joint.primalOps)
    llvm::copy_if(op->getResults(), std::back_inserter(ordered), [&](Value v) { return kept.contains(v); });
  return ordered;
}

/// What a value is to the ops around it, otherwise its name in the source, otherwise the op that makes it.
std::string describe(func::FuncOp function, Value value) {
  Operation *op = value.getDefiningOp();
  if (auto attention = dyn_cast<AttentionOp>(op))
    return value == attention.getLse() ? "lse" : "attention";
  if (auto adapted = dyn_cast<AdaptedLinearOp>(op); adapted && value == adapted.getMid()) {
    // The group's layers, "self_attn.q_proj+self_attn.k_proj.A", without what they have in common.
    StringAttr group;
    if (auto down = dyn_cast<BlockArgument>(adapted.getDown()))
      group = function.getArgAttrOfType<StringAttr>(down.getArgNumber(), kTrainableAttr);
    if (!group)
      return "mid";
    StringRef names = group.getValue();
    names.consume_back(".A");
    std::string result = "mid.";
    for (StringRef name : llvm::split(names, '+')) {
      name = name.substr(name.rfind('.') + 1);
      name.consume_back("_proj");
      result += (result.back() == '.' ? "" : "+") + name.str();
    }
    return result;
  }
  for (Operation *user : value.getUsers()) {
    if (auto attention = dyn_cast<AttentionOp>(user))
      return value == attention.getQuery() ? "q" : value == attention.getKey() ? "k" : "v";
    if (auto swiglu = dyn_cast<SwigluOp>(user))
      return value == swiglu.getGate() ? "gate" : "up";
  }
  if (auto name = dyn_cast<NameLoc>(value.getLoc()))
    return name.getName().str();
  return op->getName().stripDialect().str();
}

SmallVector<std::string> nameResiduals(func::FuncOp function, ArrayRef<Value> residuals) {
  llvm::StringSet<> taken;
  SmallVector<std::string> names;
  for (Value value : residuals) {
    std::string base = describe(function, value), name = base;
    for (unsigned i = 1; !taken.insert(name).second; ++i)
      name = base + "." + std::to_string(i);
    names.push_back(name);
  }
  return names;
}

/// A function that repeats parts of a joint one. Arguments and results are declared one by one, with their attributes.
class PartBuilder {
public:
  PartBuilder(Joint &joint, StringRef name) : builder(joint.function.getContext()), joint(joint) {
    builder.setInsertionPoint(joint.function);
    function = func::FuncOp::create(builder, joint.function.getLoc(), name, builder.getFunctionType({}, {}));
    builder.setInsertionPointToStart(function.addEntryBlock());
  }

  void addArgument(Value of, DictionaryAttr attributes) {
    mapping.map(of, function.front().addArgument(of.getType(), of.getLoc()));
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
      if (!keepUnread && argument.use_empty() && !function.getArgAttr(argument.getArgNumber(), kCotangentAttr))
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
          return llvm::is_contained(residuals, v) || llvm::is_contained(joint.returned().take_front(joint.numPrimalResults), v);
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
      return joint.function.emitError("computes something else in forward than the other functions of its layer");
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
      getOperation().emitError("mlora-rematerialize: recompute is '") << recompute << "', not none, cheap or all";
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      StringRef kind = function.getName();
      if (!kind.consume_back(".value_and_grad") || returnsScalar(function))
        continue;
      auto lowest = symbols.lookup<func::FuncOp>((kind + ".value_and_grad.lowest").str());
      if (failed(partition(kind.str(), function, lowest, *level)))
        return signalPassFailure();
    }
  }

  static bool returnsScalar(func::FuncOp function) {
    return llvm::any_of(function.getResultTypes(), [](Type type) { return cast<RankedTensorType>(type).getRank() == 0; });
  }

  LogicalResult partition(const std::string &kind, func::FuncOp function, func::FuncOp lowest, Recompute level) {
    Joint joint(function);
    SmallVector<Value> kept = chooseResiduals(joint, level);
    auto bytes = [&] {
      int64_t sum = 0;
      for (Value value : kept)
        sum += bytesPerRow(value);
      return sum;
    };
    if (budget > 0 && bytes() > budget)
      kept = chooseResiduals(joint, Recompute::All);

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
