//===- AddOptimizer.cpp - functions from gradients to new parameters --------------===//

#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Transforms/Passes.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_MLORAADDOPTIMIZER
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// A function under construction whose arguments and results are known by an attribute and a name.
class NamedFunction {
public:
  NamedFunction(ModuleOp module, Twine name) : builder(module.getContext()), name(name.str()) {
    builder.setInsertionPointToEnd(module.getBody());
    function = func::FuncOp::create(builder, module.getLoc(), this->name, builder.getFunctionType({}, {}));
    Block *body = function.addEntryBlock();
    builder.setInsertionPointToStart(body);
  }

  Value argument(StringRef attribute, StringRef value, Type type) {
    Value &known = arguments[(attribute + "=" + value).str()];
    if (!known) {
      known = function.getBody().front().addArgument(type, named(argumentName(attribute, value)));
      argumentAttrs.push_back(dictionary(attribute, value));
    }
    return known;
  }
  void result(StringRef attribute, StringRef name, Value value) {
    results.push_back(value);
    resultAttrs.push_back(dictionary(attribute, name));
  }
  void finish() {
    func::ReturnOp::create(builder, function.getLoc(), results);
    function.setType(
        builder.getFunctionType(function.getBody().front().getArgumentTypes(), TypeRange(results)));
    function.setAllArgAttrs(argumentAttrs);
    function.setAllResultAttrs(resultAttrs);
  }
  /// A location whose results have these names.
  Location named(ArrayRef<StringRef> names) { return withNames(function.getLoc(), names); }
  Location named(StringRef name) { return withName(function.getLoc(), name); }

  OpBuilder builder;

private:
  static std::string argumentName(StringRef attribute, StringRef value) {
    if (attribute == kGradientAttr)
      return "d" + shortName(value);
    bool isState = attribute == kMoment1Attr || attribute == kMoment2Attr || attribute == kPartialAttr;
    return attribute == kInputAttr ? value.str()
                                   : shortName(value) + (isState ? attribute.substr(5).str() : "");
  }
  Attribute dictionary(StringRef attribute, StringRef value) {
    return builder.getDictionaryAttr(builder.getNamedAttr(attribute, builder.getStringAttr(value)));
  }

  std::string name;
  func::FuncOp function;
  llvm::StringMap<Value> arguments;
  SmallVector<Value> results;
  SmallVector<Attribute> argumentAttrs, resultAttrs;
};

Value squareSum(NamedFunction &f, StringRef name, Value gradient) {
  auto type = cast<RankedTensorType>(gradient.getType());
  return SquareSumOp::create(f.builder, f.named(shortName(name) + ".partial"),
                             RankedTensorType::get({type.getDimSize(0)}, type.getElementType()), gradient);
}

/// AdamW of one tensor; the new values become results. Returns the new parameter.
Value adamw(NamedFunction &f, StringRef name, Value parameter, Value gradient) {
  Type type = parameter.getType();
  Value m = f.argument(kMoment1Attr, name, type), v = f.argument(kMoment2Attr, name, type);
  Value hyper = f.argument(kInputAttr, "hyper", RankedTensorType::get({8}, f.builder.getF32Type()));
  std::string stem = shortName(name), moment1 = stem + ".moment1", moment2 = stem + ".moment2";
  auto op = AdamWOp::create(f.builder, f.named(ArrayRef<StringRef>{stem, moment1, moment2}),
                            TypeRange{type, type, type}, parameter, gradient, m, v, hyper);
  f.result(kTrainableAttr, name, op.getParameterOut());
  f.result(kMoment1Attr, name, op.getMoment1Out());
  f.result(kMoment2Attr, name, op.getMoment2Out());
  return op.getParameterOut();
}

