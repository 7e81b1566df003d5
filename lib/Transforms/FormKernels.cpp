//===- FormKernels.cpp - ops into grids of blocks --------------------------------===//

#include "mlora/Dialect/Extents.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Dialect/TensorCores.h"
#include "mlora/Transforms/Passes.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_MLORAFORMKERNELS
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

/// Blocks of columns of a linear layer: enough for any number of threads, not so many that claiming them shows.
static constexpr int64_t kMostColumnBlocks = 64;

/// Rows of a block on a GPU that multiplies nothing: what the blocks of 2,048 rows move is spread over all of its
/// multiprocessors, four blocks each. Products want more rows, which share what is read of a weight.
static constexpr int64_t kRowsWithoutProduct = 4;

/// Columns of a block on a GPU that sums a norm's weight gradient: 32 bytes of bf16, what memory moves at a time.
static constexpr int64_t kColumnsOfWeightGrad = 16;

namespace {

/// How an op is cut into blocks, and with whom it may share a kernel.
enum class Shape {
  Library,
  Chunks, ///< no kernel: a call of a function that is formed for itself
  Rows,
  Columns, ///< of rows and of columns of the result
  Attention,
  AttentionKeys,
  TokenSum,
  CrossEntropy,
  VocabularyGradient,
  Whole
};

bool isTokenSized(Value value) { return !cast<RankedTensorType>(value.getType()).hasStaticShape(); }

/// Whether only an operand's number of rows matters, not what is in them.
bool givesRowsOnly(OpOperand &operand) {
  auto spread = dyn_cast<SpreadOp>(operand.getOwner());
  return spread && operand == spread.getLikeMutable();
}

/// Whether attention on tensor cores copies its tiles from some columns of a tensor.
bool readsColumns(Operation *op, WindowOp window) {
  return fitsTensorCores(op) && window.getAt()[0] == 0 &&
         movesInChunks(window.getInput().getType().getDimSize(1), window.getAt()[1]);
}

/// Whether each op of the kernel has blocks of its own, `mlora.tiles`.
bool isCutByTiles(Shape shape) { return shape == Shape::TokenSum || shape == Shape::Columns; }

bool isProduct(Operation *op) {
  return isa<LinearOp, LinearInputGradOp, AdaptedLinearOp, AdaptedLinearInputGradOp>(op);
}

/// Whether an op joins a kernel of its shape that is there already.
bool joinsOthers(Shape shape) {
  return shape == Shape::Rows || shape == Shape::CrossEntropy || shape == Shape::Columns;
}

/// Ops that will be one kernel.
struct Group {
  Shape shape;
  std::string extent; ///< rows of a row group: a run-time scalar's name or a number
  SmallVector<Operation *> ops;
};

/// Groups one function's straight line and outlines the groups.
class Former {
public:
  Former(func::FuncOp function, MLoraFormKernelsOptions options, SymbolTable &symbols)
      : function(function), options(options), symbols(symbols) {}

  LogicalResult run();

private:
  Shape shapeOf(Operation *op) const;
  bool readsWhole(OpOperand &operand) const;
  LogicalResult checkExtents();
  bool isView(Operation *op);
  Operation *producerOf(OpOperand &operand);
  std::string rowsOf(Operation *op);
  SmallVector<Operation *> lineUp();
  SmallVector<Operation *> withSharedReads(SmallVector<Operation *> line);
  Operation *gradientStoredBy(Operation *op);
  bool joinsGradient(Operation *op);
  void assign(Operation *op);
  void addTo(Group &group, Operation *op);
  void findChains();
  void threadChains();
  void splitViews();
  void outline(Group &group, unsigned index, OpBuilder &builder, IRMapping &values);
  SmallVector<std::string> gridOf(Group &group, SmallVectorImpl<int64_t> &tiles);

