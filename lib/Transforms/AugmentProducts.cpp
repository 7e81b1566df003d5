//===- AugmentProducts.cpp - frozen products for a library -------------------------===//
//
// An adapted group becomes a skinny product and one library product over augmented operands
// (MLoraProductOps.td); a linear layer becomes a library product. The weights of a group give way to one
// matrix that also holds Ã and B̃: what makes factors writes them there.

#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Dialect/TensorCores.h"
#include "mlora/Transforms/Passes.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_AUGMENTPRODUCTS
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// One matrix of weights: W and B̃ side by side, Ã below.
struct Augmented {
  std::string name; ///< "self_attn.q_proj+self_attn.k_proj.augmented"
  RankedTensorType type;
  ArrayAttr parts; ///< where each weight of the checkpoint lies
};

/// Where a factor goes in an augmented matrix.
struct Home {
  Augmented *matrix;
  int64_t row, column;
  DictionaryAttr attributes; ///< of the argument that was the factor
  RankedTensorType type;
};

StringRef nameIn(DictionaryAttr attributes, StringRef key) {
  auto name = attributes ? attributes.getAs<StringAttr>(key) : StringAttr();
  return name ? name.getValue() : StringRef();
}

/// The attributes of a function's argument; null for any other value.
DictionaryAttr attributesOf(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto function = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
  return function ? function.getArgAttrDict(argument.getArgNumber()) : DictionaryAttr();
}

class Augmenter {
public:
  explicit Augmenter(ModuleOp module) : module(module), builder(module.getContext()) {}
  LogicalResult run();

private:
  LogicalResult rewrite(AdaptedLinearOp op);
  LogicalResult rewrite(AdaptedLinearInputGradOp op);
  template <typename Op> FailureOr<Augmented *> augment(Op op, RankedTensorType mid);
  Value argument(func::FuncOp function, StringRef key, StringRef name, RankedTensorType type,
                 ArrayRef<NamedAttribute> more = {});
  Value window(Location location, Value input, ArrayRef<int64_t> at, ArrayRef<int64_t> shape);
  Value join(Location location, ValueRange inputs);
  Value place(Location location, Value part, Value into, int64_t column, RankedTensorType type);
  Value placeGradients(AdaptedLinearInputGradOp op, RankedTensorType type);
  Value libraryWeight(Value input, Value weight, Value output);
  void turnInPlace(func::FuncOp function);
  void placeFactors(func::FuncOp function);
  void joinResiduals(func::FuncOp forward);
  void readJoined(func::FuncOp function);
  void replaceResults(func::FuncOp function, llvm::function_ref<bool(DictionaryAttr)> drop,
                      ArrayRef<std::pair<Value, DictionaryAttr>> more);
  void eraseUnusedArguments(func::FuncOp function);
  DictionaryAttr dictionary(StringRef key, StringRef name, ArrayRef<NamedAttribute> more = {}) {
    SmallVector<NamedAttribute> all{builder.getNamedAttr(key, builder.getStringAttr(name))};
    llvm::append_range(all, more);
    return builder.getDictionaryAttr(all);
  }

  ModuleOp module;
  OpBuilder builder;
  llvm::MapVector<StringRef, std::unique_ptr<Augmented>> matrices;
  llvm::MapVector<StringRef, Home> factors; ///< by the name of a B̃ or an Ã
  DenseMap<Value, Value> rounded;           ///< trained weights, as their functions' products read them
};

int64_t rowsOf(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(0); }
int64_t columnsOf(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

} // namespace

/// The argument of that attribute and name, made where there is none.
Value Augmenter::argument(func::FuncOp function, StringRef key, StringRef name, RankedTensorType type,
                          ArrayRef<NamedAttribute> more) {
  for (BlockArgument argument : function.getArguments())
    if (nameIn(attributesOf(argument), key) == name)
      return argument;
  unsigned index = function.getNumArguments();
  if (failed(function.insertArgument(index, type, dictionary(key, name, more),
                                     withName(builder.getUnknownLoc(), shortName(name)))))
    llvm_unreachable("function types take any argument");
  return function.getArgument(index);
}

