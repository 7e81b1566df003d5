//===- Import.cpp - from a model's configuration to one function per layer kind ---===//

#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Runtime/Model/ModelConfig.h"
#include "mlora/Transforms/Passes.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_IMPORT
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;
using ::mlora::ModelConfig;

namespace {

/// What is imported. Weights, activations and what layers hand on are stored as `element`; angles, row
/// statistics, losses and logits are f32.
struct Model {
  ModelConfig config;
  Type element;
};

/// One function being written; arguments are declared first, then ops are built.
class Layer {
public:
  Layer(ModuleOp module, StringRef name, const Model &model)
      : config(model.config), builder(module.getContext()), element(model.element), module(module),
        name(name) {}

  /// A tensor of real numbers (or, of elements i32, indices) with one row per `extent`; its name survives as
  /// a NameLoc.
  size_t tokens(StringRef argName, StringRef extent, RankedTensorType type) {
    return add(argName, type, kExtentAttr, extent);
  }
  size_t tokens(StringRef argName, StringRef extent, int64_t features) {
    return tokens(argName, extent, matrix(features));
  }
  size_t indices(StringRef argName, StringRef extent) {
    return add(argName, RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type()), kExtentAttr,
               extent);
  }
  size_t cache(StringRef argName, StringRef role) {
    size_t index = tokens(argName, "kv_rows", config.numKeyValueHeads * config.headDim);
    attributes[index].append("mlora.cache", builder.getStringAttr(role));
    return index;
  }
  size_t weight(StringRef tensor, ArrayRef<int64_t> shape) {
    return add(tensor.substr(tensor.rfind('.') + 1), RankedTensorType::get(shape, element), kWeightAttr,
               tensor);
  }

  /// Arguments are complete: opens the body.
  void begin() {
    builder.setInsertionPointToEnd(module.getBody());
    function = func::FuncOp::create(builder, named(name), name, builder.getFunctionType(types, {}));
    Block *body = function.addEntryBlock();
    for (auto [index, argument] : llvm::enumerate(body->getArguments())) {
      argument.setLoc(locations[index]);
      function.setArgAttrs(index, attributes[index].getDictionary(builder.getContext()));
    }
    builder.setInsertionPointToStart(body);
  }
  Value operator[](size_t argument) { return function.getArgument(argument); }
  void end(ValueRange results) {
    func::ReturnOp::create(builder, named(name), results);
    function.setType(builder.getFunctionType(types, results.getTypes()));
  }

  Value norm(StringRef result, Value x, Value weight) {
    return RmsNormOp::create(builder, named(result), x.getType(), x, weight,
                             builder.getF64FloatAttr(config.rmsNormEps));
  }
  Value linear(StringRef result, Value x, Value weight) {
    return LinearOp::create(builder, named(result), matrix(rowsOf(weight)), x, weight);
  }
  /// Logits: whoever compares them wants all bits.
  Value logits(StringRef result, Value x, Value weight) {
    return LinearOp::create(builder, named(result), matrixF32(rowsOf(weight)), x, weight);
  }
  Value rope(StringRef result, Value x, Value table, int64_t heads) {
    return RopeOp::create(builder, named(result), x.getType(), x, table, heads, /*inverse=*/false);
  }
  RankedTensorType matrix(int64_t features) {
    return RankedTensorType::get({ShapedType::kDynamic, features}, element);
  }
  RankedTensorType matrixF32(int64_t features) { return matrix(features).clone(builder.getF32Type()); }
  RankedTensorType vectorF32() { return RankedTensorType::get({ShapedType::kDynamic}, builder.getF32Type()); }
  Location named(StringRef result) { return withName(builder.getUnknownLoc(), result); }
  Location named(StringRef first, StringRef second) {
    return withNames(builder.getUnknownLoc(), {first, second});
  }

  const ModelConfig &config;
  OpBuilder builder;

private:
  static int64_t rowsOf(Value weight) { return cast<RankedTensorType>(weight.getType()).getDimSize(0); }

  size_t add(StringRef argName, Type type, StringRef attribute, StringRef value) {
    types.push_back(type);
    locations.push_back(named(argName));
    NamedAttrList &list = attributes.emplace_back();
    if (!attribute.empty())
      list.append(attribute, builder.getStringAttr(value));
    if (attribute != kWeightAttr)
      list.append(kInputAttr, builder.getStringAttr(argName));
    return types.size() - 1;
  }

