//===- PlanMemory.cpp - layer functions into one program over one arena -----------===//
//
// Functions name what they take and give by attributes (MLora.h); a name is a buffer. Per-layer buffers have
// a slot a layer. The cotangent of h has two slots, taken by layer parity: a layer reads one and writes the
// other. Places are linear in the capacity: buffers without rows lie in the fixed region, the others in one
// of an extent, whose offsets count bytes a row.

#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Transforms/Passes.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_MLORAPLANMEMORY
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

constexpr int64_t kAlignment = 64;
constexpr StringLiteral kLayerKind = "decoder_layer";

/// A buffer at a slot: `0`, another number, `layer` or `layer+1`.
struct Place {
  BufferOp buffer;
  std::string slot = "0";
};

/// When a temporary is first written and last read: launches of one section, counted from its start.
struct Life {
  unsigned section = 0, first = 0, last = 0;
};

class Planner {
public:
  explicit Planner(ModuleOp module)
      : module(module), symbols(module), bufferBuilder(module.getContext()), builder(module.getContext()) {
    if (auto attr = module->getAttrOfType<StringAttr>("mlora.kind"))
      kind = attr.getValue();
    if (auto attr = module->getAttrOfType<IntegerAttr>("mlora.layers"))
      layers = attr.getInt();
  }
  LogicalResult run();

private:
  struct BufferSpec {
    std::string name;
    StringRef role;
    Type type;
    int64_t slots = 1;
    StringRef extent = {};
    std::string tensor = {}, of = {};
    Attribute parts = {};
    bool packed = false; ///< slots lie back to back
    Value holds = {};    ///< a temporary's value, whose name it prints under
  };
  BufferOp buffer(const BufferSpec &spec);
  Place named(func::FuncOp function, Type type, DictionaryAttr attrs, bool perLayer);
  LogicalResult call(StringRef name, ArrayRef<Place> positional = {});
  using Places = DenseMap<Value, Place>;
  LogicalResult launches(func::FuncOp function, Places &places);
  LogicalResult launch(LaunchOp launch, Places &places);
  LogicalResult chunks(ChunkedCallOp call, Places &places);
  Place placeOf(Value result, StringRef extent, Places &places);
  void touch(Place place);
  void layerLoop(int64_t first, int64_t last, llvm::function_ref<LogicalResult()> body);
  void openSection(StringRef name);
  LogicalResult trainSections();
  LogicalResult generateSections();
  void assignOffsets();
  StringRef regionOf(BufferOp op);
  int64_t slotBytes(BufferOp op);
  int64_t totalBytes(BufferOp op);
  void place(BufferOp op, int64_t offset);
  ArrayAttr renamed(ArrayAttr parts, llvm::function_ref<std::string(StringRef)> rename);
  bool has(StringRef name) { return symbols.lookup<func::FuncOp>(name) != nullptr; }

  ModuleOp module;
  StringRef kind = "train";
  SymbolTable symbols;
  int64_t layers = 1;
  ProgramOp program;
  OpBuilder bufferBuilder, builder;
  llvm::MapVector<StringRef, BufferOp> buffers;
  llvm::StringMap<BufferOp> byName;
  DenseMap<Operation *, Life> lives;
  llvm::SmallPtrSet<Operation *, 8> ofChunks; ///< buffers of what lives inside a loop over chunks
  llvm::SmallPtrSet<Operation *, 16> touched; ///< buffers of the launches since it was cleared
  bool isInChunks = false;
  int64_t chunkRows = 0; ///< 0: no loop over chunks
  llvm::StringSet<> gradientsWritten;
  unsigned section = 0, position = 0, temporaries = 0;
  int64_t hSlots = 2;
  LogicalResult status = success();
};