Value Augmenter::window(Location location, Value input, ArrayRef<int64_t> at, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(input.getType()).clone(shape);
  return builder.createOrFold<WindowOp>(location, type, input, builder.getDenseI64ArrayAttr(at));
}

Value Augmenter::join(Location location, ValueRange inputs) {
  auto type = cast<RankedTensorType>(inputs.front().getType());
  int64_t columns = 0;
  for (Value input : inputs)
    columns += columnsOf(input);
  return builder.createOrFold<JoinOp>(location, type.clone(ArrayRef<int64_t>{type.getDimSize(0), columns}),
                                      inputs);
}

/// `part` in columns of `into`, or of a tensor that has nothing yet.
Value Augmenter::place(Location location, Value part, Value into, int64_t column, RankedTensorType type) {
  return PlaceOp::create(builder, location, type, part, into, builder.getDenseI64ArrayAttr({0, column}));
}

/// Cotangents that kernels of attention give are stored by these where the product reads them, beside columns
/// for u. Null where one of them comes from elsewhere: they are joined.
Value Augmenter::placeGradients(AdaptedLinearInputGradOp op, RankedTensorType type) {
  struct Part {
    Operation *gradient;
    Value cotangent;
    int64_t column;
  };
  SmallVector<Part> parts;
  int64_t column = 0;
  for (Value cotangent : op.getCotangents()) {
    parts.push_back({gradientBehind(cotangent), cotangent, column});
    if (!parts.back().gradient || !movesInChunks(type.getDimSize(1), column))
      return {};
    column += columnsOf(cotangent);
  }
  // Kernels in their order: each writes into what the one before has left.
  llvm::stable_sort(parts,
                    [](const Part &a, const Part &b) { return a.gradient->isBeforeInBlock(b.gradient); });
  Value placed;
  SmallVector<Operation *> places;
  for (const Part &part : parts) {
    placed = place(withoutNames(op.getLoc()), part.cotangent, placed, part.column, type);
    places.push_back(placed.getDefiningOp());
  }
  for (Part &part : parts)
    part.cotangent.replaceUsesWithIf(
        window(namedAs(part.cotangent), placed, {0, part.column},
               {cast<RankedTensorType>(part.cotangent.getType()).getDimSize(0), columnsOf(part.cotangent)}),
        [&](OpOperand &use) {
          return !use.getOwner()->isBeforeInBlock(op) && !llvm::is_contained(places, use.getOwner());
        });
  return placed;
}

/// The matrix of a group, by the names of its weights.
template <typename Op> FailureOr<Augmented *> Augmenter::augment(Op op, RankedTensorType mid) {
  SmallVector<StringRef> names;
  int64_t outputs = 0, spare = mid.getDimSize(1), inputs = columnsOf(op.getDown());
  for (Value weight : op.getWeights()) {
    StringRef name = nameIn(attributesOf(weight), kWeightAttr);
    if (name.empty())
      return op.emitOpError("has a weight that is no frozen argument of the function");
    names.push_back(name);
    outputs += rowsOf(weight);
  }
  std::string name = llvm::join(names, "+") + ".augmented"; // not the name of a weight alone
  auto known = matrices.find(name);
  if (known != matrices.end())
    return known->second.get();

  auto matrix = std::make_unique<Augmented>();
  matrix->name = name;
  matrix->type = cast<RankedTensorType>(op.getWeights().front().getType())
                     .clone(ArrayRef<int64_t>{outputs + spare, inputs + spare});
  SmallVector<Attribute> parts;
  int64_t row = 0, column = inputs;
  auto home = [&](Value factor, int64_t row, int64_t column) {
    DictionaryAttr attributes = attributesOf(factor);
    StringRef factorName = nameIn(attributes, kTrainableAttr);
    if (factorName.empty()) // without training a factor is an argument all the same
      factorName = nameIn(attributes, kFactorAttr);
    factors.insert(
        {factorName, Home{matrix.get(), row, column, attributes, cast<RankedTensorType>(factor.getType())}});
  };
  home(op.getDown(), outputs, 0);
  for (auto [weight, up, weightName] : llvm::zip_equal(op.getWeights(), op.getUps(), names)) {
    NamedAttrList part;
    part.set("name", builder.getStringAttr(weightName));
    part.set("offset", builder.getI64IntegerAttr(row * (inputs + spare)));
    part.set("shape", builder.getDenseI64ArrayAttr({rowsOf(weight), inputs}));
    part.set("strides", builder.getDenseI64ArrayAttr({inputs + spare, 1}));
    parts.push_back(part.getDictionary(module.getContext()));
    home(up, row, column);
    row += rowsOf(weight);
    column += columnsOf(up);
  }
  matrix->parts = builder.getArrayAttr(parts);
  Augmented *result = matrix.get();
  matrices.insert({StringRef(result->name), std::move(matrix)});
  return result;
}