  func::FuncOp function;
  MLoraFormKernelsOptions options;
  SymbolTable &symbols;
  SmallVector<Group> groups;
  SmallVector<Operation *> views; ///< copied into kernels
  SmallVector<SmallVector<PlaceOp>> chains;
  DenseSet<Operation *> apart; ///< places that need not wait for the one before them in their chain
  DenseMap<Operation *, unsigned> groupOf;
};

Shape Former::shapeOf(Operation *op) const {
  if (isa<ProductOp>(op))
    return Shape::Library;
  if (isa<ChunkedCallOp>(op))
    return Shape::Chunks;
  if (isa<LinearOp>(op) && options.columnBlock > 0)
    return Shape::Columns;
  if (isa<AttentionOp, AttentionQueryGradOp>(op))
    return Shape::Attention;
  if (isa<AttentionKeyValueGradOp>(op))
    return Shape::AttentionKeys;
  if (isa<TokenOuterOp, RmsNormWeightGradOp>(op))
    return Shape::TokenSum;
  if (isa<CrossEntropyOp, CrossEntropyInputGradOp>(op))
    return Shape::CrossEntropy;
  if (isa<CrossEntropyWeightGradOp, EmbeddingWeightGradOp>(op))
    return Shape::VocabularyGradient;
  if (isa<SumOp, NormOp>(op))
    return Shape::Whole;
  return Shape::Rows;
}

/// Whether the op needs all rows of an operand, so that its producer must have finished.
bool Former::readsWhole(OpOperand &operand) const {
  Operation *op = operand.getOwner();
  if (isa<GatherRowsOp, EmbeddingOp>(op))
    return true;
  if (auto scatter = dyn_cast<ScatterRowsOp>(op))
    return operand != scatter.getLikeMutable();
  return shapeOf(op) != Shape::Rows && shapeOf(op) != Shape::CrossEntropy;
}

/// Whether kernels can look through this op: at the blocks of a weight always, through a window at rows of their
/// block, at a weight, at all that a sum is over, or at what attention copies. Then it is a view in each that does
/// so, otherwise an op that copies.
bool Former::isView(Operation *op) {
  auto window = dyn_cast<WindowOp>(op);
  if (!window)
    return isViewOp(op);
  return llvm::none_of(window.getOutput().getUses(), [&](OpOperand &use) {
    return isa<func::ReturnOp>(use.getOwner()) ||
           (readsWhole(use) && !isCutByTiles(shapeOf(use.getOwner())) &&
            !(options.tensorCores && readsColumns(use.getOwner(), window)));
  });
}

/// The op that makes what an operand reads, through a view.
Operation *Former::producerOf(OpOperand &operand) {
  Operation *op = operand.get().getDefiningOp();
  return op && isView(op) ? op->getOperand(0).getDefiningOp() : op;
}

LogicalResult Former::checkExtents() {
  for (Operation &op : function.getBody().front().without_terminator())
    for (Value result : op.getResults())
      if (isTokenSized(result) && !extentOf(function, result))
        return op.emitOpError("has a result whose number of rows is not tied to a run-time scalar; give the "
                              "function's arguments `mlora.extent`");
  return success();
}

std::string Former::rowsOf(Operation *op) {
  auto place = dyn_cast<PlaceOp>(op); // walks over the part
  Value result = place ? Value(place.getPart()) : op->getResult(0);
  if (StringAttr extent = extentOf(function, result))
    return extent.str();
  auto type = cast<RankedTensorType>(result.getType());
  return type.getRank() ? std::to_string(type.getDimSize(0)) : "1";
}

/// Ops in the order in which they are put into groups; sums over tokens come after them. What reads no row of
/// a token waits for nothing and comes first, so that it does not stand between ops that could share a
/// kernel.
SmallVector<Operation *> Former::lineUp() {
  llvm::SetVector<Operation *> early, others;
  auto waits = [&](OpOperand &operand) {
    Operation *producer = producerOf(operand);
    return (isTokenSized(operand.get()) && !givesRowsOnly(operand)) ||
           (producer && !early.contains(producer));
  };
  for (Operation &op : function.getBody().front().without_terminator())
    if (isView(&op))
      views.push_back(&op);
    else if (shapeOf(&op) != Shape::TokenSum)
      (llvm::any_of(op.getOpOperands(), waits) ? others : early).insert(&op);
  early.insert_range(others);
  return withSharedReads(early.takeVector());
}

/// What a value is or looks at.
static Value seen(Value value) {
  auto window = value.getDefiningOp<WindowOp>();
  return window ? Value(window.getInput()) : value;
}

/// What only sums over tokens wait for moves behind the last op that reads the same rows: one kernel reads
/// them once.
SmallVector<Operation *> Former::withSharedReads(SmallVector<Operation *> line) {
  auto isPatient = [this](Operation *op) {
    return shapeOf(op) == Shape::Rows && !op->use_empty() &&
           llvm::all_of(op->getUsers(), [this](Operation *user) { return shapeOf(user) == Shape::TokenSum; });
  };
  for (Operation *op : llvm::to_vector(llvm::make_filter_range(line, isPatient))) {
    auto readsTheSame = [&](Operation *other) {
      return other != op && shapeOf(other) == Shape::Rows &&
             llvm::any_of(other->getOperands(), [&](Value value) {
               return isTokenSized(value) && llvm::any_of(op->getOperands(), [&](Value own) {
                        return isTokenSized(own) && seen(own) == seen(value);
                      });
             });
    };
    auto *from = llvm::find(line, op);
    auto last = std::find_if(line.rbegin(), std::make_reverse_iterator(from + 1), readsTheSame);
    if (last != std::make_reverse_iterator(from + 1))
      std::rotate(from, from + 1, last.base());
  }
  return line;
}

/// The gradient of attention whose kernel on tensor cores can do this op as it stores its results: turn one
/// back, or place it where it is read. Null for any other op.
Operation *Former::gradientStoredBy(Operation *op) {
  if (!options.tensorCores)
    return nullptr;
  if (auto rope = dyn_cast<RopeOp>(op))
    return gradientBehind(rope.getOutput());
  auto place = dyn_cast<PlaceOp>(op);
  bool isStored = place && place.getPart().hasOneUse() && place.getAt()[0] == 0 &&
                  getElementTypeOrSelf(place.getOutput()).isBF16() &&
                  movesInChunks(place.getOutput().getType().getDimSize(1), place.getAt()[1]);
  return isStored ? gradientBehind(place.getPart()) : nullptr;
}

bool Former::joinsGradient(Operation *op) {
  Operation *gradient = gradientStoredBy(op);
  if (!gradient)
    return false;
  unsigned index = groupOf.lookup(gradient);
  for (Value operand : op->getOperands())
    if (Operation *producer = operand.getDefiningOp(); producer && groupOf.lookup(producer) > index)
      return false;
  addTo(groups[index], op);
  groupOf[op] = index;
  return true;
}

void Former::assign(Operation *op) {
  if (joinsGradient(op))
    return;
  Shape shape = shapeOf(op);
  std::string extent = rowsOf(op);
  // The earliest group that has everything this op reads.
  unsigned earliest = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    Operation *producer = producerOf(operand);
    if (!producer || (isa<PlaceOp>(producer) && apart.contains(op)))
      continue;
    unsigned from = groupOf.lookup(producer);
    bool sameKernel = !readsWhole(operand) && groups[from].shape == shape &&
                      (shape == Shape::Rows || shape == Shape::CrossEntropy);
    earliest = std::max(earliest, sameKernel ? from : from + 1);
  }
  if (joinsOthers(shape))
    for (unsigned index = groups.size(); index > earliest; --index) {
      Group &group = groups[index - 1];
      if (group.shape == shape && group.extent == extent) {
        addTo(group, op);
        groupOf[op] = index - 1;
        return;
      }
    }
  groupOf[op] = groups.size();
  groups.push_back({shape, extent, {}});
  addTo(groups.back(), op);
}