BufferOp Planner::buffer(const BufferSpec &spec) {
  BufferOp &known = byName[spec.name];
  if (known)
    return known;
  auto tensor = cast<RankedTensorType>(spec.type);
  auto string = [&](StringRef text) {
    return text.empty() ? StringAttr() : bufferBuilder.getStringAttr(text);
  };
  known = BufferOp::create(bufferBuilder, spec.holds ? namedAs(spec.holds) : module.getLoc(),
                           MemRefType::get(tensor.getShape(), tensor.getElementType()),
                           bufferBuilder.getStringAttr(spec.name), bufferBuilder.getStringAttr(spec.role),
                           bufferBuilder.getI64IntegerAttr(spec.slots), IntegerAttr(), StringAttr(),
                           string(spec.extent), string(spec.tensor), string(spec.of));
  if (spec.parts)
    known->setAttr("parts", spec.parts);
  if (spec.packed)
    known->setAttr("packed", bufferBuilder.getUnitAttr());
  return known;
}

/// Parts under the names that they have in files.
ArrayAttr Planner::renamed(ArrayAttr parts, llvm::function_ref<std::string(StringRef)> rename) {
  return bufferBuilder.getArrayAttr(
      llvm::map_to_vector(parts.getAsRange<DictionaryAttr>(), [&](DictionaryAttr part) {
        NamedAttrList list(part);
        list.set("name", bufferBuilder.getStringAttr(rename(part.getAs<StringAttr>("name").getValue())));
        return Attribute(list.getDictionary(bufferBuilder.getContext()));
      }));
}

/// The place that an argument's or result's attributes name; a null buffer when they name none.
Place Planner::named(func::FuncOp function, Type type, DictionaryAttr attrs, bool perLayer) {
  int64_t slots = perLayer ? layers : 1;
  std::string slot = perLayer ? "layer" : "0";
  auto get = [&](StringRef key) {
    auto attr = attrs ? attrs.getAs<StringAttr>(key) : StringAttr();
    return attr ? attr.getValue() : StringRef();
  };
  StringRef extent = get(kExtentAttr);
  auto tensorName = [&](StringRef name) {
    return ((perLayer ? "model.layers.{layer}." : "") + name + ".weight").str();
  };
  if (StringRef name = get(kWeightAttr); !name.empty()) {
    BufferSpec spec{name.str(), "weight", type, slots};
    if (auto parts = attrs.getAs<ArrayAttr>(kPartsAttr))
      spec.parts = renamed(parts, tensorName);
    else
      spec.tensor = tensorName(name);
    BufferOp weight = buffer(spec);
    if (StringRef format = get(kFormatAttr); !format.empty())
      weight->setAttr("format", bufferBuilder.getStringAttr(format));
    return {weight, slot};
  }
  if (StringRef name = get(kFactorAttr); !name.empty())
    return {buffer({name.str(), "factor", type, slots}), slot};
  if (StringRef name = get(kTrainableAttr); !name.empty()) {
    if (attrs.contains(kFactorAttr)) // B̃: a leaf for autodiff, derived for the optimizer
      return {buffer({name.str(), "factor", type, slots}), slot};
    BufferSpec spec{name.str(), "parameter", type, slots};
    if (auto parts = attrs.getAs<ArrayAttr>(kPartsAttr))
      spec.parts = renamed(parts, [](StringRef part) { return ("layers.{layer}." + part).str(); });
    else if (!byName.count(name)) { // full fine-tuning: the whole tensor, under its checkpoint's name
      spec.tensor = tensorName(name);
      SmallVector<int64_t> strides(cast<RankedTensorType>(type).getRank(), 1);
      ArrayRef<int64_t> shape = cast<RankedTensorType>(type).getShape();
      for (int64_t i = strides.size() - 2; i >= 0; --i)
        strides[i] = strides[i + 1] * shape[i + 1];
      spec.parts = bufferBuilder.getArrayAttr(bufferBuilder.getDictionaryAttr(
          {bufferBuilder.getNamedAttr("name", bufferBuilder.getStringAttr(spec.tensor)),
           bufferBuilder.getNamedAttr("offset", bufferBuilder.getI64IntegerAttr(0)),
           bufferBuilder.getNamedAttr("shape", bufferBuilder.getDenseI64ArrayAttr(shape)),
           bufferBuilder.getNamedAttr("strides", bufferBuilder.getDenseI64ArrayAttr(strides))}));
    }
    return {buffer(spec), slot};
  }
  if (StringRef name = get(kGradientAttr); !name.empty())
    return {buffer({(name + ".gradient").str(), "gradient", type, slots, {}, {}, name.str()}), slot};
  if (StringRef name = get(kMoment1Attr); !name.empty())
    return {buffer({(name + ".moment1").str(), "moment1", type, slots, {}, {}, name.str()}), slot};
  if (StringRef name = get(kMoment2Attr); !name.empty())
    return {buffer({(name + ".moment2").str(), "moment2", type, slots, {}, {}, name.str()}), slot};
  if (StringRef name = get(kPartialAttr); !name.empty())
    return {buffer({(name + ".partial").str(), "residual", type, slots, {}, {}, {}, {}, true}), slot};
  if (StringRef name = get(kResidualAttr); !name.empty())
    return {
        buffer({(function.getName().split('.').first + "." + name).str(), "residual", type, slots, extent}),
        slot};
  if (StringRef name = get("mlora.cache"); !name.empty())
    return {buffer({("cache." + name).str(), "cache", type, slots, extent}), slot};
  if (StringRef name = get(kCotangentAttr); !name.empty()) {
    if (name == "loss")
      return {buffer({"loss_cotangent", "input", type}), "0"};
    return {buffer({(name + ".cotangent").str(), "residual", type, 2, extent}), {}};
  }
  if (StringRef name = get(kInputAttr); !name.empty()) {
    if (name == "h")
      return {buffer({"h", "residual", type, hSlots, extent}), {}};
    if (name == "rotary")
      return {buffer({"rotary", "residual", type, 1, extent}), "0"};
    if (name == "norm")
      return {buffer({"norm", "output", type}), "0"};
    StringRef external = llvm::StringSwitch<StringRef>(name)
                             .Case("ids", "input_ids")
                             .Case("position", "position_ids")
                             .Case("start", "document_start")
                             .Default(name);
    return {buffer({external.str(), "input", type, 1, extent}), "0"};
  }
  return {};
}

