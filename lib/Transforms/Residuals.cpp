//===- Residuals.cpp - what forward keeps for backward -----------------------------===//
//
// A joint function is cut as in PyTorch's min-cut partitioner. Values that forward makes are nodes whose
// capacity is their size; cutting one keeps it. Ops are nodes fed by the source with what it costs to run
// them in backward; cutting that edge runs them. Sinks are what backward reads.

#include "Residuals.h"
#include "FlowNetwork.h"

#include "mlora/Dialect/Flops.h"
#include "mlora/Dialect/Names.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::mlora;

/// Of one row, or of all of a tensor that has no token dimension.
static int64_t elementsPerRow(Value value) {
  int64_t elements = 1;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape())
    elements *= ShapedType::isDynamic(size) ? 1 : size;
  return elements;
}

static int64_t bytesPerRow(Value value) {
  return elementsPerRow(value) *
         llvm::divideCeil(cast<RankedTensorType>(value.getType()).getElementTypeBitWidth(), 8);
}

/// What running an op again costs, in floating-point operations a row. Views are free, and so is what walks
/// over a row once or twice (norms, rotations, activations, sums): it joins the kernel that reads it.
static int64_t recomputeCost(Operation *op) {
  if (isa<RmsNormOp, RopeOp, SwigluOp, AddOp, GatherRowsOp, StackUpOp, tensor::ExpandShapeOp>(op))
    return 0;
  // Two products with as many keys as a row of usual length sees on average.
  constexpr int64_t kKeys = 512;
  if (auto attention = dyn_cast<AttentionOp>(op))
    return 2 * 2 * kKeys * elementsPerRow(attention.getQuery());
  int64_t flops = flopsPerRow(op);
  return flops ? flops : elementsPerRow(op->getResult(0)); // tables and embeddings
}

namespace {

/// Something to keep, its size, what backward runs again, and what that costs.
struct Cut {
  DenseSet<Value> kept;
  DenseSet<Operation *> repeated;
  int64_t bytes = 0, cost = 0;
};

/// What a cut minimises: `bytes` · its bytes + `cost` · its cost, where backward runs again what `mayRepeat`
/// lets it.
struct Aim {
  llvm::function_ref<bool(Operation *)> mayRepeat;
  int64_t bytes = 1, cost = 0;
};

bool isFree(Operation *op) { return recomputeCost(op) == 0; }
bool isAny(Operation *) { return true; }

} // namespace

static Cut minimumCut(const Joint &joint, Aim aim) {
  constexpr unsigned source = 0, sink = 1;
  FlowNetwork network;
  unsigned nodes = 2;
  DenseMap<Value, unsigned>
      entries; // a value enters at its node and leaves at the next one; arguments have none
  DenseMap<Operation *, unsigned> runs;
  for (Operation *op : joint.primalOps) {
    unsigned run = runs[op] = nodes++;
    network.addEdge(source, run,
                    aim.mayRepeat(op) ? FlowNetwork::Capacity(aim.cost) * recomputeCost(op)
                                      : FlowNetwork::kUnlimited);
    for (Value operand : op->getOperands())
      if (auto known = entries.find(operand); known != entries.end())
        network.addEdge(known->second + 1, run, FlowNetwork::kUnlimited);
    for (Value result : op->getResults()) {
      unsigned in = entries[result] = nodes, out = in + 1;
      nodes += 2;
      network.addEdge(run, in, FlowNetwork::kUnlimited);
      network.addEdge(in, out, FlowNetwork::Capacity(aim.bytes) * bytesPerRow(result));
      if (joint.reads.contains(result))
        network.addEdge(out, sink, FlowNetwork::kUnlimited);
    }
  }
  network.saturate(source, sink);
  DenseSet<unsigned> side = network.sinkSide(sink);
  Cut cut;
  for (Operation *op : joint.primalOps) {
    if (side.contains(runs[op])) {
      cut.repeated.insert(op);
      cut.cost += recomputeCost(op);
    }
    for (Value result : op->getResults())
      if (!side.contains(entries[result]) && side.contains(entries[result] + 1)) {
        cut.kept.insert(result);
        cut.bytes += bytesPerRow(result);
      }
  }
  return cut;
}

static Cut keepEverything(const Joint &joint) {
  Cut cut;
  for (Value value : joint.reads)
    if (value.getDefiningOp()) {
      cut.kept.insert(value);
      cut.bytes += bytesPerRow(value);
    }
  return cut;
}

/// A cut that fits, as cheap as it gets. First the cheapest of those that minimise bytes + λ · cost for some
/// λ (LARAC: Jüttner et al., 2001): λ is the exchange rate between a cut that is too large and one that fits,
/// and as long as some cut is better at that rate it takes the place of one. Then what room is left spares
/// ops, the costliest first.
static Cut fitBudget(const Joint &joint, Cut large, int64_t budget) {
  Cut fits = minimumCut(joint, {isAny});
  while (fits.bytes < large.bytes && fits.cost > large.cost) {
    int64_t bytes = large.bytes - fits.bytes, cost = fits.cost - large.cost;
    auto weighted = [&](const Cut &cut) {
      return FlowNetwork::Capacity(cost) * cut.bytes + FlowNetwork::Capacity(bytes) * cut.cost;
    };
    Cut between = minimumCut(joint, {isAny, cost, bytes});
    if (weighted(between) == weighted(fits))
      break;
    (between.bytes <= budget ? fits : large) = std::move(between);
  }
  SmallVector<Operation *> costliest(joint.primalOps);
  llvm::stable_sort(costliest,
                    [](Operation *a, Operation *b) { return recomputeCost(a) > recomputeCost(b); });
  for (Operation *spared : costliest) {
    if (isFree(spared) || !fits.repeated.contains(spared))
      continue;
    Cut without = minimumCut(
        joint, {[&](Operation *op) { return op != spared && (isFree(op) || fits.repeated.contains(op)); }});
    if (without.bytes <= budget)
      fits = std::move(without);
  }
  return fits;
}

SmallVector<Value> mlir::mlora::chooseResiduals(const Joint &joint, Recompute allowed, int64_t budget) {
  auto exceeds = [&](const Cut &cut) { return budget > 0 && cut.bytes > budget; };
  Cut cut = allowed == Recompute::None ? keepEverything(joint)
                                       : minimumCut(joint, {allowed == Recompute::Cheap ? isFree : isAny});
  if (exceeds(cut) && allowed == Recompute::None)
    cut = minimumCut(joint, {isFree});
  if (exceeds(cut))
    cut = fitBudget(joint, std::move(cut), budget);
  SmallVector<Value> ordered;
  for (Operation *op : joint.primalOps)
    llvm::copy_if(op->getResults(), std::back_inserter(ordered),
                  [&](Value v) { return cut.kept.contains(v); });
  return ordered;
}

/// What a value is to the ops around it, otherwise its name in the source, otherwise the op that makes it.
static std::string describe(func::FuncOp function, Value value) {
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
  if (StringRef name = nameOf(value); !name.empty())
    return name.str();
  return op->getName().stripDialect().str();
}

SmallVector<std::string> mlir::mlora::nameResiduals(func::FuncOp function, ArrayRef<Value> residuals) {
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