/// An op comes with its views.
void Former::addTo(Group &group, Operation *op) {
  for (Value operand : op->getOperands())
    if (Operation *view = operand.getDefiningOp(); view && isView(view))
      group.ops.push_back(view);
  group.ops.push_back(op);
}

static bool areApart(PlaceOp a, PlaceOp b) {
  auto isApartAlong = [&](unsigned dim) {
    int64_t aFrom = a.getAt()[dim], bFrom = b.getAt()[dim];
    return aFrom + a.getPart().getType().getDimSize(dim) <= bFrom ||
           bFrom + b.getPart().getType().getDimSize(dim) <= aFrom;
  };
  return isApartAlong(0) || isApartAlong(1);
}

/// Parts that are placed into a tensor one after the other, apart from each other, where nobody sees what is
/// between: each goes where its part is made.
void Former::findChains() {
  auto nextOf = [](PlaceOp place) {
    auto next =
        place.getOutput().hasOneUse() ? dyn_cast<PlaceOp>(*place.getOutput().user_begin()) : PlaceOp();
    return next && next.getInput() == place.getOutput() && next.getPart() != place.getOutput() ? next
                                                                                               : PlaceOp();
  };
  for (auto first : function.getBody().front().getOps<PlaceOp>()) {
    if (!first.getInput() || !first.getPart().getType().hasStaticShape())
      continue; // rows of tokens: one kernel behind another
    auto before = first.getInput().getDefiningOp<PlaceOp>();
    if (before && nextOf(before) == first)
      continue;
    SmallVector<PlaceOp> chain;
    bool isApart = true;
    for (PlaceOp place = first; place; place = nextOf(place)) {
      isApart &= llvm::all_of(chain, [&](PlaceOp other) { return areApart(place, other); });
      chain.push_back(place);
    }
    if (!isApart)
      continue;
    apart.insert(chain.begin() + 1, chain.end());
    chains.push_back(std::move(chain));
  }
}