/// Launches of a layer function, with buffers for its values. `positional` gives what its attributes leave
/// open: a place for h as argument, for the cotangent of h as argument, and for results that carry no name,
/// in that order of need.
LogicalResult Planner::call(StringRef name, ArrayRef<Place> positional) {
  auto function = symbols.lookup<func::FuncOp>(name);
  if (!function)
    return module.emitError("plan-memory needs a function @") << name << "; run the passes before it first";
  bool perLayer = name.starts_with(kLayerKind);
  unsigned next = 0;
  auto open = [&](Place place) -> Place {
    if (place.buffer && !place.slot.empty())
      return place;
    if (next < positional.size()) {
      Place given = positional[next++];
      return {given.buffer ? given.buffer : place.buffer, given.slot};
    }
    return place;
  };
  DenseMap<Value, Place> places;
  for (BlockArgument argument : function.getArguments()) {
    Place place =
        open(named(function, argument.getType(), function.getArgAttrDict(argument.getArgNumber()), perLayer));
    if (!place.buffer)
      return function.emitError("argument ") << argument.getArgNumber() << " names no buffer";
    places[argument] = place;
  }
  auto returned = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (OpOperand &operand : returned->getOpOperands()) {
    unsigned index = operand.getOperandNumber();
    Place place = open(named(function, operand.get().getType(), function.getResultAttrDict(index), perLayer));
    if (!place.buffer)
      return function.emitError("result ") << index << " names no buffer";
    places[operand.get()] = place;
  }
  return launches(function, places);
}

/// A temporary is needed up to here.
void Planner::touch(Place place) {
  if (auto life = lives.find(place.buffer); life != lives.end())
    life->second.last = position;
  touched.insert(place.buffer);
}