/// The weight of a linear layer as a library takes it, in the type of what it multiplies; null where the layer has
/// no stored weight, or types that no library has (logits of bf16 may be f32). What is trained in f32 beside bf16
/// is rounded when the function begins.
Value Augmenter::libraryWeight(Value input, Value weight, Value output) {
  DictionaryAttr attributes = attributesOf(weight);
  Type type = getElementTypeOrSelf(input), given = getElementTypeOrSelf(output);
  bool isTrained = attributes && attributes.contains(kTrainableAttr);
  if (!attributes || (!isTrained && !attributes.contains(kWeightAttr)) ||
      !(type == given || (type.isBF16() && given.isF32())))
    return {};
  if (type == getElementTypeOrSelf(weight))
    return weight;
  if (!isTrained || !type.isBF16() || !getElementTypeOrSelf(weight).isF32())
    return {};
  Value &known = rounded[weight];
  if (!known) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(cast<BlockArgument>(weight).getOwner());
    Location location =
        withName(builder.getUnknownLoc(), shortName(nameIn(attributes, kTrainableAttr)) + ".rounded");
    known = RoundOp::create(builder, location, cast<RankedTensorType>(weight.getType()).clone(type), weight);
  }
  return known;
}

/// m = Ã x, y = [x | m] · [W | B̃]ᵀ
LogicalResult Augmenter::rewrite(AdaptedLinearOp op) {
  FailureOr<Augmented *> matrix = augment(op, op.getMid().getType());
  if (failed(matrix))
    return failure();
  auto function = op->getParentOfType<func::FuncOp>();
  Value w = argument(function, kWeightAttr, (*matrix)->name, (*matrix)->type,
                     builder.getNamedAttr(kPartsAttr, (*matrix)->parts));
  builder.setInsertionPoint(op);
  Location plain = withoutNames(op.getLoc());
  int64_t inputs = columnsOf(op.getInput()), spare = columnsOf(op.getMid()), outputs = rowsOf(w) - spare;
  std::string input = nameOf(op.getInput()).str();
  Value down = window(withName(plain, nameOf(op.getDown())), w, {outputs, 0}, {spare, inputs});
  Value m = LinearOp::create(builder, withName(plain, nameOf(op.getMid())), op.getMid().getType(),
                             op.getInput(), down);
  Value xm = join(withName(plain, input.empty() ? "" : input + ".m"), {op.getInput(), m});
  SmallVector<StringRef> names = llvm::map_to_vector(op.getOutputs(), nameOf);
  auto type = cast<RankedTensorType>(op.getOutputs().front().getType());
  Value y = ProductOp::create(builder, withName(plain, names.front().empty() ? "" : llvm::join(names, "_")),
                              type.clone(ArrayRef<int64_t>{type.getDimSize(0), outputs}), xm, w);
  int64_t column = 0;
  for (Value output : op.getOutputs()) {
    int64_t columns = columnsOf(output);
    output.replaceAllUsesWith(window(namedAs(output), y, {0, column},
                                     {cast<RankedTensorType>(output.getType()).getDimSize(0), columns}));
    column += columns;
  }
  op.getMid().replaceAllUsesWith(m);
  op.erase();
  return success();
}