/// In the order of their groups, the tensor goes from each place to the next.
void Former::threadChains() {
  for (SmallVector<PlaceOp> &chain : chains) {
    Value tensor = chain.front().getInput();
    auto seen = llvm::map_to_vector(chain.back().getOutput().getUses(), [](OpOperand &use) { return &use; });
    llvm::stable_sort(chain, [&](PlaceOp a, PlaceOp b) { return groupOf.lookup(a) < groupOf.lookup(b); });
    for (PlaceOp place : chain) {
      place.getInputMutable().assign(tensor);
      tensor = place.getOutput();
    }
    for (OpOperand *use : seen)
      use->set(tensor);
  }
}

/// A view of its own for each op that looks through it.
void Former::splitViews() {
  SmallVector<Operation *> all;
  for (Operation &op : function.getBody().front())
    if (isView(&op))
      all.push_back(&op);
  for (Operation *view : all) {
    Value seen = view->getResult(0);
    while (!seen.use_empty() && !seen.hasOneUse()) {
      Operation *user = *seen.user_begin();
      OpBuilder builder(user);
      Value own = builder.clone(*view)->getResult(0);
      seen.replaceUsesWithIf(own, [&](OpOperand &use) { return use.getOwner() == user; });
    }
  }
}

SmallVector<std::string> Former::gridOf(Group &group, SmallVectorImpl<int64_t> &tiles) {
  auto by = [](Twine extent, int64_t block) { return (extent + " by " + Twine(block)).str(); };
  Operation *first = *llvm::find_if_not(group.ops, isViewOp);
  switch (group.shape) {
  case Shape::Library:
    return {};
  case Shape::Chunks:
    llvm_unreachable("a call is no kernel");
  case Shape::Rows:
    // A row of logits is work for all threads of a block.
    if (llvm::any_of(group.ops, [](Operation *op) { return isa<NllOp, NllInputGradOp>(op); }))
      return {by(group.extent, 1)};
    if (std::isdigit(group.extent[0])) {
      // Weights that are rounded for a library: few rows for a GPU.
      bool isCopied = options.tensorCores && llvm::all_of(group.ops, [](Operation *op) { return isa<RoundOp>(op); });
      return {by(group.extent, isCopied ? kRowsWithoutProduct : options.parameterBlock)};
    }
    if (options.tensorCores && llvm::none_of(group.ops, isProduct))
      return {by(group.extent, std::min<int64_t>(options.rowBlock, kRowsWithoutProduct))};
    return {by(group.extent, options.rowBlock)};
  case Shape::Columns: {
    int64_t total = 0;
    for (Operation *op : group.ops)
      if (auto linear = dyn_cast<LinearOp>(op)) {
        int64_t columns = linear.getOutput().getType().getDimSize(1);
        tiles.push_back(std::min<int64_t>(llvm::divideCeil(columns, options.columnBlock), kMostColumnBlocks));
        total += tiles.back();
      }
    return {by(Twine(total), 1), by(group.extent, options.rowBlock)};
  }
  case Shape::Attention:
    return {by(Twine(first->getAttrOfType<IntegerAttr>("heads").getInt()), 1),
            by("rows", options.attentionBlock)};
  case Shape::AttentionKeys:
    return {by(Twine(first->getAttrOfType<IntegerAttr>("kv_heads").getInt()), 1),
            by("kv_rows", options.attentionBlock)};
  case Shape::TokenSum: {
    int64_t total = 0;
    for (Operation *op : group.ops) {
      if (isViewOp(op))
        continue;
      int64_t count = 1;
      if (auto outer = dyn_cast<TokenOuterOp>(op)) {
        auto shape = outer.getOutput().getType().getShape();
        count = llvm::divideCeil(std::max(shape[0], shape[1]), options.tileColumns);
      } else {
        int64_t columns = cast<RmsNormWeightGradOp>(op).getOutput().getType().getDimSize(0);
        count = llvm::divideCeil(columns, options.tensorCores ? kColumnsOfWeightGrad : options.tileColumns);
      }
      tiles.push_back(count);
      total += count;
    }
    return {by(Twine(total), 1)};
  }
  case Shape::CrossEntropy: {
    // A block's logits stay below 32 MiB, in steps of 16 rows.
    auto weight = cast<RankedTensorType>(first->getOperand(isa<CrossEntropyOp>(first) ? 1 : 2).getType());
    int64_t rows = (int64_t(32) << 20) / (4 * weight.getDimSize(0)) / 16 * 16;
    return {by(group.extent, std::clamp<int64_t>(rows, 16, options.rowBlock))};
  }
  case Shape::VocabularyGradient:
    return {by(group.extent, options.vocabularyBlock)};
  case Shape::Whole:
    return {by("1", 1)};
  }
  llvm_unreachable("every shape has a grid");
}