/// The place of what is made here: a temporary where nothing has named another.
Place Planner::placeOf(Value result, StringRef extent, Places &places) {
  auto [known, isNew] = places.try_emplace(result);
  if (!isNew)
    return known->second;
  BufferSpec spec{("t" + Twine(temporaries++)).str(), "temporary", result.getType()};
  spec.extent = extent;
  spec.holds = result;
  BufferOp temporary = buffer(spec);
  lives[temporary] = {section, position, position};
  if (isInChunks && !extent.empty())
    ofChunks.insert(temporary);
  return known->second = {temporary, "0"};
}

LogicalResult Planner::launches(func::FuncOp function, Places &places) {
  // What is written in place of something that is made here lies there from the start.
  SmallVector<LaunchOp> all(function.getBody().front().getOps<LaunchOp>());
  for (LaunchOp launch : llvm::reverse(all))
    for (auto [index, result] : llvm::enumerate(launch.getResults()))
      if (auto operand = symbols.lookup<KernelOp>(launch.getKernel()).getOperandInPlaceOf(index);
          operand && places.count(result) && !isa<BlockArgument>(launch.getOperands_()[*operand]))
        places.try_emplace(launch.getOperands_()[*operand], places.lookup(result));
  for (Operation &op : function.getBody().front()) {
    auto launchOp = dyn_cast<LaunchOp>(op);
    auto call = dyn_cast<ChunkedCallOp>(op);
    if ((launchOp && failed(launch(launchOp, places))) || (call && failed(chunks(call, places))))
      return failure();
  }
  return success();
}

LogicalResult Planner::launch(LaunchOp launch, Places &places) {
  auto kernel = symbols.lookup<KernelOp>(launch.getKernel());
  SmallVector<Value> operands;
  SmallVector<Attribute> slots;
  auto use = [&](Place place) {
    operands.push_back(place.buffer.getMemory());
    slots.push_back(builder.getStringAttr(place.slot));
    touch(place);
  };
  for (Value operand : launch.getOperands_())
    use(places[operand]);
  for (auto [index, result] : llvm::enumerate(launch.getResults())) {
    if (std::optional<unsigned> operand = kernel.getOperandInPlaceOf(index)) {
      Value input = launch.getOperands_()[*operand];
      Place place = places[input];
      auto [known, isNew] = places.try_emplace(result, place);
      if (!input.hasOneUse() || known->second.buffer != place.buffer || known->second.slot != place.slot)
        return launch.emitError("result ") << index << " is to be written in place of operand " << *operand
                                           << ", which is another buffer or is read elsewhere";
    }
    auto extent = kernel.getResultAttrDict(index)
                      ? kernel.getResultAttrDict(index).getAs<StringAttr>(kExtentAttr)
                      : StringAttr();
    Place target = placeOf(result, extent ? extent.getValue() : StringRef(), places);
    if (isInChunks && !extent && !kernel->hasAttr("mlora.tiles"))
      return launch.emitError("result ") << index
                                         << " has no rows and is no sum over them: each chunk would "
                                            "overwrite what the one before has written";
    // A second gradient of the same tensor (a tied head's embedding) is added to the first.
    if (target.buffer.getRole() == "gradient" && !gradientsWritten.insert(target.buffer.getName()).second)
      kernel->setAttr("mlora.accumulate", builder.getUnitAttr());
    use(target);
  }
  LaunchOp::create(builder, launch.getLoc(), TypeRange(), launch.getKernelAttr(), operands,
                   builder.getArrayAttr(slots));
  ++position;
  return success();
}