struct AddOptimizer : mlir::mlora::impl::MLoraAddOptimizerBase<AddOptimizer> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    // Factors B̃ and the op that makes each of its parameters.
    llvm::StringMap<StackUpOp> factors;
    for (auto function : module.getOps<func::FuncOp>())
      function.walk([&](func::ReturnOp op) {
        for (auto [index, value] : llvm::enumerate(op.getOperands()))
          if (auto name = function.getResultAttrOfType<StringAttr>(index, kFactorAttr))
            if (auto stack = value.getDefiningOp<StackUpOp>())
              factors[name.getValue()] = stack;
      });

    // Gradients by layer kind, each name once: a tied head's embedding gets both of its gradients in one
    // buffer.
    llvm::MapVector<StringRef, SmallVector<std::pair<StringRef, RankedTensorType>>> kinds;
    llvm::StringSet<> seen;
    for (auto function : module.getOps<func::FuncOp>())
      for (unsigned index = 0; index < function.getNumResults(); ++index)
        if (auto name = function.getResultAttrOfType<StringAttr>(index, kGradientAttr))
          if (seen.insert(name.getValue()).second)
            kinds[function.getName().split('.').first].push_back(
                {name.getValue(), cast<RankedTensorType>(function.getResultTypes()[index])});
    if (kinds.empty())
      return;

    int64_t layers = 1;
    if (auto attr = module->getAttrOfType<IntegerAttr>("mlora.layers"))
      layers = attr.getInt();
    NamedFunction total(module, "norm");
    SmallVector<Value> partials;
    for (auto &[kind, gradients] : kinds) {
      NamedFunction norm(module, kind + ".norm"), update(module, kind + ".update");
      auto partial = [&](StringRef name, Value gradient) {
        Value sums = squareSum(norm, name, gradient);
        norm.result(kPartialAttr, name, sums);
        // A partial's slots lie back to back: the total reads those of all layers as one vector.
        int64_t rows =
            cast<RankedTensorType>(sums.getType()).getDimSize(0) * (kind == "decoder_layer" ? layers : 1);
        partials.push_back(total.argument(
            kPartialAttr, name,
            RankedTensorType::get({rows}, cast<RankedTensorType>(sums.getType()).getElementType())));
      };
      for (auto [name, type] : gradients) {
        auto factor = factors.find(name);
        if (factor == factors.end()) {
          partial(name, norm.argument(kGradientAttr, name, type));
          adamw(update, name, update.argument(kTrainableAttr, name, type),
                update.argument(kGradientAttr, name, type));
          continue;
        }
        StackUpOp stack = factor->second;
        auto nameOfTensor = [&](Value value) {
          auto argument = cast<BlockArgument>(value);
          return cast<func::FuncOp>(argument.getOwner()->getParentOp())
              .getArgAttrOfType<StringAttr>(argument.getArgNumber(), kTrainableAttr)
              .getValue();
        };
        // The branches' own gradients from G = dB̃, in both functions: cheaper than keeping them between.
        auto split = [&](NamedFunction &f) {
          Value b = f.argument(kTrainableAttr, nameOfTensor(stack.getB()), stack.getB().getType());
          Value s = stack.getS()
                        ? f.argument(kTrainableAttr, nameOfTensor(stack.getS()), stack.getS().getType())
                        : Value();
          SmallVector<Type> types{b.getType()};
          if (s)
            types.push_back(s.getType());
          std::string db = "d" + shortName(nameOfTensor(stack.getB()));
          std::string ds = s ? "d" + shortName(nameOfTensor(stack.getS())) : "";
          SmallVector<StringRef> names{db, ds};
          names.truncate(types.size());
          SmallVector<Value> grads; // folded: of plain LoRA with alpha = r, G itself
          f.builder.createOrFold<StackUpGradOp>(grads, f.named(ArrayRef(names)), types,
                                                f.argument(kGradientAttr, name, type), b, s,
                                                stack.getAlphaAttr(), stack.getRankAttr());
          return std::tuple(b, s, grads);
        };
        auto [nb, ns, normGrads] = split(norm);
        partial(nameOfTensor(stack.getB()), normGrads[0]);
        if (ns)
          partial(nameOfTensor(stack.getS()), normGrads[1]);
        auto [b, s, grads] = split(update);
        Value newB = adamw(update, nameOfTensor(stack.getB()), b, grads[0]);
        Value newS = s ? adamw(update, nameOfTensor(stack.getS()), s, grads[1]) : Value();
        Value up = StackUpOp::create(update.builder, update.named(shortName(name)), type, newB, newS,
                                     stack.getAlphaAttr(), stack.getRankAttr());
        update.result(kFactorAttr, name, up);
      }
      norm.finish();
      update.finish();
    }
    Value value = NormOp::create(total.builder, total.named("norm"),
                                 RankedTensorType::get({}, total.builder.getF32Type()), partials);
    total.result(kInputAttr, "norm", value);
    total.finish();
  }
};

} // namespace