void Former::outline(Group &group, unsigned index, OpBuilder &builder, IRMapping &values) {
  if (group.shape == Shape::Chunks) {
    builder.clone(*group.ops.front(), values);
    return;
  }
  llvm::SetVector<Value> inputs, outputs;
  llvm::SmallPtrSet<Operation *, 16> members(group.ops.begin(), group.ops.end());
  std::string name = (function.getName() + "." + Twine(index)).str();
  llvm::StringSet<> named;
  for (Operation *op : group.ops) {
    StringRef mnemonic = op->getName().stripDialect();
    if (!isViewOp(op) && named.insert(mnemonic).second && name.size() < 72)
      name += (named.size() == 1 ? "." : "_") + mnemonic.str();
    for (Value operand : op->getOperands())
      if (!operand.getDefiningOp() || !members.count(operand.getDefiningOp()))
        inputs.insert(operand);
    auto isStoredInside = [&](Value result) {
      return (group.shape == Shape::Attention || group.shape == Shape::AttentionKeys) && !result.use_empty();
    };
    for (Value result : op->getResults())
      // Ops with a grid of their own write all that they make, even what only training reads (lse), but what
      // attention turns back or places itself.
      if ((group.shape != Shape::Rows && !isViewOp(op) && !isStoredInside(result)) ||
          llvm::any_of(result.getUsers(), [&](Operation *user) { return !members.count(user); }))
        outputs.insert(result);
  }
  MLIRContext *context = builder.getContext();
  auto typesOf = [](const llvm::SetVector<Value> &set) {
    return llvm::map_to_vector(set, [](Value v) { return v.getType(); });
  };
  SmallVector<int64_t> tiles;
  SmallVector<std::string> grid = gridOf(group, tiles);
  auto attrsOf = [&](const llvm::SetVector<Value> &set) {
    return builder.getArrayAttr(llvm::map_to_vector(set, [&](Value v) -> Attribute {
      StringAttr extent = extentOf(function, v);
      return extent ? builder.getDictionaryAttr(builder.getNamedAttr(kExtentAttr, extent))
                    : builder.getDictionaryAttr({});
    }));
  };
  OpBuilder kernels(context);
  kernels.setInsertionPoint(function);
  auto kernel = KernelOp::create(
      kernels, withoutNames(group.ops.front()->getLoc()), name,
      kernels.getFunctionType(typesOf(inputs), typesOf(outputs)),
      kernels.getStrArrayAttr(llvm::map_to_vector(grid, [](std::string &s) -> StringRef { return s; })),
      attrsOf(inputs), attrsOf(outputs));
  if (group.shape == Shape::Library)
    kernel->setAttr("library", kernels.getUnitAttr());
  if (!tiles.empty())
    kernel->setAttr("mlora.tiles", kernels.getDenseI64ArrayAttr(tiles));
  symbols.insert(kernel);
  Block *body = kernels.createBlock(&kernel.getBody());
  IRMapping inside;
  for (Value input : inputs)
    inside.map(input, body->addArgument(input.getType(), namedAs(input)));
  kernels.setInsertionPointToEnd(body);
  for (Operation *op : group.ops)
    kernels.clone(*op, inside);
  YieldOp::create(kernels, kernel.getLoc(),
                  llvm::map_to_vector(outputs, [&](Value v) { return inside.lookup(v); }));

  SmallVector<StringRef> names = llvm::map_to_vector(outputs, nameOf);
  auto launch = LaunchOp::create(
      builder, withNames(kernel.getLoc(), names), typesOf(outputs), kernel.getSymName(),
      llvm::map_to_vector(inputs, [&](Value v) { return values.lookupOrDefault(v); }), ArrayAttr());
  for (auto [output, result] : llvm::zip_equal(outputs, launch.getResults()))
    values.map(output, result);
}