/// A loop whose body is the called function's launches, on the caller's buffers. What the caller has is
/// needed by every chunk: from the loop's beginning to its end.
LogicalResult Planner::chunks(ChunkedCallOp call, Places &places) {
  auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
  int64_t rows = call.getBy();
  if (rows % kCapacityStep)
    return call.emitError("takes chunks of ")
           << rows << " rows; in a program a chunk has a multiple of " << kCapacityStep
           << ", so that each begins where the arena is aligned";
  if (chunkRows && chunkRows != rows)
    return call.emitError("takes chunks of ") << rows << " rows, another call of this program " << chunkRows;
  chunkRows = rows;
  Places inside;
  for (auto [argument, operand] : llvm::zip_equal(callee.getArguments(), call.getInputs()))
    inside[argument] = places[operand];
  auto returned = cast<func::ReturnOp>(callee.getBody().front().getTerminator());
  for (auto [i, value, result] : llvm::enumerate(returned.getOperands(), call.getOutputs())) {
    auto extent = callee.getResultAttrOfType<StringAttr>(i, kExtentAttr);
    if (!inside.try_emplace(value, placeOf(result, extent ? extent.getValue() : StringRef(), places)).second)
      return call.emitError("result ")
             << i << " is an argument of " << call.getCalleeAttr() << " or another result";
  }
  auto loop = ChunksOp::create(builder, call.getLoc());
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&loop.getBody());
  unsigned first = position;
  touched.clear();
  isInChunks = true;
  LogicalResult result = launches(callee, inside);
  isInChunks = false;
  for (Operation *buffer : touched)
    if (auto life = lives.find(buffer); life != lives.end() && !ofChunks.contains(buffer)) {
      life->second.first = std::min(life->second.first, first);
      life->second.last = position - 1;
    }
  return result;
}

void Planner::layerLoop(int64_t first, int64_t last, llvm::function_ref<LogicalResult()> body) {
  auto loop = LayersOp::create(builder, module.getLoc(), first, last, first <= last ? 1 : -1);
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&loop.getBody());
  if (failed(body()))
    status = failure();
}

void Planner::openSection(StringRef name) {
  builder.setInsertionPointToEnd(&program.getBody().front());
  auto op = SectionOp::create(builder, module.getLoc(), name);
  builder.createBlock(&op.getBody());
  ++section;
  position = 0;
}

LogicalResult Planner::trainSections() {
  hSlots = layers + 1;
  auto at = [](int64_t slot) { return Place{{}, std::to_string(slot)}; };
  Place layer{{}, "layer"}, above{{}, "layer+1"};
  RankedTensorType scalar = RankedTensorType::get({}, builder.getF32Type());
  auto kindFunction = [&](StringRef kind) {
    return has((kind + ".forward").str()) ? (kind + ".forward").str() : kind.str();
  };
  Place loss{buffer({"loss", "output", scalar}), "0"};
  // embed's results are h and the rotary table.
  auto embed = [&](StringRef name) {
    auto function = symbols.lookup<func::FuncOp>(name);
    Place h{buffer({"h", "residual", function.getResultTypes()[0], hSlots, "rows"}), "0"};
    Place rotary{buffer({"rotary", "residual", function.getResultTypes()[1], 1, "rows"}), "0"};
    return call(name, {h, rotary});
  };
  Place hAbove{byName.lookup("h"), "layer+1"};

  if (has("decoder_layer.prepare")) {
    openSection("prepare");
    layerLoop(0, layers - 1, [&] { return call("decoder_layer.prepare"); });
  }
  openSection("micro_step");
  if (failed(embed(kindFunction("embed"))))
    return failure();
  hAbove.buffer = byName.lookup("h");
  layerLoop(0, layers - 1, [&] { return call(kindFunction(kLayerKind), {layer, hAbove}); });
  // Arguments: h; results: the loss, and h's cotangent.
  if (failed(call("head_loss.value_and_grad", {at(layers), loss, at(layers % 2)})))
    return failure();
  // Arguments come as: cotangent of the output first, then h where the rules read it.
  bool lowest = has("decoder_layer.backward.lowest");
  auto backward = [&](StringRef name) {
    auto function = symbols.lookup<func::FuncOp>(name);
    SmallVector<Place> places;
    for (unsigned i = 0; function && i < function.getNumArguments(); ++i) {
      if (auto attr = function.getArgAttrOfType<StringAttr>(i, kCotangentAttr);
          attr && attr.getValue() != "loss")
        places.push_back(above);
      else if (auto attr = function.getArgAttrOfType<StringAttr>(i, kInputAttr);
               attr && attr.getValue() == "h")
        places.push_back(layer);
    }
    places.push_back(layer);
    return call(name, places);
  };
  if (layers > (lowest ? 1 : 0) && has("decoder_layer.backward"))
    layerLoop(layers - 1, lowest ? 1 : 0, [&] { return backward("decoder_layer.backward"); });
  if (lowest)
    layerLoop(0, 0, [&] {
      gradientsWritten.clear(); // other slots of the same buffers
      return backward("decoder_layer.backward.lowest");
    });
  if (has("embed.backward") && failed(call("embed.backward", {at(0)})))
    return failure();

  openSection("score");
  if (failed(embed("embed")))
    return failure();
  layerLoop(0, layers - 1, [&] { return call(kLayerKind, {layer, hAbove}); });
  if (failed(call("head_loss", {at(layers), loss})))
    return failure();

  // A frozen model's step has cotangents and no gradients: nothing to measure, nothing to update.
  if (llvm::none_of(byName, [](auto &known) { return known.second.getRole() == "gradient"; }))
    return status;
  for (StringRef phase : {"norm", "update"}) {
    openSection(phase);
    for (StringRef kind : {"embed", "decoder_layer", "head_loss"}) {
      std::string name = (kind + "." + phase).str();
      if (!has(name))
        continue;
      if (kind != kLayerKind) {
        if (failed(call(name)))
          return failure();
        continue;
      }
      layerLoop(0, layers - 1, [&] { return call(name); });
    }
    if (phase == "norm" && failed(call("norm")))
      return failure();
  }
  return status;
}