/// u = B̃ᵀ dy, dx = [dy | u] · [W; Ã]
LogicalResult Augmenter::rewrite(AdaptedLinearInputGradOp op) {
  FailureOr<Augmented *> matrix = augment(op, op.getMidCotangent().getType());
  if (failed(matrix))
    return failure();
  auto function = op->getParentOfType<func::FuncOp>();
  Value w = argument(function, kWeightAttr, (*matrix)->name, (*matrix)->type,
                     builder.getNamedAttr(kPartsAttr, (*matrix)->parts));
  builder.setInsertionPoint(op);
  Location plain = withoutNames(op.getLoc());
  int64_t spare = columnsOf(op.getMidCotangent()), column = columnsOf(w) - spare, row = 0;
  Value dx = op.getInputCotangent(), placed;
  int64_t outputs = rowsOf(w) - spare;
  auto dyuType = cast<RankedTensorType>(op.getMidCotangent().getType())
                     .clone(ArrayRef<int64_t>{op.getMidCotangent().getType().getDimSize(0), rowsOf(w)});
  if (dx)
    placed = placeGradients(op, dyuType);
  SmallVector<Value> us, joined(op.getCotangents());
  for (auto [dy, up] : llvm::zip_equal(op.getCotangents(), op.getUps())) {
    int64_t rows = rowsOf(up), columns = columnsOf(up);
    Value factor = window(withName(plain, nameOf(up)), w, {row, column}, {rows, columns});
    auto type = cast<RankedTensorType>(dy.getType());
    us.push_back(LinearInputGradOp::create(
        builder, plain, type.clone(ArrayRef<int64_t>{type.getDimSize(0), columns}), dy, factor));
    row += rows;
    column += columns;
  }
  Value u = join(namedAs(op.getMidCotangent()), us);
  if (dx) {
    joined.push_back(u);
    Value dyu = placed ? place(plain, u, placed, outputs, dyuType) : join(plain, joined);
    if (placed) { // what comes later reads all that is written by then
      u = window(namedAs(op.getMidCotangent()), dyu, {0, outputs},
                 {op.getMidCotangent().getType().getDimSize(0), spare});
      for (Value dy : op.getCotangents()) {
        auto part = dy.getDefiningOp<WindowOp>();
        dy.replaceUsesWithIf(window(namedAs(dy), dyu, part.getAt(), part.getOutput().getType().getShape()),
                             [&](OpOperand &use) { return op->isBeforeInBlock(use.getOwner()); });
      }
    }
    dx.replaceAllUsesWith(ProductOp::create(builder, namedAs(dx), dx.getType(), dyu, w, /*transposed=*/true));
  }
  op.getMidCotangent().replaceAllUsesWith(u);
  op.erase();
  return success();
}

