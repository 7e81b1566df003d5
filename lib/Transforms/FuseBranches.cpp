//===- FuseBranches.cpp - n branches become one of rank n·r -----------------------===//
//
// W x + Σ_i c·diag(s_i) B_i A_i x = W x + B̃ (Ã x), exactly (DESIGN section 2). Stacking happens in storage:
// the stacked tensors are arguments, and `mlora.parts` says which part of one is which tensor of an adapter
// file.

#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Transforms/Passes.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_FUSEBRANCHES
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// A linear layer with the branches that follow it.
struct Chain {
  LinearOp linear;
  SmallVector<BranchOp> branches;
  std::string name; ///< "self_attn.q_proj"

  int64_t count() const { return branches.size(); }
  int64_t rank() const { return BranchOp(branches[0]).getRank(); }
  int64_t columns() const { return count() * rank(); }
  int64_t outputs() const { return LinearOp(linear).getWeight().getType().getDimSize(0); }
  bool scaled() const { return bool(BranchOp(branches[0]).getS()); }
  /// The name in adapter files of a tensor of branch i, below the layer: "q_proj.branch.0.A".
  std::string partName(int64_t i, StringRef tensor) const {
    StringRef projection = StringRef(name).substr(name.rfind('.') + 1);
    return (projection + ".branch." + Twine(i) + "." + tensor).str();
  }
};

/// Fuses the branches of one function.
class FunctionFuser {
public:
  FunctionFuser(func::FuncOp function, int64_t padRank)
      : function(function), builder(function.getContext()), padRank(padRank) {}

  void run() {
    llvm::MapVector<Value, SmallVector<Chain>> groups;
    function.walk([&](LinearOp linear) {
      if (std::optional<Chain> chain = findChain(linear))
        groups[linear.getInput()].push_back(std::move(*chain));
    });
    if (groups.empty())
      return;
    for (auto &[input, group] : groups)
      fuse(input, group);
    eraseOldArguments();
    writePrepare();
  }

private:
  /// Columns of a layer's B̃ and rows of its Ã, padding included.
  int64_t padded(const Chain &chain) { return llvm::alignTo(chain.columns(), padRank); }