  Type element;
  ModuleOp module;
  StringRef name;
  func::FuncOp function;
  SmallVector<Type> types;
  SmallVector<Location> locations;
  SmallVector<NamedAttrList> attributes;
};

void importEmbed(ModuleOp module, const Model &model) {
  const ModelConfig &config = model.config;
  Layer layer(module, "embed", model);
  size_t ids = layer.indices("ids", "rows"), position = layer.indices("position", "rows");
  size_t table = layer.weight("model.embed_tokens", {config.vocabSize, config.hiddenSize});
  layer.begin();
  OpBuilder &builder = layer.builder;
  Value h = EmbeddingOp::create(builder, layer.named("h"), layer.matrix(config.hiddenSize), layer[ids],
                                layer[table]);
  DenseF64ArrayAttr llama3, divisors;
  if (config.llama3)
    llama3 =
        builder.getDenseF64ArrayAttr({config.llama3->factor, config.llama3->lowFrequencyFactor,
                                      config.llama3->highFrequencyFactor, config.llama3->originalContext});
  if (!config.ropeDivisors.empty())
    divisors = builder.getDenseF64ArrayAttr(config.ropeDivisors);
  Value rotary =
      RopeTableOp::create(builder, layer.named("rotary"), layer.matrixF32(config.headDim), layer[position],
                          builder.getF64FloatAttr(config.ropeTheta), llama3, divisors);
  layer.end({h, rotary});
}

/// Keys and values of training come from the micro-batch, those of generation from a cache that the layer
/// extends.
void importDecoderLayer(ModuleOp module, const Model &model, bool cached) {
  const ModelConfig &config = model.config;
  Layer layer(module, "decoder_layer", model);
  int64_t hidden = config.hiddenSize, inner = config.intermediateSize;
  int64_t heads = config.numHeads, kvHeads = config.numKeyValueHeads;
  int64_t queries = heads * config.headDim, keys = kvHeads * config.headDim;

  size_t h = layer.tokens("h", "rows", hidden);
  size_t rotary = layer.tokens("rotary", "rows", layer.matrixF32(config.headDim));
  size_t start = layer.indices("start", "rows"), keyCache = 0, valueCache = 0, at = 0, from = 0, to = 0;
  if (cached) {
    at = layer.indices("cache_rows", "rows");
    from = layer.indices("prefix_start", "rows");
    to = layer.indices("prefix_end", "rows");
    keyCache = layer.cache("key_cache", "key");
    valueCache = layer.cache("value_cache", "value");
  }
  size_t inputNorm = layer.weight("input_layernorm", {hidden});
  size_t wq = layer.weight("self_attn.q_proj", {queries, hidden});
  size_t wk = layer.weight("self_attn.k_proj", {keys, hidden});
  size_t wv = layer.weight("self_attn.v_proj", {keys, hidden});
  size_t wo = layer.weight("self_attn.o_proj", {hidden, queries});
  size_t postNorm = layer.weight("post_attention_layernorm", {hidden});
  size_t wGate = layer.weight("mlp.gate_proj", {inner, hidden});
  size_t wUp = layer.weight("mlp.up_proj", {inner, hidden});
  size_t wDown = layer.weight("mlp.down_proj", {hidden, inner});
  layer.begin();

  OpBuilder &builder = layer.builder;
  Value x = layer.norm("x", layer[h], layer[inputNorm]);
  Value q = layer.linear("q", x, layer[wq]), k = layer.linear("k", x, layer[wk]),
        v = layer.linear("v", x, layer[wv]);
  q = layer.rope("qr", q, layer[rotary], heads);
  k = layer.rope("kr", k, layer[rotary], kvHeads);
  if (cached) {
    k = CacheWriteOp::create(builder, layer.named("keys"), k.getType(), layer[keyCache], k, layer[at]);
    v = CacheWriteOp::create(builder, layer.named("values"), v.getType(), layer[valueCache], v, layer[at]);
  }
  auto index = [&](size_t argument) { return cached ? layer[argument] : Value(); };
  auto attention = AttentionOp::create(builder, layer.named("o", "lse"), layer.matrix(queries),
                                       layer.matrixF32(heads), q, k, v, layer[start], index(at), index(from),
                                       index(to), heads, kvHeads);
  Value o = layer.linear("attended", attention.getOutput(), layer[wo]);
  Value h1 = AddOp::create(builder, layer.named("h1"), layer[h], o);
  Value x1 = layer.norm("x1", h1, layer[postNorm]);
  Value gate = layer.linear("gate", x1, layer[wGate]), up = layer.linear("up", x1, layer[wUp]);
  Value active = SwigluOp::create(builder, layer.named("active"), gate.getType(), gate, up);
  Value down = layer.linear("down", active, layer[wDown]);
  Value h2 = AddOp::create(builder, layer.named("h2"), h1, down);
  cached ? layer.end({h2, k, v}) : layer.end(h2);
}