LogicalResult Planner::generateSections() {
  auto at = [](int64_t slot) { return Place{{}, std::to_string(slot)}; };
  Place layer{{}, "layer"};
  if (has("decoder_layer.prepare")) {
    openSection("prepare");
    layerLoop(0, layers - 1, [&] { return call("decoder_layer.prepare"); });
  }
  openSection("step");
  auto embed = symbols.lookup<func::FuncOp>("embed");
  if (!embed)
    return module.emitError("plan-memory needs a function @embed; run mlora-import first");
  Place h{buffer({"h", "residual", embed.getResultTypes()[0], hSlots, "rows"}), "0"};
  Place rotary{buffer({"rotary", "residual", embed.getResultTypes()[1], 1, "rows"}), "0"};
  if (failed(call("embed", {h, rotary})))
    return failure();
  auto function = symbols.lookup<func::FuncOp>(kLayerKind);
  layerLoop(0, layers - 1, [&] {
    auto cache = [&](StringRef role, unsigned result) {
      return Place{
          buffer({("cache." + role).str(), "cache", function.getResultTypes()[result], layers, "kv_rows"}),
          "layer"};
    };
    return call(kLayerKind, {layer, {h.buffer, "layer+1"}, cache("key", 1), cache("value", 2)});
  });
  auto head = symbols.lookup<func::FuncOp>("head_logits");
  if (!head)
    return module.emitError("plan-memory needs a function @head_logits");
  Place logits{buffer({"logits", "output", head.getResultTypes()[0], 1, "counted_rows"}), "0"};
  if (failed(call("head_logits", {at(layers % 2), logits})))
    return failure();
  return status;
}

/// The region whose capacity a buffer grows with; empty: none. In training that is rows whatever the extent:
/// keys are as many, and rows that count no more.
StringRef Planner::regionOf(BufferOp op) {
  if (ofChunks.contains(op))
    return kChunkRegion;
  StringRef extent = op.getExtent().value_or("");
  return extent.empty() || kind == "generate" ? extent : StringRef("rows");
}

/// Bytes of a slot, a row of its region's capacity where it has rows.
int64_t Planner::slotBytes(BufferOp op) {
  auto type = cast<MemRefType>(op.getMemory().getType());
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : size;
  if (op->hasAttr("packed"))
    return bytes;
  return llvm::alignTo(bytes, regionOf(op).empty() ? kAlignment : kAlignment / kCapacityStep);
}