/// Attention on tensor cores reads q, k and v where their product wrote them: q and k are turned in its
/// columns, and nothing is copied.
void Augmenter::turnInPlace(func::FuncOp function) {
  for (auto attention : llvm::to_vector(function.getBody().front().getOps<AttentionOp>())) {
    RopeOp ropes[] = {attention.getQuery().getDefiningOp<RopeOp>(),
                      attention.getKey().getDefiningOp<RopeOp>()};
    if (!fitsTensorCores(attention) || llvm::any_of(ropes, [](RopeOp rope) {
          return !rope || !rope.getInput().hasOneUse() || !isa<BlockArgument>(rope.getTable());
        }))
      continue;
    SmallVector<WindowOp> windows = {ropes[0].getInput().getDefiningOp<WindowOp>(),
                                     ropes[1].getInput().getDefiningOp<WindowOp>(),
                                     attention.getValue().getDefiningOp<WindowOp>()};
    Value product = windows[0] ? Value(windows[0].getInput()) : Value();
    if (!product || !product.getDefiningOp<ProductOp>() ||
        llvm::any_of(
            product.getUsers(),
            [&](Operation *user) { return !llvm::is_contained(windows, dyn_cast<WindowOp>(user)); }) ||
        llvm::any_of(windows, [&](WindowOp window) {
          return !window || window.getInput() != product ||
                 !movesInChunks(columnsOf(product), window.getAt()[1]);
        }))
      continue;
    builder.setInsertionPointAfter(ropes[0]->isBeforeInBlock(ropes[1]) ? ropes[1] : ropes[0]);
    Value whole = product;
    SmallPtrSet<Operation *, 4> places;
    for (auto [rope, window] : llvm::zip(ropes, windows)) {
      whole = place(namedAs(product), rope.getOutput(), whole, window.getAt()[1],
                    cast<RankedTensorType>(product.getType()));
      places.insert(whole.getDefiningOp());
    }
    Value parts[] = {ropes[0].getOutput(), ropes[1].getOutput(), windows[2].getOutput()};
    for (auto [part, from] : llvm::zip(parts, windows)) {
      auto type = cast<RankedTensorType>(part.getType());
      part.replaceAllUsesExcept(window(namedAs(part), whole, from.getAt(), type.getShape()), places);
    }
    windows[2].erase();
  }
}

/// Results anew: without those that `drop` takes, then `more`.
void Augmenter::replaceResults(func::FuncOp function, llvm::function_ref<bool(DictionaryAttr)> drop,
                               ArrayRef<std::pair<Value, DictionaryAttr>> more) {
  auto returned = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  SmallVector<Value> values;
  SmallVector<Attribute> attributes;
  for (auto [i, value] : llvm::enumerate(returned.getOperands())) {
    DictionaryAttr of = function.getResultAttrDict(i);
    if (of && drop(of))
      continue;
    values.push_back(value);
    attributes.push_back(of ? of : builder.getDictionaryAttr({}));
  }
  for (auto [value, of] : more) {
    values.push_back(value);
    attributes.push_back(of);
  }
  returned->setOperands(values);
  function.setType(builder.getFunctionType(function.getArgumentTypes(), TypeRange(ValueRange(values))));
  function.setResAttrsAttr(builder.getArrayAttr(attributes));
}

/// A function that makes factors writes them, and the Ã that it makes or that it is the first to see, into
/// the matrices.
void Augmenter::placeFactors(func::FuncOp function) {
  auto returned = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  llvm::StringMap<Value> made;
  bool makesFactors = false;
  for (auto [i, value] : llvm::enumerate(returned.getOperands())) {
    DictionaryAttr attributes = function.getResultAttrDict(i);
    StringRef factor = nameIn(attributes, kFactorAttr);
    StringRef name = factor.empty() ? nameIn(attributes, kTrainableAttr) : factor;
    if (!name.empty() && factors.count(name))
      made[name] = value;
    makesFactors |= !factor.empty() && factors.count(factor);
  }
  if (!makesFactors)
    return;
  builder.setInsertionPoint(returned);
  llvm::MapVector<Augmented *, Value> written;
  for (auto &[name, home] : factors) {
    Value part = made.lookup(name);
    if (!part) { // Ã before the first update
      StringRef key = nameIn(home.attributes, kFactorAttr).empty() ? kTrainableAttr : kFactorAttr;
      SmallVector<NamedAttribute> more;
      if (Attribute parts = home.attributes.get(kPartsAttr))
        more.push_back(builder.getNamedAttr(kPartsAttr, parts));
      part = argument(function, key, name, home.type, more);
    }
    Augmented &matrix = *home.matrix;
    Value &w = written[&matrix];
    if (!w)
      w = argument(function, kWeightAttr, matrix.name, matrix.type,
                   builder.getNamedAttr(kPartsAttr, matrix.parts));
    w = PlaceOp::create(builder, withName(withoutNames(part.getLoc()), shortName(matrix.name)), w.getType(),
                        part, w, builder.getDenseI64ArrayAttr({home.row, home.column}));
  }
  SmallVector<std::pair<Value, DictionaryAttr>> results;
  for (auto &[matrix, w] : written)
    results.push_back({w, dictionary(kWeightAttr, matrix->name)});
  replaceResults(
      function, [&](DictionaryAttr of) { return factors.count(nameIn(of, kFactorAttr)) != 0; }, results);
}