  /// The argument attribute `mlora.trainable` of a value with a single use, empty for anything else.
  StringRef trainableName(Value value) {
    auto argument = dyn_cast_or_null<BlockArgument>(value);
    if (!argument || argument.getOwner() != &function.getBody().front() || !argument.hasOneUse())
      return {};
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kTrainableAttr);
    return name ? name.getValue() : StringRef();
  }

  /// Nothing where stacking would not be exact or where a branch's tensors are not this function's own
  /// arguments.
  std::optional<Chain> findChain(LinearOp linear) {
    Chain chain{linear, {}, {}};
    Value y = linear.getOutput();
    while (y.hasOneUse()) {
      auto branch = dyn_cast<BranchOp>(*y.user_begin());
      if (!branch || branch.getBase() != y || branch.getInput() != linear.getInput())
        break;
      StringRef down = trainableName(branch.getA());
      bool stackable = !down.empty() && !trainableName(branch.getB()).empty() &&
                       (!branch.getS() || !trainableName(branch.getS()).empty());
      if (chain.branches.empty())
        chain.name = down.substr(0, down.find(".branch.")).str();
      else
        stackable &= branch.getRank() == chain.rank() && bool(branch.getS()) == chain.scaled() &&
                     branch.getAlpha() == BranchOp(chain.branches[0]).getAlpha();
      if (!stackable)
        return std::nullopt;
      chain.branches.push_back(branch);
      y = branch.getOutput();
    }
    if (chain.branches.empty() || !isa<BlockArgument>(linear.getWeight()))
      return std::nullopt;
    return chain;
  }

  DictionaryAttr part(const std::string &name, int64_t offset, ArrayRef<int64_t> shape,
                      ArrayRef<int64_t> strides) {
    return builder.getDictionaryAttr(
        {builder.getNamedAttr("name", builder.getStringAttr(name)),
         builder.getNamedAttr("offset", builder.getI64IntegerAttr(offset)),
         builder.getNamedAttr("shape", builder.getDenseI64ArrayAttr(shape)),
         builder.getNamedAttr("strides", builder.getDenseI64ArrayAttr(strides))});
  }

  DictionaryAttr trainable(const std::string &name, ArrayRef<Attribute> parts) {
    return builder.getDictionaryAttr({builder.getNamedAttr(kTrainableAttr, builder.getStringAttr(name)),
                                      builder.getNamedAttr(kPartsAttr, builder.getArrayAttr(parts))});
  }

  Value addArgument(RankedTensorType type, const std::string &name, DictionaryAttr attributes) {
    unsigned index = function.getNumArguments();
    if (failed(function.insertArgument(index, type, attributes,
                                       withName(builder.getUnknownLoc(), shortName(name)))))
      llvm_unreachable("function types take any argument");
    return function.getArgument(index);
  }

  void fuse(Value input, ArrayRef<Chain> group) {
    int64_t in = cast<RankedTensorType>(input.getType()).getDimSize(1), stacked = 0;
    SmallVector<Attribute> parts;
    SmallVector<StringRef> names;
    for (const Chain &chain : group) {
      names.push_back(chain.name);
      for (int64_t i = 0; i < chain.count(); ++i)
        parts.push_back(
            part(chain.partName(i, "A"), (stacked + i * chain.rank()) * in, {chain.rank(), in}, {in, 1}));
      stacked += padded(chain);
    }
    std::string name = llvm::join(names, "+") + ".A";
    RankedTensorType like = BranchOp(group[0].branches[0]).getA().getType();
    Value down = addArgument(like.clone(ArrayRef<int64_t>{stacked, in}), name, trainable(name, parts));

    SmallVector<Value> weights, ups;
    SmallVector<Type> results;
    for (const Chain &chain : group) {
      weights.push_back(LinearOp(chain.linear).getWeight());
      results.push_back(LinearOp(chain.linear).getType());
      std::string up = chain.name + ".up";
      DictionaryAttr attributes =
          builder.getDictionaryAttr({builder.getNamedAttr(kFactorAttr, builder.getStringAttr(up)),
                                     builder.getNamedAttr(kTrainableAttr, builder.getStringAttr(up))});
      ups.push_back(
          addArgument(like.clone(ArrayRef<int64_t>{chain.outputs(), padded(chain)}), up, attributes));
    }
    auto inputType = cast<RankedTensorType>(input.getType());
    auto mid = inputType.clone(ArrayRef<int64_t>{inputType.getDimSize(0), stacked});

    SmallVector<StringRef> values = llvm::map_to_vector(
        group, [](const Chain &chain) { return nameOf(LinearOp(chain.linear).getOutput()); });
    std::string m = llvm::join(values, "_") + ".m";
    values.push_back(values[0].empty() ? StringRef() : StringRef(m));

    // Weights, ups and down are arguments: the first layer's place is a place for all.
    builder.setInsertionPoint(group[0].linear);
    Location location = withNames(LinearOp(group[0].linear).getLoc(), values);
    auto fused = AdaptedLinearOp::create(builder, location, results, mid, input, weights, ups, down);
    for (auto [chain, output] : llvm::zip_equal(group, fused.getOutputs())) {
      BranchOp(chain.branches.back()).getOutput().replaceAllUsesWith(output);
      prepared.push_back(prepare(chain));
      for (BranchOp branch : llvm::reverse(chain.branches)) {
        for (Value value : {Value(branch.getA()), Value(branch.getB()), Value(branch.getS())})
          if (value)
            old.push_back(cast<BlockArgument>(value).getArgNumber());
        branch.erase();
      }
      LinearOp(chain.linear).erase();
    }
  }

  /// What `@NAME.prepare` does for one layer.
  struct Prepared {
    Location location;
    std::string name;
    RankedTensorType b, s; ///< s is null without scalings
    DictionaryAttr bAttributes, sAttributes;
    double alpha;
    IntegerAttr rank; ///< where padding follows the branches
  };

  Prepared prepare(const Chain &chain) {
    int64_t n = chain.count(), rank = chain.rank(), out = chain.outputs(), columns = padded(chain);
    SmallVector<Attribute> bParts, sParts;
    for (int64_t i = 0; i < n; ++i) {
      bParts.push_back(part(chain.partName(i, "B"), i * rank, {out, rank}, {columns, 1}));
      sParts.push_back(part(chain.partName(i, "s"), i, {out}, {n}));
    }
    BranchOp branch = chain.branches[0];
    RankedTensorType like = branch.getB().getType();
    Prepared result{withName(branch.getLoc(), shortName(chain.name + ".up")),
                    chain.name,
                    like.clone(ArrayRef<int64_t>{out, columns}),
                    {},
                    trainable(chain.name + ".B", bParts),
                    {},
                    branch.getAlpha().convertToDouble(),
                    {}};
    if (columns != n * rank)
      result.rank = builder.getI64IntegerAttr(chain.scaled() ? rank : n * rank);
    if (chain.scaled()) {
      result.s = like.clone(ArrayRef<int64_t>{out, n});
      result.sAttributes = trainable(chain.name + ".s", sParts);
    } else {
      result.alpha *= n; // without s, stack_up sees one branch of rank n·r: keep alpha / r
    }
    return result;
  }

  void eraseOldArguments() {
    llvm::BitVector erased(function.getNumArguments());
    for (unsigned index : old)
      erased.set(index);
    if (failed(function.eraseArguments(erased)))
      llvm_unreachable("function types lose any argument");
  }

  void writePrepare() {
    SmallVector<Type> inputs, results;
    SmallVector<Attribute> inputAttributes, resultAttributes;
    for (Prepared &layer : prepared) {
      inputs.push_back(layer.b);
      inputAttributes.push_back(layer.bAttributes);
      if (layer.s) {
        inputs.push_back(layer.s);
        inputAttributes.push_back(layer.sAttributes);
      }
      results.push_back(layer.b);
      resultAttributes.push_back(builder.getDictionaryAttr(
          builder.getNamedAttr(kFactorAttr, builder.getStringAttr(layer.name + ".up"))));
    }
    builder.setInsertionPointAfter(function);
    auto target = func::FuncOp::create(builder, function.getLoc(), (function.getName() + ".prepare").str(),
                                       builder.getFunctionType(inputs, results));
    Block *body = target.addEntryBlock();
    target.setArgAttrsAttr(builder.getArrayAttr(inputAttributes));
    target.setResAttrsAttr(builder.getArrayAttr(resultAttributes));
    builder.setInsertionPointToStart(body);
    SmallVector<Value> ups;
    auto *argument = body->args_begin();
    auto next = [&](StringRef name) -> Value {
      argument->setLoc(withName(builder.getUnknownLoc(), shortName(name)));
      return *argument++;
    };
    for (Prepared &layer : prepared) {
      Value b = next(layer.name + ".B"), s = layer.s ? next(layer.name + ".s") : Value();
      ups.push_back(StackUpOp::create(builder, layer.location, layer.b, b, s,
                                      builder.getF64FloatAttr(layer.alpha), layer.rank));
    }
    func::ReturnOp::create(builder, function.getLoc(), ups);
  }

  func::FuncOp function;
  OpBuilder builder;
  int64_t padRank;
  SmallVector<unsigned> old;
  SmallVector<Prepared> prepared;
};

struct FuseBranchesPass : ::mlir::mlora::impl::FuseBranchesBase<FuseBranchesPass> {
  using FuseBranchesBase::FuseBranchesBase;
  void runOnOperation() override {
    if (padRank < 1) {
      getOperation().emitError() << "pad-rank is " << int64_t(padRank) << "; expected at least 1";
      return signalPassFailure();
    }
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (!function.isExternal())
        FunctionFuser(function, padRank).run();
  }
};

} // namespace