LogicalResult Former::run() {
  // Taken from where its rows come from, a spread does not wait for the losses, and the gradient of
  // cross-entropy can share its kernel.
  function.walk([](SpreadOp spread) { spread.getLikeMutable().assign(rowsSource(spread.getLike())); });
  if (failed(checkExtents()))
    return failure();
  splitViews();
  findChains();
  SmallVector<Operation *> line = lineUp(), sums;
  for (Operation *op : line)
    assign(op);
  threadChains();
  // Sums over tokens end chains of cotangents; taking them last lets the chain be one kernel.
  Block &body = function.getBody().front();
  for (Operation &op : body.without_terminator())
    if (shapeOf(&op) == Shape::TokenSum)
      sums.push_back(&op);
  auto takeAsOne = [&](function_ref<bool(Operation *)> isTaken) {
    if (llvm::none_of(sums, isTaken))
      return;
    groups.push_back({Shape::TokenSum, "", {}});
    for (Operation *op : llvm::make_filter_range(sums, isTaken))
      addTo(groups.back(), op);
  };
  // Products have schedules of their own on tensor cores.
  auto isProductOfRows = [&](Operation *op) { return !options.tensorCores || isa<TokenOuterOp>(op); };
  takeAsOne(isProductOfRows);
  takeAsOne([&](Operation *op) { return !isProductOfRows(op); });

  OpBuilder builder(body.getTerminator());
  IRMapping values;
  for (auto [index, group] : llvm::enumerate(groups))
    outline(group, index, builder, values);
  for (OpOperand &operand : body.getTerminator()->getOpOperands())
    operand.set(values.lookupOrDefault(operand.get()));
  for (SmallVector<Operation *> *list : {&sums, &line, &views})
    for (Operation *op : *list)
      op->dropAllUses();
  for (SmallVector<Operation *> *list : {&sums, &line, &views})
    for (Operation *op : llvm::reverse(*list))
      op->erase();
  return success();
}

/// Kernels that differ in their names only become the first of them: functions have the same groups where their
/// layers do the same (the lowest layer's backward, but for what nobody reads of it).
void shareKernels(ModuleOp module) {
  auto attributesOf = [](KernelOp kernel) {
    NamedAttrList attributes(kernel->getAttrDictionary());
    attributes.erase(kernel.getSymNameAttrName());
    return attributes.getDictionary(kernel.getContext());
  };
  llvm::MapVector<DictionaryAttr, SmallVector<KernelOp>> kept;
  llvm::StringMap<StringAttr> nameInstead;
  for (auto kernel : llvm::make_early_inc_range(module.getOps<KernelOp>())) {
    SmallVector<KernelOp> &alike = kept[attributesOf(kernel)];
    auto *same = llvm::find_if(alike, [&](KernelOp other) {
      return OperationEquivalence::isRegionEquivalentTo(&other.getBody(), &kernel.getBody(),
                                                        OperationEquivalence::IgnoreLocations);
    });
    if (same == alike.end()) {
      alike.push_back(kernel);
      continue;
    }
    nameInstead[kernel.getSymName()] = same->getSymNameAttr();
    kernel.erase();
  }
  module.walk([&](LaunchOp launch) {
    if (auto name = nameInstead.find(launch.getKernel()); name != nameInstead.end())
      launch.setKernel(name->second.getValue());
  });
}

struct FormKernels : mlir::mlora::impl::MLoraFormKernelsBase<FormKernels> {
  using MLoraFormKernelsBase::MLoraFormKernelsBase;
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    MLoraFormKernelsOptions options{rowBlock,        attentionBlock, tileColumns,
                                    vocabularyBlock, parameterBlock, columnBlock,    tensorCores};
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (!function.isExternal() && failed(Former(function, options, symbols).run()))
        return signalPassFailure();
    shareKernels(getOperation());
  }
};

} // namespace