void importHead(ModuleOp module, const Model &model, bool logits) {
  const ModelConfig &config = model.config;
  Layer layer(module, logits ? "head_logits" : "head_loss", model);
  size_t h = layer.tokens("h", "rows", config.hiddenSize);
  size_t counted = layer.indices("counted", "counted_rows");
  size_t targets = logits ? 0 : layer.indices("targets", "counted_rows");
  size_t norm = layer.weight("model.norm", {config.hiddenSize});
  size_t head =
      layer.weight(config.tiedHead ? "model.embed_tokens" : "lm_head", {config.vocabSize, config.hiddenSize});
  layer.begin();
  OpBuilder &builder = layer.builder;
  Value rows = GatherRowsOp::create(builder, layer.named("rows"), layer.matrix(config.hiddenSize), layer[h],
                                    layer[counted]);
  Value x = layer.norm("x", rows, layer[norm]);
  if (logits)
    return layer.end(layer.logits("logits", x, layer[head]));
  auto loss = CrossEntropyOp::create(builder, layer.named("nll", "lse"), layer.vectorF32(), layer.vectorF32(),
                                     x, layer[head], layer[targets]);
  layer.end(SumOp::create(builder, layer.named("loss"), RankedTensorType::get({}, builder.getF32Type()),
                          loss.getNll())
                ->getResults());
}

DictionaryAttr describe(Builder &builder, const ModelConfig &config) {
  auto integer = [&](StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  };
  auto real = [&](StringRef name, double value) {
    return builder.getNamedAttr(name, builder.getF64FloatAttr(value));
  };
  return builder.getDictionaryAttr(
      {integer("vocab_size", config.vocabSize), integer("hidden_size", config.hiddenSize),
       integer("intermediate_size", config.intermediateSize), integer("num_layers", config.numLayers),
       integer("num_heads", config.numHeads), integer("num_key_value_heads", config.numKeyValueHeads),
       integer("head_dim", config.headDim), integer("max_positions", config.maxPositions),
       real("rms_norm_eps", config.rmsNormEps), real("rope_theta", config.ropeTheta),
       builder.getNamedAttr("tied_head", builder.getBoolAttr(config.tiedHead))});
}

struct ImportPass : ::mlir::mlora::impl::ImportBase<ImportPass> {
  using ImportBase::ImportBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (kind != "train" && kind != "generate") {
      emitError(module.getLoc(), "mlora-import: kind is '") << kind << "', not train or generate";
      return signalPassFailure();
    }
    Builder builder(module.getContext());
    Model model;
    model.element = dtype == "bf16" ? Type(builder.getBF16Type()) : builder.getF32Type();
    if (dtype != "f32" && dtype != "bf16") {
      emitError(module.getLoc(), "mlora-import: dtype is '") << dtype << "', not f32 or bf16";
      return signalPassFailure();
    }
    // The runtime's libraries throw; the compiler reports. This is the border.
    try {
      model.config = ModelConfig::read(std::string(config));
    } catch (const std::exception &error) {
      emitError(module.getLoc(), "mlora-import: ") << error.what();
      return signalPassFailure();
    }
    bool generate = kind == "generate";
    importEmbed(module, model);
    importDecoderLayer(module, model, generate);
    importHead(module, model, generate);
    module->setAttr("mlora.kind", builder.getStringAttr(kind));
    module->setAttr("mlora.layers", builder.getI64IntegerAttr(model.config.numLayers));
    module->setAttr("mlora.model", describe(builder, model.config));
  }
};

} // namespace
