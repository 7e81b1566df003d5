//===- AttachAdapters.cpp - branches beside linear layers (paper, equation 4) -----===//

#include "mlora/Dialect/MLora.h"
#include "mlora/Transforms/Passes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_ATTACHADAPTERS
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

constexpr StringLiteral kProjections = "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj";

/// The checkpoint's name of a linear layer's weight, empty where the weight is not a frozen argument.
StringRef weightName(func::FuncOp function, LinearOp linear) {
  auto argument = dyn_cast<BlockArgument>(linear.getWeight());
  auto name =
      argument ? function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kWeightAttr) : StringAttr();
  return name ? name.getValue() : StringRef();
}

StringRef lastPart(StringRef name) { return name.substr(name.rfind('.') + 1); }

struct AttachAdaptersPass : ::mlir::mlora::impl::AttachAdaptersBase<AttachAdaptersPass> {
  using AttachAdaptersBase::AttachAdaptersBase;

  void runOnOperation() override {
    if (method == "none" || method == "ft") {
      if (method == "ft")
        trainEverything();
      return describe({});
    }
    if (method != "multilora" && method != "lora")
      return fail() << "method is '" << method << "', not multilora, lora, ft or none", signalPassFailure();
    if (rank < 1 || numBranches < 1)
      return fail() << "rank and num-branches are at least 1", signalPassFailure();
    auto function = getOperation().lookupSymbol<func::FuncOp>("decoder_layer");
    if (!function)
      return fail() << "there is no function @decoder_layer to attach to", signalPassFailure();

    llvm::StringSet<> wanted, matched;
    for (const std::string &target : targets)
      wanted.insert(target);
    SmallVector<LinearOp> adapted;
    function.walk([&](LinearOp linear) {
      StringRef target = lastPart(weightName(function, linear));
      if (target.empty() || (!wanted.empty() && !wanted.contains(target)))
        return;
      matched.insert(target);
      adapted.push_back(linear);
    });
    for (const std::string &target : targets)
      if (!matched.contains(target))
        return fail() << "target '" << target << "' matches no linear layer; there are " << kProjections,
               signalPassFailure();
    SmallVector<StringRef> names;
    for (LinearOp linear : adapted) {
      names.push_back(lastPart(weightName(function, linear)));
      attach(function, linear);
    }
    describe(names);
  }

private:
  InFlightDiagnostic fail() { return emitError(getOperation().getLoc(), "mlora-attach-adapters: "); }
  bool scaled() const { return method == "multilora"; }
  int64_t branches() const { return scaled() ? int64_t(numBranches) : 1; }
  double effectiveAlpha() const { return alpha == 0 ? double(rank) : double(alpha); }

  /// What is trained is f32 where the model is bf16: 8 bits would lose small updates.
  static RankedTensorType trainedType(RankedTensorType weight) {
    Type element = weight.getElementType();
    return weight.clone(element.isBF16() ? Type(Float32Type::get(weight.getContext())) : element);
  }

  void attach(func::FuncOp function, LinearOp linear) {
    OpBuilder builder(linear->getContext());
    builder.setInsertionPointAfter(linear);
    std::string layer = weightName(function, linear).str();
    RankedTensorType weight = trainedType(linear.getWeight().getType());
    int64_t out = weight.getDimSize(0), in = weight.getDimSize(1);
    auto addArgument = [&](int64_t branch, StringRef tensor, ArrayRef<int64_t> shape) -> Value {
      std::string suffix = ("branch." + Twine(branch) + "." + tensor).str();
      DictionaryAttr attributes = builder.getDictionaryAttr(
          builder.getNamedAttr(kTrainableAttr, builder.getStringAttr(layer + "." + suffix)));
      unsigned index = function.getNumArguments();
      Location location = NameLoc::get(builder.getStringAttr(lastPart(layer) + "." + suffix));
      if (failed(function.insertArgument(index, weight.clone(shape), attributes, location)))
        llvm_unreachable("function types take any argument");
      return function.getArgument(index);
    };

    Value y = linear.getOutput();
    Operation *first = nullptr;
    for (int64_t i = 0; i < branches(); ++i) {
      Value a = addArgument(i, "A", {rank, in}), b = addArgument(i, "B", {out, rank});
      Value s = scaled() ? addArgument(i, "s", {out}) : Value();
      auto branch = BranchOp::create(builder, linear.getLoc(), y.getType(), y, linear.getInput(), a, b, s,
                                     builder.getF64FloatAttr(effectiveAlpha()));
      first = first ? first : branch;
      y = branch;
    }
    // The chain's inner uses stay; everything that read the layer's output now reads the last branch's.
    linear.getOutput().replaceAllUsesExcept(y, first);
  }

  void trainEverything() {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      for (BlockArgument argument : function.getArguments())
        if (Attribute name = function.removeArgAttr(argument.getArgNumber(), kWeightAttr)) {
          function.setArgAttr(argument.getArgNumber(), kTrainableAttr, name);
          argument.setType(trainedType(cast<RankedTensorType>(argument.getType())));
        }
      function.setFunctionType(
          FunctionType::get(&getContext(), function.front().getArgumentTypes(), function.getResultTypes()));
    }
  }

  void describe(ArrayRef<StringRef> names) {
    Builder builder(&getContext());
    SmallVector<NamedAttribute> entries{builder.getNamedAttr("method", builder.getStringAttr(method))};
    if (!names.empty())
      entries.append({builder.getNamedAttr("num_branches", builder.getI64IntegerAttr(branches())),
                      builder.getNamedAttr("rank", builder.getI64IntegerAttr(rank)),
                      builder.getNamedAttr("alpha", builder.getF64FloatAttr(effectiveAlpha())),
                      builder.getNamedAttr("targets", builder.getStrArrayAttr(names))});
    getOperation()->setAttr("mlora.adapter", builder.getDictionaryAttr(entries));
  }
};

} // namespace