/// A tensor that a value is some columns of: the product's result that it is a window of (with parts placed
/// in it), or what it is joined into for a product. Attention has a tensor of its own.
static std::pair<Value, int64_t> wholeOf(Value value) {
  auto window = value.getDefiningOp<WindowOp>();
  if (window && isa_and_nonnull<ProductOp, PlaceOp>(window.getInput().getDefiningOp()))
    return {window.getInput(), window.getAt()[1]};
  if (isa_and_nonnull<AttentionOp>(value.getDefiningOp()))
    return {};
  for (OpOperand &use : value.getUses())
    if (auto join = dyn_cast<JoinOp>(use.getOwner());
        join && llvm::any_of(join->getUsers(), [](Operation *reader) { return isa<ProductOp>(reader); }))
      return {join.getOutput(), join.getFirstColumn(use.getOperandNumber())};
  return {};
}

/// Residuals that together are all of a product's result, or of its operand, are kept as that: nothing is
/// written twice.
void Augmenter::joinResiduals(func::FuncOp forward) {
  struct Part {
    StringRef name;
    Value value;
    int64_t column;
  };
  llvm::MapVector<Value, SmallVector<Part>> wholes;
  auto returned = cast<func::ReturnOp>(forward.getBody().front().getTerminator());
  for (auto [i, value] : llvm::enumerate(returned.getOperands()))
    if (StringRef name = nameIn(forward.getResultAttrDict(i), kResidualAttr); !name.empty())
      if (auto [whole, column] = wholeOf(value); whole)
        wholes[whole].push_back({name, value, column});
  for (auto &[whole, parts] : wholes) {
    int64_t columns = 0;
    for (const Part &part : parts)
      columns += columnsOf(part.value);
    if (columns != columnsOf(whole) || parts.size() < 2)
      continue;
    llvm::sort(parts, [](const Part &a, const Part &b) { return a.column < b.column; });
    llvm::StringMap<Part> byName;
    for (const Part &part : parts)
      byName[part.name] = part;
    std::string joined = llvm::join(llvm::map_range(parts, [](const Part &part) { return part.name; }), "+");
    auto isPart = [&](DictionaryAttr of) { return byName.count(nameIn(of, kResidualAttr)) != 0; };
    NamedAttrList attributes;
    for (DictionaryAttr of : forward.getAllResultAttrs().getAsRange<DictionaryAttr>())
      if (isPart(of))
        attributes = NamedAttrList(of);
    attributes.set(kResidualAttr, builder.getStringAttr(joined));
    replaceResults(forward, isPart, {{whole, attributes.getDictionary(module.getContext())}});

    StringRef kind = forward.getName().split('.').first;
    for (auto backward : module.getOps<func::FuncOp>()) {
      if (backward == forward || backward.getName().split('.').first != kind)
        continue;
      builder.setInsertionPointToStart(&backward.getBody().front());
      for (BlockArgument old : llvm::to_vector(backward.getArguments())) {
        DictionaryAttr of = attributesOf(old);
        if (!of || !isPart(of) || old.use_empty())
          continue;
        const Part &part = byName[nameIn(of, kResidualAttr)];
        Value kept = argument(backward, kResidualAttr, joined, cast<RankedTensorType>(whole.getType()),
                              builder.getNamedAttr(kExtentAttr, of.get(kExtentAttr)));
        old.replaceAllUsesWith(window(namedAs(part.value), kept, {0, part.column},
                                      {cast<RankedTensorType>(old.getType()).getDimSize(0), columnsOf(old)}));
      }
    }
  }
}