int64_t Planner::totalBytes(BufferOp op) {
  int64_t bytes = slotBytes(op) * op.getSlots();
  return regionOf(op).empty() ? llvm::alignTo(bytes, kAlignment) : bytes;
}

void Planner::place(BufferOp op, int64_t offset) {
  op.setOffset(offset);
  if (StringRef region = regionOf(op); !region.empty())
    op.setPlace(region);
  op->setAttr("slot_bytes", builder.getI64IntegerAttr(slotBytes(op)));
}

/// What persists lies one behind another in its region. A temporary takes the lowest place there that no
/// temporary alive at the same time has.
void Planner::assignOffsets() {
  llvm::StringMap<int64_t> ends;
  ends[""] = 0;
  SmallVector<BufferOp> temporaryOps, placed;
  for (auto op : program.getBody().front().getOps<BufferOp>()) {
    if (lives.count(op)) {
      temporaryOps.push_back(op);
      continue;
    }
    int64_t &end = ends[regionOf(op)];
    place(op, end);
    end += totalBytes(op);
  }
  llvm::stable_sort(temporaryOps, [&](BufferOp a, BufferOp b) { return totalBytes(a) > totalBytes(b); });
  llvm::StringMap<int64_t> bases = ends;
  for (BufferOp op : temporaryOps) {
    const Life &life = lives[op];
    StringRef region = regionOf(op);
    SmallVector<std::pair<int64_t, int64_t>> taken;
    for (BufferOp other : placed) {
      const Life &o = lives[other];
      if (regionOf(other) == region && o.section == life.section && o.first <= life.last &&
          life.first <= o.last)
        taken.push_back({*other.getOffset(), *other.getOffset() + totalBytes(other)});
    }
    llvm::sort(taken);
    int64_t offset = bases[region];
    for (auto [from, to] : taken)
      if (offset + totalBytes(op) > from)
        offset = std::max(offset, to);
    place(op, offset);
    ends[region] = std::max(ends[region], offset + totalBytes(op));
    placed.push_back(op);
  }
  NamedAttrList arena;
  for (auto &[region, bytes] : ends)
    arena.set(region.empty() ? StringRef("fixed") : region, builder.getI64IntegerAttr(bytes));
  program.setArenaAttr(arena.getDictionary(builder.getContext()));
}

LogicalResult Planner::run() {
  builder.setInsertionPointToEnd(module.getBody());
  program = ProgramOp::create(builder, module.getLoc(), kind, IntegerAttr(), DictionaryAttr());
  Block *body = builder.createBlock(&program.getBody());
  // Buffers come first: they are inserted before a marker that the sections follow.
  bufferBuilder.setInsertionPointToStart(body);
  if (failed(kind == "generate" ? generateSections() : trainSections()))
    return failure();
  SmallVector<BufferOp> all(body->getOps<BufferOp>());
  for (BufferOp op : llvm::reverse(all)) {
    op->moveBefore(body, body->begin());
    // The gradient of a factor that is only a part of an augmented matrix is no buffer's.
    if (op.getRole() == "gradient" && !byName.count(*op.getOf()))
      op.removeOfAttr();
  }
  if (chunkRows)
    program.setChunkRows(chunkRows);
  assignOffsets();
  for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    function.erase();
  // Kernels of functions that no section calls.
  llvm::StringSet<> used;
  program.walk([&](LaunchOp launch) { used.insert(launch.getKernel()); });
  for (auto kernel : llvm::make_early_inc_range(module.getOps<KernelOp>()))
    if (!used.contains(kernel.getSymName()))
      kernel.erase();
  return success();
}

struct PlanMemory : mlir::mlora::impl::MLoraPlanMemoryBase<PlanMemory> {
  using MLoraPlanMemoryBase::MLoraPlanMemoryBase;
  void runOnOperation() override {
    if (failed(Planner(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