/// What is joined for a product is read there by all that come later: it is written once.
void Augmenter::readJoined(func::FuncOp function) {
  for (auto product : function.getBody().front().getOps<ProductOp>()) {
    auto join = product.getInput().getDefiningOp<JoinOp>();
    if (!join)
      continue;
    builder.setInsertionPointAfter(join);
    for (auto [i, input] : llvm::enumerate(join.getInputs())) {
      auto isLater = [&](OpOperand &use) {
        return join->isBeforeInBlock(use.getOwner()) && !isa<func::ReturnOp, JoinOp>(use.getOwner());
      };
      if (isa<BlockArgument>(input) || llvm::none_of(input.getUses(), isLater))
        continue;
      auto type = cast<RankedTensorType>(input.getType());
      input.replaceUsesWithIf(
          window(namedAs(input), join, {0, join.getFirstColumn(i)}, {type.getDimSize(0), columnsOf(input)}),
          isLater);
    }
  }
}

void Augmenter::eraseUnusedArguments(func::FuncOp function) {
  llvm::BitVector unused(function.getNumArguments());
  for (BlockArgument argument : function.getArguments()) {
    DictionaryAttr attributes = attributesOf(argument);
    bool isNamed = attributes && (attributes.contains(kWeightAttr) || attributes.contains(kFactorAttr) ||
                                  attributes.contains(kTrainableAttr) || attributes.contains(kResidualAttr));
    unused[argument.getArgNumber()] = isNamed && argument.use_empty();
  }
  if (failed(function.eraseArguments(unused)))
    llvm_unreachable("function types lose any argument");
}

LogicalResult Augmenter::run() {
  SmallVector<Operation *> adapted;
  module.walk([&](Operation *op) {
    if (isa<AdaptedLinearOp, AdaptedLinearInputGradOp>(op))
      adapted.push_back(op);
    builder.setInsertionPoint(op);
    if (auto linear = dyn_cast<LinearOp>(op)) {
      if (Value w = libraryWeight(linear.getInput(), linear.getWeight(), linear.getOutput())) {
        linear.getOutput().replaceAllUsesWith(
            ProductOp::create(builder, op->getLoc(), linear.getType(), linear.getInput(), w));
        op->erase();
      }
    } else if (auto grad = dyn_cast<LinearInputGradOp>(op)) {
      if (Value w = libraryWeight(grad.getCotangent(), grad.getWeight(), grad.getOutput())) {
        grad.getOutput().replaceAllUsesWith(
            ProductOp::create(builder, op->getLoc(), grad.getType(), grad.getCotangent(), w, true));
        op->erase();
      }
    }
  });
  for (Operation *op : adapted)
    if (failed(isa<AdaptedLinearOp>(op) ? rewrite(cast<AdaptedLinearOp>(op))
                                        : rewrite(cast<AdaptedLinearInputGradOp>(op))))
      return failure();
  for (auto function : module.getOps<func::FuncOp>())
    turnInPlace(function);
  for (auto function : module.getOps<func::FuncOp>())
    placeFactors(function);
  for (auto function : module.getOps<func::FuncOp>())
    joinResiduals(function);
  for (auto function : module.getOps<func::FuncOp>())
    readJoined(function);
  for (auto function : module.getOps<func::FuncOp>())
    eraseUnusedArguments(function);
  return success();
}

namespace {
struct AugmentProducts : ::mlir::mlora::impl::AugmentProductsBase<AugmentProducts> {
  void runOnOperation() override {
    if (failed(Augmenter(getOperation()).run()))
      signalPassFailure();
  }
};
} // namespace
